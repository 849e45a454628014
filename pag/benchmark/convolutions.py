"""The 3x3 convolutions of gated layers, executed sparsely, beside another library's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pag.benchmark.recorded import Seen
from pag.benchmark.submanifold import Library, Ours, Run
from pag.macs import Size
from pag.ranking import ranks
from pag.sparse import as_rows
from pag.timing import ratio, summary, time_in_turn

LEARNED, HALF = "learned", "half"
"""Masks: those of the budget, and the half of the pixels with the highest logits."""
DENSE, OURS, THEIRS = "dense", "ours", "theirs"
PREPARED = "_prepared"
"""Ending of the runs whose indices were built before."""
ENDINGS = ("", PREPARED)


@dataclass(frozen=True)
class ConvolutionTiming:
    """One layer's 3x3 convolution under one mask.

    Attributes:
        layer: name of the gated block.
        size: (h, w) of its map.
        channels: in and out.
        dilation: of the convolution.
        mask: ``learned`` or ``half``.
        active_fraction: share of the pixels that are active.
        milliseconds: median and quartiles of ``dense`` (PyTorch's, everywhere), ``ours`` and
            ``theirs``, indices included, and of ``ours_prepared`` and ``theirs_prepared``,
            whose indices are there already.
        to_dense: time / time of ``dense``.
        to_theirs: our time / the other library's, with and without building indices; empty
            where there is no other library.
        difference: largest one of our results to the dense convolution's, as a share of the
            largest value.
        their_difference: the same of the other library's results. With more than one thread
            spconv 2.3.8 is wrong by tens of percent on CPUs: its threads add to the same rows.
    """

    layer: str
    size: Size
    channels: int
    dilation: int
    mask: str
    active_fraction: float
    milliseconds: dict[str, dict[str, float]]
    to_dense: dict[str, float]
    to_theirs: dict[str, float]
    difference: float
    their_difference: float | None


def left_out(seen: Seen) -> str | None:
    """Why a layer's convolution cannot be compared, or None."""
    if seen.block.depthwise:
        return "depthwise, which spconv does not know"
    if seen.block.stride != 1:
        return f"of stride {seen.block.stride}, and a submanifold convolution has none"
    return None


@torch.inference_mode()
def measure_convolutions(
    layers: Sequence[Seen],
    library: Library | None,
    repeats: int,
    clock: Callable[[], float],
) -> Iterator[ConvolutionTiming]:
    """Time those layers of stride 1 that are not depthwise, under both masks, all runs in turn.

    Args:
        layers: of one image; see `pag.benchmark.recorded.record`.
        library: what ours is compared with, if it is installed.
        repeats: timed runs of each.
        clock: in seconds.
    """
    for seen in layers:
        if left_out(seen):
            continue
        for name, mask in ((LEARNED, seen.mask), (HALF, highest_half(seen.logits))):
            if mask.any():
                yield _measure(seen, name, mask, library, repeats, clock)


def highest_half(logits: Tensor) -> Tensor:
    """(1, 1, h, w) logits -> bool mask of the same shape, the higher half of them active."""
    rank = ranks(logits.flatten().numpy())
    return torch.from_numpy(rank < len(rank) // 2).view_as(logits)


def _measure(
    seen: Seen,
    name: str,
    mask: Tensor,
    library: Library | None,
    repeats: int,
    clock: Callable[[], float],
) -> ConvolutionTiming:
    weight, dilation = seen.block.conv2.weight, seen.block.dilation
    everywhere = seen.reduced.contiguous(memory_format=torch.channels_last)
    active = mask.flatten().nonzero().squeeze(1)
    rows = as_rows(everywhere).index_select(0, active)

    def dense(x: Tensor) -> Tensor:
        return F.conv2d(x, weight, padding=dilation, dilation=dilation)

    calls: dict[str, Run] = {DENSE: lambda: dense(everywhere)}
    for key, rival in ((OURS, Ours()), (THEIRS, library)):
        if rival is not None:
            bound = rival.bind(weight, dilation, rows, mask[:, 0])
            calls |= dict(zip((key, key + PREPARED), bound, strict=True))
    timings = time_in_turn(
        {key: lambda _, call=call: call() for key, call in calls.items()}, repeats, clock
    )
    expected = as_rows(dense(everywhere * mask)).index_select(0, active)
    largest = float(expected.abs().max().clamp_min(1e-12))
    off = {
        key: max(float((calls[key + end]() - expected).abs().max()) / largest for end in ENDINGS)
        for key in (OURS, THEIRS)
        if key in calls
    }
    endings = ENDINGS if library is not None else ()
    return ConvolutionTiming(
        layer=seen.cost.name,
        size=seen.cost.output_size,
        channels=seen.block.width,
        dilation=dilation,
        mask=name,
        active_fraction=round(mask.float().mean().item(), 3),
        milliseconds={key: summary(seconds) for key, seconds in timings.items()},
        to_dense={key: ratio(timings, key, DENSE) for key in timings if key != DENSE},
        to_theirs={OURS + end: ratio(timings, OURS + end, THEIRS + end) for end in endings},
        difference=off[OURS],
        their_difference=off.get(THEIRS),
    )
