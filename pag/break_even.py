"""From which active fraction on a gated layer is faster dense: measured layer by layer."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from pag.backbones import BlockInput, ResidualBlock
from pag.break_even_tables import BreakEven
from pag.config import GATE_SCOPES, PAGConfig
from pag.execution import DenseExecution, Execution
from pag.fused_execution import SparseExecution
from pag.inference import TASKS
from pag.macs import LayerCost, Size, halo, network_cost
from pag.network import PAGNet, fuse_batchnorm
from pag.timing import WARMUP, ratio, summary, time_in_turn

FRACTIONS = tuple(i / 10 for i in range(1, 10))
SHRINK = 4
"""Layers are also measured at height and width divided by this, to tell the fixed overhead."""
MARGIN = 0.02
"""Skipping has to save at least this share of the time to be preferred."""


@dataclass(frozen=True)
class LayerTiming:
    """Sparse against dense execution of one layer at one active fraction.

    Attributes:
        layer: name of the gated block.
        scope: ``block`` or ``conv``; see `PAGConfig.gate_scope`.
        width: channels inside the block, where its 3x3 is.
        stride: of its 3x3.
        input_size: (H, W) of its input.
        macs: switched multiply-adds of the layer with the gate open everywhere.
        active_fraction: share of active output pixels.
        halo_fraction: share of input pixels that the active ones need.
        share: executed / dense switched multiply-adds.
        dense_ms, sparse_ms: median and quartiles, milliseconds.
        ratio: median of sparse time / dense time.
        depthwise: whether the 3x3 is.
    """

    layer: str
    scope: str
    width: int
    stride: int
    input_size: Size
    macs: int
    active_fraction: float
    halo_fraction: float
    share: float
    dense_ms: dict[str, float]
    sparse_ms: dict[str, float]
    ratio: float
    depthwise: bool = False


def prepare(net: PAGNet) -> PAGNet:
    """Fused and in channels-last layout, as the predictor runs it; in place."""
    return fuse_batchnorm(net).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def blob_mask(size: Size, fraction: float, seed: int) -> Tensor:
    """(1, 1, h, w) bool with `fraction` of its pixels active, in compact blobs.

    Smoothed noise, its highest values kept. With half of the pixels active, the halo of a
    3x3 covers some 60% of a large map, and 70% at dilation 2, as with learned masks.
    """
    noise = torch.randn(1, 1, *size, generator=torch.Generator().manual_seed(seed))
    for _ in range(2):
        noise = F.avg_pool2d(noise, 9, 1, 4, count_include_pad=False)
    order = noise.flatten().argsort(descending=True, stable=True)
    mask = torch.zeros(noise.numel(), dtype=torch.bool)
    mask[order[: max(1, round(fraction * len(order)))]] = True
    return mask.view(1, 1, *size)


def layer_kinds(net: PAGNet, size: Size) -> list[tuple[LayerCost, ResidualBlock]]:
    """The gated layers of `net` on an image of (H, W) = `size`, one of each shape."""
    blocks = dict(net.backbone.blocks)
    kinds: dict[object, tuple[LayerCost, ResidualBlock]] = {}
    for cost in network_cost(net, size, TASKS).layers:
        block = blocks[cost.name]
        shape = (cost.input_size, block.conv1.weight.shape, cost.block_stride, cost.dilation)
        kinds.setdefault(shape, (cost, block))
    return list(kinds.values())


@torch.inference_mode()
def measure_layer(
    cost: LayerCost, block: ResidualBlock, repeats: int, clock: Callable[[], float]
) -> list[LayerTiming]:
    """Sparse against dense over `FRACTIONS`, on another mask in every repeat."""
    x = torch.randn(1, block.conv1.in_channels, *cost.input_size)
    x = x.contiguous(memory_format=torch.channels_last)
    executions: dict[str, Execution] = {"dense": DenseExecution(), "sparse": SparseExecution()}
    onto = torch.zeros(1, block.conv3.out_channels, *cost.output_size)
    onto = onto.contiguous(memory_format=torch.channels_last)
    found = []
    for fraction in FRACTIONS:
        masks = [blob_mask(cost.output_size, fraction, seed) for seed in range(repeats + WARMUP)]
        timings = time_in_turn(
            {
                name: lambda i, by=execution, m=masks: by.residual(
                    block, BlockInput(block, x), m[i], cost.scope, onto
                )
                for name, execution in executions.items()
            },
            repeats,
            clock,
        )
        every = torch.cat(masks)
        read = halo(every.float(), cost.block_stride, cost.dilation, cost.input_size) > 0
        found.append(
            LayerTiming(
                layer=cost.name,
                scope=cost.scope,
                width=block.width,
                stride=block.stride,
                input_size=cost.input_size,
                macs=cost.dense,
                active_fraction=round(every.float().mean().item(), 3),
                halo_fraction=round(read.float().mean().item(), 3),
                share=round(cost.executed(every).mean().item() / cost.dense, 4),
                dense_ms=summary(timings["dense"]),
                sparse_ms=summary(timings["sparse"]),
                ratio=ratio(timings, "sparse", "dense"),
                depthwise=block.depthwise,
            )
        )
    return found


def measure_layers(
    size: Size, repeats: int, clock: Callable[[], float], config: PAGConfig
) -> Iterator[list[LayerTiming]]:
    """Every kind of layer, in both scopes, at an image of (H, W) = `size` and a smaller one.

    `config` gives the shapes, and its scope is not used.
    """
    for scope in GATE_SCOPES:
        net = prepare(PAGNet(replace(config, gate_scope=scope)))
        for shape in (size, (size[0] // SHRINK, size[1] // SHRINK)):
            for cost, block in layer_kinds(net, shape):
                yield measure_layer(cost, block, repeats, clock)


def break_even(timings: Sequence[Sequence[LayerTiming]]) -> tuple[BreakEven, ...]:
    """The table that these measurements justify, on the safe side.

    In each layer the time ratio is fitted by a line over the share of multiply-adds executed;
    where the line reaches 1 - MARGIN, the layer breaks even. The share of a family is the
    lowest among its larger layers, its overhead what explains the smaller ones.

    Args:
        timings: of one layer each, at several active fractions.
    """
    families: dict[tuple[str, int, int, bool], list[tuple[int, float]]] = {}
    for points in timings:
        line = statistics.linear_regression([p.share for p in points], [p.ratio for p in points])
        even = (1 - MARGIN - line.intercept) / line.slope if line.slope > 0 else 0.0
        first = points[0]
        family = (first.scope, first.width, first.stride, first.depthwise)
        families.setdefault(family, []).append((first.macs, min(1.0, max(0.0, even))))
    table = []
    for (scope, width, stride, depthwise), layers in families.items():
        sizes = [macs for macs, _ in layers]
        share = min(even for macs, even in layers if macs**2 >= min(sizes) * max(sizes))
        overhead = max(0.0, *((share - even) * macs for macs, even in layers))
        rounded = (round(share, 3), float(round(overhead)))
        table.append(BreakEven(scope, width, stride, *rounded, depthwise))
    return tuple(table)
