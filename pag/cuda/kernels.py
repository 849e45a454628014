"""What runs on the GPU: listing active pixels, and a convolution at listed ones or everywhere."""

from __future__ import annotations

from collections.abc import Callable

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]
from triton.testing import do_bench  # pyright: ignore[reportMissingImports]

from pag.cuda import interpreted

LIST_BLOCK = 1024
"""Pixels that one program looks at to list the active ones."""


def blocks(rows: int, columns: int, depth: int, warps: int, stages: int) -> triton.Config:
    """Pixels and channels that a program computes, and channels that it reads at a time."""
    sizes = {"block_rows": rows, "block_columns": columns, "block_depth": depth}
    return triton.Config(sizes, num_warps=warps, num_stages=stages)


CONFIGS = [
    blocks(64, 64, 32, 4, 3),  # fits any GPU in any precision
    blocks(128, 64, 64, 4, 4),
    blocks(128, 128, 64, 8, 3),
    blocks(128, 256, 64, 8, 3),
    blocks(64, 128, 64, 4, 4),
]
"""Timed against each other for every pair of widths, on the first map that is large enough.

Rows of 64 are what a tensor core of Hopper multiplies at least. Every one is compiled for every
kind of convolution, so that more of them would make the first pass longer.
"""
NARROW = [blocks(128, 32, 32, 4, 4)]
"""Timed as well where no more channels come out: of those of wider blocks half would be nothing."""
if interpreted():
    CONFIGS = [blocks(64, 128, 256, 4, 1)]  # there is nothing to time


def worth_timing(configs: list[triton.Config], named: dict, **settings: object) -> list:
    """All configurations for a large map, the first one for a small map.

    And the first one for products in float32 proper: without tensor cores, larger blocks are but
    long to compile.
    """
    proper = settings["precision"] == "ieee" and named["source"].element_size() == 4
    if proper or not settings["tuned"]:
        return configs[:1]
    fitting = named["channels_out"] <= max(block.kwargs["block_columns"] for block in NARROW)
    return configs + NARROW if fitting else configs


@triton.jit
def list_active(
    mask,
    positions,
    count,
    total,
    height,
    width,
    mask_height,
    mask_width,
    stride,
    dilation,
    halo: tl.constexpr,
    block: tl.constexpr,
):
    """List the active pixels, or with `halo` those that a 3x3 convolution reads there.

    The order within a block is that of the map, the order of blocks is whatever it happens to
    be: every pixel is computed for itself.

    Args:
        mask: (B, mask_height, mask_width) uint8, 0 or 1.
        positions: (total,) int32, written up to the count.
        count: (1,) int32, 0 at first.
        total: B * height * width, of the pixels to list.
        stride, dilation: of the convolution.
    """
    here = tl.program_id(0) * block + tl.arange(0, block)
    exists = here < total
    if halo:
        image = here // (height * width)
        y = here // width % height
        x = here % width
        wanted = here < 0
        for tap in range(9):
            reader_y = y + (tap // 3 - 1) * dilation
            reader_x = x + (tap % 3 - 1) * dilation
            reads = exists & (reader_y >= 0) & (reader_x >= 0)
            reads &= (reader_y % stride == 0) & (reader_x % stride == 0)
            reader_y = reader_y // stride
            reader_x = reader_x // stride
            reads &= (reader_y < mask_height) & (reader_x < mask_width)
            reader = (image * mask_height + reader_y) * mask_width + reader_x
            wanted |= tl.load(mask + reader, mask=reads, other=0) != 0
    else:
        wanted = tl.load(mask + here, mask=exists, other=0) != 0
    ones = wanted.to(tl.int32)
    place = tl.cumsum(ones, 0) - ones
    start = tl.atomic_add(count, tl.sum(ones, 0))
    tl.store(positions + start + place, here, mask=wanted)


def timed(call: Callable[[], object], quantiles: list[float]) -> object:
    """Milliseconds of a launch; its ten runs tell configurations apart."""
    return do_bench(call, warmup=4, rep=16, quantiles=quantiles)


@triton.autotune(
    CONFIGS,
    key=["channels_in", "channels_out", "taps", "every", "tuned"],
    prune_configs_by={"early_config_prune": worth_timing},
    restore_value=["out"],  # timing repeats the launch, which may add to it
    do_bench=timed,
)
@triton.jit(do_not_specialize=["total", "stride", "dilation", "tuned"])
def convolve(
    source,
    kernel,
    bias,
    low,
    high,
    out,
    positions,
    count,
    reach,
    total,
    height,
    width,
    source_height,
    source_width,
    stride,
    dilation,
    channels_in,
    channels_out,
    tuned,
    taps: tl.constexpr,
    every: tl.constexpr,
    activation: tl.constexpr,
    ceiling: tl.constexpr,
    add: tl.constexpr,
    precision: tl.constexpr,
    widen: tl.constexpr,
    block_rows: tl.constexpr,
    block_columns: tl.constexpr,
    block_depth: tl.constexpr,
):
    """A 1x1 or 3x3 convolution, as one matrix product that gathers as it reads.

    What is read and what is written are whole maps with a row per pixel. A pixel that no
    computed one needs is neither read nor written.

    Args:
        source: (B * source_height * source_width, channels_in), row-contiguous.
        kernel: (channels_out, taps * channels_in), row-contiguous; taps row by row.
        bias: (channels_out,) or None.
        low, high: (channels_in,), what the source is clamped to as a 1x1 reads it, or None.
        out: (B * height * width, channels_out), row-contiguous.
        positions, count: see `list_active`; of the output pixels that are computed.
        every: compute all of them; positions and count are None.
        total: B * height * width.
        reach: each output pixel's own dilation (B * height * width,), or None.
        stride, dilation: of the convolution; a 3x3 is padded by `dilation`.
        taps: 1 or 9.
        activation: clamp from below at 0, and from above at `ceiling` unless that is None.
        add: to what `out` holds.
        precision: of products in float32: ``ieee`` or ``tf32``. Sums are in float32.
        widen: multiply in float32: the interpreter knows no products of bfloat16.
        tuned: whether block sizes were timed; for `worth_timing`.
    """
    computed = total
    if not every:
        computed = tl.load(count)
    # Programs that read the same rows run one after another, and find them in the cache.
    across = tl.cdiv(channels_out, block_columns)
    first = tl.program_id(0) // across * block_rows
    if first >= computed:
        return
    position = first + tl.arange(0, block_rows)
    listed = position < computed
    if not every:
        position = tl.load(positions + position, mask=listed, other=0)
    column = tl.program_id(0) % across * block_columns + tl.arange(0, block_columns)
    wanted = column < channels_out
    image = position // (height * width)
    y = position // width % height * stride
    x = position % width * stride
    spread = dilation
    if reach is not None:
        spread = tl.load(reach + position, mask=listed, other=0).to(tl.int32)
    own = position  # the pixel that a 1x1 reads: without a stride, the same one
    if stride != 1:
        own = (image * source_height + y) * source_width + x

    sums = tl.zeros((block_rows, block_columns), tl.float32)
    chunks = tl.cdiv(channels_in, block_depth)
    for step in range(0, taps * chunks):
        tap = step // chunks
        channel = (step - tap * chunks) * block_depth + tl.arange(0, block_depth)
        exists = channel < channels_in
        row = own
        inside = listed
        if taps == 9:
            from_y = y + (tap // 3 - 1) * spread
            from_x = x + (tap % 3 - 1) * spread
            inside &= (from_y >= 0) & (from_y < source_height)
            inside &= (from_x >= 0) & (from_x < source_width)
            row = (image * source_height + from_y) * source_width + from_x
        read = source + row.to(tl.int64)[:, None] * channels_in + channel[None, :]
        values = tl.load(read, mask=inside[:, None] & exists[None, :], other=0.0)
        if low is not None:
            bound = tl.load(low + channel, mask=exists, other=0.0)[None, :]
            values = tl.maximum(values, bound)
            bound = tl.load(high + channel, mask=exists, other=0.0)[None, :]
            values = tl.minimum(values, bound).to(source.dtype.element_ty)
        read = (
            kernel + column[None, :] * (taps * channels_in) + (tap * channels_in + channel)[:, None]
        )
        weights = tl.load(read, mask=exists[:, None] & wanted[None, :], other=0.0)
        if widen:
            values = values.to(tl.float32)
            weights = weights.to(tl.float32)
        sums = tl.dot(values, weights, sums, input_precision=precision)

    if bias is not None:
        sums += tl.load(bias + column, mask=wanted, other=0.0).to(tl.float32)[None, :]
    if activation:
        sums = tl.maximum(sums, 0.0)
        if ceiling is not None:
            sums = tl.minimum(sums, ceiling)
    target = out + position.to(tl.int64)[:, None] * channels_out + column[None, :]
    written = listed[:, None] & wanted[None, :]
    if add:
        sums += tl.load(target, mask=written, other=0.0).to(tl.float32)
    tl.store(target, sums.to(out.dtype.element_ty), mask=written)
