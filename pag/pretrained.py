"""ImageNet initialisation and checkpoints. Weights come from safetensors only, strictly."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from pag.backbones import Backbone
from pag.budget import BudgetTable
from pag.checkpoints import CONFIG_FILE, WEIGHTS_FILE, find_checkpoint
from pag.config import PAGConfig
from pag.errors import PAGError, WeightsError
from pag.network import PAGNet

CHECKPOINT_FORMAT = 1
COUNTER = "num_batches_tracked"  # of BatchNorm; means nothing here and is not stored


@dataclass(frozen=True)
class ImportReport:
    """What became of the tensors of a file.

    Attributes:
        used: names that found their place.
        unused: names that have none in this network.
    """

    used: tuple[str, ...]
    unused: tuple[str, ...]


def load_tensors(path: str | Path) -> dict[str, torch.Tensor]:
    """All tensors of a safetensors file; `WeightsError` if it is none."""
    if not Path(path).is_file():
        raise WeightsError("There is no weights file at the place given; expected .safetensors.")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"The weights file is not readable as safetensors: {error}") from error


def load_imagenet(backbone: Backbone, path: str | Path) -> ImportReport:
    """Initialise a backbone from GluonCV's ImageNet tensors, in place.

    Every tensor whose place exists with the same shape is used; the report names the rest.

    Raises:
        WeightsError: unreadable, or without tensors that belong elsewhere than to the
            backbone's new parts.
    """
    tensors = load_tensors(path)
    state = backbone.state_dict()
    places = backbone.gluon_names()
    used = {
        theirs: places[theirs]
        for theirs, tensor in tensors.items()
        if theirs in places
        and places[theirs] in state
        and state[places[theirs]].shape == tensor.shape
    }
    missing = [
        theirs for theirs, ours in places.items()
        if not backbone.is_new(ours) and theirs not in used
    ]  # fmt: skip
    if missing:
        raise WeightsError(
            f"The ImageNet weights lack {len(missing)} tensors, {missing[0]} for one."
        )
    with torch.no_grad():
        for theirs, ours in used.items():
            state[ours].copy_(tensors[theirs])
    backbone.derive()
    return ImportReport(tuple(sorted(used)), tuple(sorted(set(tensors) - set(used))))


def frozen_norms(backbone: Backbone) -> list[nn.BatchNorm2d]:
    """The BatchNorms whose ImageNet statistics are kept: those outside the new parts."""
    return [
        module
        for name, module in backbone.named_modules()
        if isinstance(module, nn.BatchNorm2d) and not backbone.is_new(name)
    ]


@dataclass(frozen=True)
class Checkpoint:
    """A trained network with all that is needed to run it at any budget.

    Attributes:
        net: float32, in evaluation mode, BatchNorm not folded.
        table: how its layers follow the budget.
        digest: first 12 hexadecimal digits of the SHA-256 of the weights file.
    """

    net: PAGNet
    table: BudgetTable
    digest: str


def save_checkpoint(folder: str | Path, net: PAGNet, table: BudgetTable) -> None:
    """Write `net` and its table to `folder` as config.json and model.safetensors.

    Convolution kernels are stored in half precision; vectors (BatchNorm, biases) stay in
    float32, because some variances are below what half precision can hold.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: (value.half() if value.ndim == 4 else value).cpu().contiguous()
        for name, value in net.state_dict().items()
        if not name.endswith(COUNTER)
    }
    settings = {
        "format": CHECKPOINT_FORMAT,
        "network": asdict(net.config),
        "budget_table": {"names": table.names, "shares": table.shares},
    }
    save_file(tensors, folder / WEIGHTS_FILE)
    (folder / CONFIG_FILE).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")


def load_checkpoint(name: str | Path | None = None) -> Checkpoint:
    """Load a checkpoint strictly: every tensor must be there, and fit.

    Raises:
        WeightsError: missing, unreadable, of another format, incomplete, or not fitting.
    """
    folder = find_checkpoint(name)
    try:
        settings = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        if settings["format"] != CHECKPOINT_FORMAT:
            raise WeightsError(
                f"The checkpoint has format {settings['format']}; expected {CHECKPOINT_FORMAT}."
            )
        config = PAGConfig.from_dict(settings["network"])
        shares = settings["budget_table"]["shares"]
        table = BudgetTable(
            tuple(settings["budget_table"]["names"]), tuple(tuple(row) for row in shares)
        )
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, PAGError):
            raise WeightsError(f"The checkpoint's {CONFIG_FILE} does not fit: {error}") from error
        raise WeightsError(f"The checkpoint's {CONFIG_FILE} is damaged: {error!r}") from error
    weights = folder / WEIGHTS_FILE
    tensors = {k: v.float() for k, v in load_tensors(weights).items()}
    net = PAGNet(config)
    counters = {k: v for k, v in net.state_dict().items() if k.endswith(COUNTER)}
    try:
        net.load_state_dict(tensors | counters, strict=True)
    except RuntimeError as error:
        raise WeightsError(f"The checkpoint's weights do not fit its network: {error}") from error
    if table.names != tuple(net.gates):
        raise WeightsError("The checkpoint's budget table names other layers than its network has.")
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:12]
    return Checkpoint(net.eval(), table, digest)
