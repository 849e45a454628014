"""MultiPool, where each pixel chooses its dilation, against one dilation everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pag.fused_execution import AutoExecution
from pag.macs import Size
from pag.multipool import MultiPool
from pag.timing import ratio, summary, time_in_turn

DILATION = 2
"""Of the single convolution."""


@dataclass(frozen=True)
class PoolTiming:
    """MultiPool against its own 3x3 at one dilation everywhere, run densely by PyTorch.

    Attributes:
        size: (h, w) of the map.
        channels: in and out.
        dilations: share of the pixels that chose each one.
        milliseconds: median and quartiles of ``multipool``, of what it does to choose
            (``choosing``), and of the single convolution (``dilated``).
        to_dilated: time / time of the single convolution.
    """

    size: Size
    channels: int
    dilations: dict[str, float]
    milliseconds: dict[str, dict[str, float]]
    to_dilated: dict[str, float]


@torch.inference_mode()
def measure_pool(
    module: MultiPool, x: Tensor, repeats: int, clock: Callable[[], float]
) -> PoolTiming:
    """Time a fused MultiPool on (B, C, h, w) features."""
    x, execution = x.contiguous(memory_format=torch.channels_last), AutoExecution()
    timings = time_in_turn(
        {
            "multipool": lambda _: execution.pool(module, x),
            "choosing": lambda _: module.scores(x).argmax(1),
            "dilated": lambda _: module.branch(x, DILATION),
        },
        repeats,
        clock,
    )
    chosen = execution.pool(module, x)[1]
    return PoolTiming(
        size=(x.shape[2], x.shape[3]),
        channels=module.channels,
        dilations={
            str(dilation): round((chosen == index).float().mean().item(), 4)
            for index, dilation in enumerate(module.dilations)
        },
        milliseconds={name: summary(seconds) for name, seconds in timings.items()},
        to_dilated={name: ratio(timings, name, "dilated") for name in ("multipool", "choosing")},
    )
