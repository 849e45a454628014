"""What a gate asks of a GPU: its logits, and the pixels that a layer's allotment pays for."""

from __future__ import annotations

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]

LEAST = tl.constexpr(-(1 << 31))


@triton.jit
def project(
    source,
    low,
    high,
    weight,
    bias,
    out,
    total,
    channels,
    rows: tl.constexpr,
    depth: tl.constexpr,
):
    """A 1x1 convolution to one channel, which reads a map once.

    Args:
        source: (total, channels), row-contiguous.
        low, high: (channels,), what the source is clamped to, or None.
        weight: (channels,).
        bias: (1,).
        out: (total,) float32.
    """
    row = tl.program_id(0) * rows + tl.arange(0, rows)
    sums = tl.zeros((rows, depth), tl.float32)
    for start in range(0, channels, depth):
        channel = start + tl.arange(0, depth)
        exists = channel < channels
        read = source + row.to(tl.int64)[:, None] * channels + channel[None, :]
        values = tl.load(read, mask=(row < total)[:, None] & exists[None, :], other=0.0)
        values = values.to(tl.float32)
        if low is not None:
            bound = tl.load(low + channel, mask=exists, other=0.0).to(tl.float32)
            values = tl.maximum(values, bound[None, :])
            bound = tl.load(high + channel, mask=exists, other=0.0).to(tl.float32)
            values = tl.minimum(values, bound[None, :])
        sums += values * tl.load(weight + channel, mask=exists, other=0.0).to(tl.float32)[None, :]
    logits = tl.sum(sums, 1) + tl.load(bias).to(tl.float32)
    tl.store(out + row, logits, mask=row < total)


@triton.jit
def _key(logit):
    """A float32 as 32 bits of the same order, above 0; of zeros, both signs are one."""
    bits = tl.where(logit == 0, 0.0, logit).to(tl.int32, bitcast=True).to(tl.int64)
    return tl.where(bits < 0, -1 - bits, bits - LEAST)


@triton.jit
def _stored(keys, mask):
    """Keys as they are kept, in an int32."""
    return tl.load(keys, mask=mask, other=0).to(tl.int64) - LEAST


@triton.jit
def _digit(counts, state, target, image, images, step: tl.constexpr, per_output, per_input):
    """One more digit of the key at which the cost reaches the target.

    Returns:
        The key's digits so far, what is spent on all keys above those that begin with them, and
        what is spent with these.
    """
    begun = tl.full((), 0, tl.int64)
    above = tl.full((), 0, tl.int64)
    if step > 0:
        begun = tl.load(state + ((step - 1) * images + image) * 2)
        above = tl.load(state + ((step - 1) * images + image) * 2 + 1)
    digit = tl.arange(0, 256)
    here = counts + (step * images + image) * 512 + digit
    cost = tl.load(here).to(tl.int64) * per_output + tl.load(here + 256).to(tl.int64) * per_input
    spent = above + tl.cumsum(cost, 0, reverse=True)
    reached = tl.max(tl.where(spent.to(tl.float64) >= target, digit, 0), 0)
    chosen = digit == reached
    including = tl.sum(tl.where(chosen, spent, 0), 0)
    beyond = including - tl.sum(tl.where(chosen, cost, 0), 0)
    return begun * 256 + reached, beyond, including


@triton.jit(do_not_specialize=["stride", "dilation"])
def count_digits(
    logits,
    keys,
    counts,
    state,
    targets,
    images,
    outputs,
    inputs,
    height,
    width,
    output_height,
    output_width,
    stride,
    dilation,
    per_output,
    per_input,
    step: tl.constexpr,
    block: tl.constexpr,
):
    """Count how often each 8-bit digit stands at `step` in keys that begin as the sought one does.

    An output pixel has the key of its logit, an input pixel the highest one of the outputs whose
    3x3 reads it: with all keys from k on kept, these are the pixels that are computed.

    Args:
        logits: (images, outputs) float32.
        keys: (images, outputs + inputs) int32, written by step 0.
        counts: (4, images, 2, 256) int32, 0 at first: of each step, of outputs and of inputs.
        state: (4, images, 2) int64: the digits that a step found, and what is spent above them.
        targets: (images,) float64 multiply-adds.
        outputs, inputs: pixels of a map; no inputs where they cost nothing.
        height, width, output_height, output_width: of the inputs and of the outputs.
        stride, dilation: of the 3x3.
        per_output, per_input: multiply-adds of a pixel.
    """
    image = tl.program_id(1)
    across = tl.cdiv(outputs, block)
    side = (tl.program_id(0) >= across).to(tl.int32)
    here = (tl.program_id(0) - side * across) * block + tl.arange(0, block)
    exists = here < tl.where(side == 1, inputs, outputs)
    place = keys + image * (outputs + inputs) + side * outputs + here
    if step == 0:
        if side == 0:
            key = _key(tl.load(logits + image * outputs + here, mask=exists, other=0.0))
        else:
            key = tl.zeros((block,), tl.int64)
            y = here // width
            x = here % width
            for tap in range(9):
                reader_y = y + (tap // 3 - 1) * dilation
                reader_x = x + (tap % 3 - 1) * dilation
                reads = exists & (reader_y >= 0) & (reader_x >= 0)
                reads &= (reader_y % stride == 0) & (reader_x % stride == 0)
                reader_y = reader_y // stride
                reader_x = reader_x // stride
                reads &= (reader_y < output_height) & (reader_x < output_width)
                reader = image * outputs + reader_y * output_width + reader_x
                theirs = _key(tl.load(logits + reader, mask=reads, other=0.0))
                key = tl.maximum(key, tl.where(reads, theirs, tl.zeros_like(theirs)))
        tl.store(place, (key + LEAST).to(tl.int32), mask=exists)
        counted = exists & (key > 0)
    else:
        key = _stored(place, exists)
        begun, above, _ = _digit(
            counts, state, tl.load(targets + image), image, images, step - 1, per_output, per_input
        )
        tl.store(state + ((step - 1) * images + image) * 2, begun)
        tl.store(state + ((step - 1) * images + image) * 2 + 1, above)
        counted = exists & (key > 0) & ((key >> (32 - 8 * step)) == begun)
    digit = ((key >> (24 - 8 * step)) & 255).to(tl.int32)
    found = tl.histogram(digit, 256, mask=counted)
    into = counts + ((step * images + image) * 2 + side) * 256 + tl.arange(0, 256)
    tl.atomic_add(into, found, mask=found > 0)


@triton.jit
def keep(
    keys,
    counts,
    state,
    targets,
    mask,
    spent,
    images,
    outputs,
    inputs,
    per_output,
    per_input,
    block: tl.constexpr,
):
    """Keep the outputs above the key that `count_digits` found, with it if that is nearer.

    Args:
        mask: (images, outputs) uint8, written: 0 or 1.
        spent: (images,) float64, written: the multiply-adds that it costs.
    """
    image = tl.program_id(1)
    here = tl.program_id(0) * block + tl.arange(0, block)
    target = tl.load(targets + image)
    sought, without, including = _digit(  # pyright: ignore[reportGeneralTypeIssues]
        counts, state, target, image, images, 3, per_output, per_input
    )
    nearer = including.to(tl.float64) - target < target - without.to(tl.float64)
    place = keys + image * (outputs + inputs) + here
    key = _stored(place, here < outputs)
    kept = key >= tl.where(nearer, sought, sought + 1)
    tl.store(mask + image * outputs + here, kept.to(tl.uint8), mask=here < outputs)
    cost = tl.where(nearer, including, without)
    tl.store(spent + image, cost.to(tl.float64))
