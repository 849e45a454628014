"""Executing only the active pixels, by PyTorch's own operations: what runs on any machine.

`pag.cpu` and `pag.cuda` have kernels that do the same faster, and are measured against it.

A feature map is taken as a matrix with one row per pixel (in channels-last layout this is a
view): the rows of active pixels are gathered, multiplied by the kernel, and scattered back.
Work goes span by span, so that what was gathered is still in the cache when it is multiplied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from pag.macs import Size, halo

if TYPE_CHECKING:
    from pag.backbones import ResidualBlock

SPAN = 8192 * 576
"""Values gathered at a time on a CPU, 19 MB: 8192 rows of the neighbours of 64 channels. Fewer at a
time cost more calls, more of them do not stay in the cache.
"""
DEPTHWISE_SPAN = 512 * 9 * 576
"""The same for depthwise convolutions."""
GRAIN = 256
"""Spans are multiples of this, the tail excepted; see `spans`."""


@dataclass(frozen=True)
class ActivePixels:
    """The pixels that a gated block computes under one mask.

    Attributes:
        outputs: (N,) int64, flat positions of the active pixels in (B, h, w).
        inputs: (M,) int64, flat positions in (B, H, W) of those that the first 1x1 is needed
            at; None in scope ``conv``, where it runs everywhere.
    """

    outputs: Tensor
    inputs: Tensor | None

    @classmethod
    def under(
        cls, mask: Tensor, block: ResidualBlock, scope: str, input_size: Size
    ) -> ActivePixels:
        """Of a (B, 1, h, w) bool mask over a block whose input has (H, W) = `input_size`."""
        outputs = mask.flatten().nonzero().squeeze(1)
        if scope == "conv":
            return cls(outputs, None)
        needed = halo(mask.float(), block.stride, block.dilation, input_size) > 0
        return cls(outputs, needed.flatten().nonzero().squeeze(1))


def run_active(
    block: ResidualBlock,
    a: Tensor,
    mask: Tensor,
    pixels: ActivePixels,
    onto: Tensor | None = None,
) -> Tensor:
    """The residual branch of a fused block at `pixels`, the active ones under `mask`.

    Args:
        block: the gated block.
        a: (B, C, H, W), its gate's input.
        mask: (B, 1, h, w) bool.
        pixels: that are active under it.
        onto: (B, C', h, w), what the branch is added to, in place; in scope ``block`` alone
            are pixels that are not active left unread.

    Returns:
        (B, C', h, w), `onto` if given.
    """
    batch, size = a.shape[0], (mask.shape[-2], mask.shape[-1])
    reduced, numbers = reduce_at(block, a, pixels.inputs)
    read = neighbours(
        pixels.outputs,
        size,
        numbers,
        len(reduced) - 1,
        block.stride,
        block.dilation,
        block.dilation,
    )
    spatial = convolve_at(reduced, read, block.conv2.weight, block.conv2.bias)
    ceiling = block.ceiling
    if pixels.inputs is None:
        everywhere = as_maps(reduced[:-1], batch, (a.shape[2], a.shape[3]))
        skipped = everywhere[:, :, :: block.stride, :: block.stride]
        mixed = skipped.clone(memory_format=torch.channels_last)
        rows = as_rows(mixed)
        for span, values in spatial:
            rows.index_copy_(0, pixels.outputs[span], values.clamp_(0, ceiling))
        branch = block.expand(mixed)
        return branch if onto is None else onto.add_(branch)
    kernel, bias = block.conv3.weight.flatten(1), block.conv3.bias
    if onto is None:
        onto = as_maps(a.new_zeros(mask.numel(), block.conv3.out_channels), batch, size)
    elif not onto.is_contiguous(memory_format=torch.channels_last):
        onto = onto.contiguous(memory_format=torch.channels_last)
    out = as_rows(onto)
    for span, values in spatial:
        places = pixels.outputs[span]
        product = multiply_rows(values.clamp_(0, ceiling), kernel, bias)
        out.index_copy_(0, places, product.add_(out.index_select(0, places)))
    return onto


def reduce_at(block: ResidualBlock, a: Tensor, inputs: Tensor | None) -> tuple[Tensor, Tensor]:
    """The first 1x1 and its activation at chosen pixels, or everywhere.

    Returns:
        (M + 1, width), a row per pixel and a zero row, which is what the 3x3 is padded with;
        (B, H, W) int64, each pixel's row, M where it has none.
    """
    batch, _, height, width = a.shape
    total = batch * height * width
    count = total if inputs is None else len(inputs)
    reduced = a.new_empty(count + 1, block.conv1.out_channels)
    reduced[count] = 0
    if inputs is None:
        numbers = torch.arange(total, device=a.device)
        torch.clamp(as_rows(block.conv1(a)), 0, block.ceiling, out=reduced[:-1])
        return reduced, numbers.view(batch, height, width)
    numbers = torch.full((total,), count, device=a.device)
    numbers[inputs] = torch.arange(count, device=a.device)
    rows, kernel = as_rows(a), block.conv1.weight.flatten(1)
    for span in spans(count, a.device, a.shape[1]):
        product = multiply_rows(rows.index_select(0, inputs[span]), kernel, block.conv1.bias)
        torch.clamp(product, 0, block.ceiling, out=reduced[span])
    return reduced, numbers.view(batch, height, width)


def convolve_at(
    rows: Tensor, read: Tensor, weight: Tensor, bias: Tensor | None
) -> Iterator[tuple[slice, Tensor]]:
    """A convolution at chosen pixels, span by span.

    Args:
        rows: (R, C), one per input pixel, the last one zero: what lies off the map.
        read: (n, k*k) rows that each output reads; see `neighbours`.
        weight, bias: (N, C, k, k) and (N,), or (C, 1, k, k) of a depthwise convolution.

    Yields:
        A slice of the n outputs and their values (length of the slice, N).
    """
    # In channels-last layout this is a view, so there is nothing worth keeping between calls.
    kernel = weight.permute(0, 2, 3, 1).flatten(1)
    taps, channels = read.shape[1], rows.shape[1]
    depthwise = weight.shape[1] < channels
    volume = DEPTHWISE_SPAN if depthwise else SPAN
    for span in spans(len(read), rows.device, taps * channels, volume):
        gathered = rows.index_select(0, read[span].flatten())
        if depthwise:
            yield span, multiply_channels(gathered.view(-1, taps, channels), kernel, bias)
        else:
            yield span, multiply_rows(gathered.view(-1, kernel.shape[1]), kernel, bias)


def neighbours(
    outputs: Tensor,
    output_size: Size,
    numbers: Tensor,
    outside: int,
    stride: int,
    reach: int | Tensor,
    margin: int,
) -> Tensor:
    """The rows that a 3x3 convolution reads at chosen pixels.

    Args:
        outputs: (n,) int64, flat positions in (B, h, w).
        output_size: (h, w).
        numbers: (B, H, W) int64, the row that holds each input pixel.
        outside: the row that stands for pixels off the map.
        stride: of the convolution.
        reach: its dilation, or (n, 1) int64, each pixel's own.
        margin: the largest reach.

    Returns:
        (n, 9) int64 in the order of the kernel, row by row.
    """
    height, width = output_size
    numbers = F.pad(numbers, (margin,) * 4, value=outside)
    _, padded_height, padded_width = numbers.shape
    line = outputs // width
    x = (outputs - line * width) * stride + margin
    image = line // height
    y = (line - image * height) * stride + margin
    centre = (image * padded_height + y) * padded_width + x
    step = torch.arange(-1, 2, device=outputs.device)
    offsets = (step[:, None] * padded_width + step).flatten()
    positions = centre[:, None] + offsets * reach
    return numbers.flatten().index_select(0, positions.flatten()).view(-1, 9)


def spans(
    count: int, device: torch.device, width: int, volume: int | None = None
) -> Iterator[slice]:
    """Cut `count` rows of `width` values into consecutive slices of a size that suits the device.

    oneDNN prepares a kernel for every new shape, and masks differ in their number of active
    pixels: slices of few lengths, all but the last multiples of `GRAIN`, are found prepared.
    """
    if device.type != "cpu":
        if count:
            yield slice(0, count)
        return
    coarse = GRAIN * max(1, (SPAN if volume is None else volume) // (4 * width * GRAIN))
    start = 0
    for unit in (coarse, GRAIN, 1):
        while count - start >= unit:
            length = min(4 * coarse, (count - start) // unit * unit)
            yield slice(start, start + length)
            start += length


def multiply_rows(rows: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """(n, K) rows through a linear map (N, K) and bias (N,) -> (n, N)."""
    count, channels = rows.shape
    if rows.device.type != "cpu" or count % GRAIN:
        return F.linear(rows, kernel, bias)
    # As an image one pixel wide this runs what a dense 1x1 convolution runs: oneDNN, which
    # is up to a third faster here than the BLAS behind `linear`.
    image = rows.view(1, count, 1, channels).permute(0, 3, 1, 2)
    product = F.conv2d(image, kernel[:, :, None, None], bias)
    return as_rows(product)


def multiply_channels(rows: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """(n, K, C) values, each channel through its own K weights (C, K), and bias -> (n, C)."""
    count, taps, channels = rows.shape
    # As an image n pixels high and K wide, whose rows are convolved to one pixel each.
    image = rows.view(1, count, taps, channels).permute(0, 3, 1, 2)
    weights = kernel.view(channels, 1, 1, taps)
    return as_rows(F.conv2d(image, weights, bias, groups=channels))


def as_rows(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B*H*W, C); a view in channels-last layout."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def as_maps(rows: Tensor, batch: int, size: Size) -> Tensor:
    """(B*H*W, C) -> (B, C, H, W), a view, in channels-last layout."""
    return rows.view(batch, *size, rows.shape[1]).permute(0, 3, 1, 2)
