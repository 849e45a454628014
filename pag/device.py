"""The device to run on, by name."""

from __future__ import annotations

import torch
from torch import Tensor

from pag.errors import InputError


def choose_device(name: str) -> torch.device:
    """The device called ``auto`` (a GPU if there is one), ``cpu``, ``cuda`` or ``cuda:1``.

    Raises:
        InputError: it is none of these, or not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise InputError(f"The device is {name!r}; expected auto, cpu or cuda.")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError("The device is cuda, but there is no CUDA GPU here; use auto or cpu.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f"The device is {name}, but there are {torch.cuda.device_count()} GPUs.")
    return device


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether mixed precision saves time there.

    A CPU without instructions for it takes over a hundred times as long as in float32.
    """
    if device.type != "cpu":
        return True
    has = torch.cpu.get_capabilities()
    return bool(has.get("avx512_bf16") or has.get("amx_bf16"))


def sent(values: Tensor, device: torch.device) -> Tensor:
    """Values of the CPU on the device; nobody waits for a GPU.

    From memory that is not pinned, what is more than 64 KB waits until the GPU has done all that it
    was asked for before.
    """
    if device.type != "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)
