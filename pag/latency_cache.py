"""What was measured on this machine, kept in the user's cache folder.

One file for each device, version of PyTorch and of the kernels, number of threads and network.
What cannot be read is as good as absent, and a folder that cannot be written is no error.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path

import torch

from pag import cpu, cuda
from pag.cache import cache_folder, write_whole
from pag.config import PAGConfig
from pag.cpu.build import fingerprint
from pag.errors import PAGError
from pag.latency import Latency
from pag.timing import processor

FORMAT = 4
"""Of the files; those of another format are measured again."""
LARGEST = 1_000_000  # bytes; a table has some 10 kB

logger = logging.getLogger(__name__)


def identity(device: torch.device, config: PAGConfig) -> dict[str, object]:
    """What a measurement holds for, as plain values."""
    network = {k: v for k, v in dataclasses.asdict(config).items() if k != "classes"}
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    return {
        "format": FORMAT,
        "device": f"{device.type}: {name}",
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "kernels": kernels(device),
        # As JSON gives it back, with lists for tuples.
        "network": json.loads(json.dumps(network | {"classes": len(config.classes)})),
    }


def kernels(device: torch.device) -> str | None:
    """What tells the kernels that run on a device from others; None where PyTorch does their work.

    On a GPU the first call compiles some of them; a first pass would otherwise.
    """
    if device.type == "cpu":
        return fingerprint() if cpu.kernels() is not None else None
    if not cuda.serves(torch.zeros(1, 1, 1, 1, device=device)):
        return None
    sources = sorted((Path(__file__).parent / "cuda").glob("*.py"))
    text = b"\n".join(source.read_bytes() for source in sources)
    return hashlib.sha256(text).hexdigest()[:16]


def table_file(device: torch.device, config: PAGConfig) -> Path:
    """Where the measurement of this network on this device is kept; see `cache_folder`."""
    text = json.dumps(identity(device, config), sort_keys=True)
    return cache_folder() / f"latency-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"


def load_latency(device: torch.device, config: PAGConfig, layers: Iterable[str]) -> Latency | None:
    """What is kept of this network on this device; None where there is nothing of use.

    Args:
        device: that the network runs on.
        config: of the network.
        layers: names of its gated layers.
    """
    try:
        path = table_file(device, config)
        if path.stat().st_size > LARGEST:
            raise ValueError("it is too large")
        kept = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(kept, dict) or kept.get("identity") != identity(device, config):
            raise ValueError("it was measured elsewhere")
        latency = Latency.from_dict(kept.get("latency"))
        if set(layers) != set(latency.layers):
            raise ValueError("it has other layers")
        return latency
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError, RuntimeError, PAGError) as error:
        logger.warning("The latency table in the cache folder is left out: %s.", error)
        return None


def save_latency(latency: Latency, device: torch.device, config: PAGConfig) -> Path | None:
    """Keep a measurement; of several that are written at once, one whole one stays.

    Returns:
        The file, or None where it could not be written.
    """
    kept = {"identity": identity(device, config), "latency": latency.to_dict()}
    try:
        path = table_file(device, config)
        write_whole(path, (json.dumps(kept, indent=1) + "\n").encode())
        return path
    except (OSError, RuntimeError) as error:
        logger.warning("The latency table was not kept: %s.", error)
        return None
