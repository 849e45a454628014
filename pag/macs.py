"""Counting multiply-adds in closed form, dense and executed.

Counted: every convolution and matrix product, the gates' own included, as if each output were
summed on its own: kernels that get there by fewer (`pag.cpu`) change the time, and not the budget.
Not counted: BatchNorm, ReLU, pooling, resizing, softmax and the sorting of logits, which are
linear in the number of values and small beside the convolutions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pag.upsampling import GUIDED_TASKS

if TYPE_CHECKING:
    from pag.backbones import ResidualBlock
    from pag.multipool import MultiPool
    from pag.network import PAGNet

Size = tuple[int, int]


def halved(size: Size, times: int = 1) -> Size:
    """(H, W) after `times` stride-2 steps, each rounding up."""
    h, w = size
    for _ in range(times):
        h, w = math.ceil(h / 2), math.ceil(w / 2)
    return h, w


def per_pixel(*modules: nn.Module) -> int:
    """Multiply-adds per output pixel of all convolutions inside `modules`."""
    convs = [m for module in modules for m in module.modules() if isinstance(m, nn.Conv2d)]
    return sum(conv.weight.numel() for conv in convs)


def area(size: Size) -> int:
    """Pixels of (H, W) = `size`."""
    return size[0] * size[1]


def halo(values: Tensor, stride: int, dilation: int, input_size: Size) -> Tensor:
    """The largest value among the 3x3 outputs that read each input pixel.

    Of a 0/1 mask of output pixels this is the mask of input pixels that they need.

    Args:
        values: (B, 1, h, w) float or uint8, one per output pixel of a 3x3 convolution.
        stride, dilation: of that convolution, padded by `dilation`.
        input_size: (H, W) of its input.

    Returns:
        (B, 1, H, W); the lowest value of the type, -inf or 0, where no output reads.
    """
    lowest = -torch.inf if values.is_floating_point() else 0
    if stride > 1:
        spread = values.new_full((values.shape[0], 1, *input_size), lowest)
        spread[:, :, ::stride, ::stride] = values
        values = spread
    values = F.pad(values, (dilation,) * 4, value=lowest)
    if values.requires_grad:
        return F.max_pool2d(values, 3, stride=1, dilation=dilation)
    # Of one channel, a few passes over shifted views are quicker than pooling.
    for axis in (-1, -2):
        length = values.shape[axis] - 2 * dilation
        first, middle, last = (values.narrow(axis, i * dilation, length) for i in range(3))
        values = torch.maximum(torch.maximum(first, middle), last)
    return values


@dataclass(frozen=True)
class LayerCost:
    """What one gated block costs at one image size, in multiply-adds.

    Attributes:
        name: of the gated block.
        stride: input-image pixels per gate pixel.
        scope: ``block`` or ``conv``; see `PAGConfig.gate_scope`.
        reduce: per input pixel of the first 1x1.
        spatial: per output pixel of the 3x3: 9 C^2 of C channels, 9 C where it is depthwise.
        expand: per output pixel of the last 1x1.
        input_size, output_size: (H, W) of the block's input and output.
        block_stride, dilation: of the 3x3.
    """

    name: str
    stride: int
    scope: str
    reduce: int
    spatial: int
    expand: int
    input_size: Size
    output_size: Size
    block_stride: int
    dilation: int

    @property
    def per_output(self) -> int:
        """Switched multiply-adds per active output pixel."""
        return self.spatial if self.scope == "conv" else self.spatial + self.expand

    @property
    def per_input(self) -> int:
        """Switched multiply-adds per input pixel inside the halo of the active ones."""
        return 0 if self.scope == "conv" else self.reduce

    @property
    def ungated(self) -> int:
        """Multiply-adds of the block that run whatever the gate says (shortcut excluded)."""
        if self.scope == "block":
            return 0
        return self.reduce * area(self.input_size) + self.expand * area(self.output_size)

    @property
    def dense(self) -> int:
        """Switched multiply-adds with the gate open everywhere."""
        # Of strides 1 and 2 a 3x3 reads every input pixel, so that the halo is the whole input.
        return self.per_output * area(self.output_size) + self.per_input * area(self.input_size)

    def executed(self, mask: Tensor) -> Tensor:
        """(B, 1, h, w) mask of active pixels -> (B,) float64 switched multiply-adds.

        Differentiable in a float mask.
        """
        if mask.dtype == torch.bool:
            mask = mask.to(torch.uint8)  # a quarter of the memory of floats
        total = self.per_output * mask.sum((1, 2, 3), dtype=torch.float64)
        if self.per_input:
            needed = halo(mask, self.block_stride, self.dilation, self.input_size).clamp_min(0)
            total = total + self.per_input * needed.sum((1, 2, 3), dtype=torch.float64)
        return total

    def pixel_map(self, mask: Tensor) -> Tensor:
        """(B, 1, h, w) bool mask -> (B, 1, h, w) float32 multiply-adds spent per gate pixel."""
        spent = mask.float() * self.per_output
        if self.per_input:
            needed = halo(mask.float(), self.block_stride, self.dilation, self.input_size)
            needed = needed.clamp_min(0) * self.per_input
            if self.block_stride > 1:
                # Input pixels are finer than gate pixels: add up those that fall into each.
                h, w = self.output_size
                pad = (0, w * self.block_stride - needed.shape[-1])
                needed = F.pad(needed, (*pad, 0, h * self.block_stride - needed.shape[-2]))
                needed = F.avg_pool2d(needed, self.block_stride) * self.block_stride**2
            spent = spent + needed
        return spent


@dataclass(frozen=True)
class NetworkCost:
    """What a network costs on one image size, in multiply-adds.

    Attributes:
        fixed: everything that no gate switches, with MultiPool counted as a 3x3 everywhere.
        layers: the gated layers in network order.
        pool_saving: saved per pixel that chooses MultiPool's 1x1 path. It is a property of
            the image's choice and not of the budget, so it lowers dense and executed alike.
    """

    fixed: int
    layers: tuple[LayerCost, ...]
    pool_saving: int

    @property
    def dense(self) -> int:
        return self.fixed + sum(layer.dense for layer in self.layers)

    @property
    def floor(self) -> float:
        """The lowest budget reachable: every gate closed."""
        return self.fixed / self.dense


def block_cost(name: str, block: ResidualBlock, scope: str, size: Size, stride: int) -> LayerCost:
    """Cost of one block whose input is (H, W) = `size` at image stride `stride`."""
    return LayerCost(
        name=name,
        stride=stride * block.stride,
        scope=scope,
        reduce=per_pixel(block.conv1),
        spatial=block.conv2.weight.numel(),
        expand=per_pixel(block.conv3),
        input_size=size,
        output_size=halved(size) if block.stride == 2 else size,
        block_stride=block.stride,
        dilation=block.dilation,
    )


def network_cost(net: PAGNet, size: Size, tasks: tuple[str, ...]) -> NetworkCost:
    """Closed-form cost of `net` on an image of (H, W) = `size` for the given tasks."""
    at_2, at_4 = halved(size), halved(size, 2)
    fixed = per_pixel(net.backbone.stem_conv) * area(at_2)
    layers = []
    stride, pool_saving = net.backbone.stem_stride, 0
    current = halved(size, stride.bit_length() - 1)
    for name, block in net.backbone.blocks:
        cost = block_cost(name, block, net.config.gate_scope, current, stride)
        current, stride = cost.output_size, cost.stride
        pixels = area(current)
        fixed += block.shortcut_macs * pixels
        if block.gated:
            fixed += cost.ungated + per_pixel(net.gates[name]) * pixels
            layers.append(cost)
            continue
        fixed += cost.reduce * area(cost.input_size) + (cost.spatial + cost.expand) * pixels
        if block.pools:
            pool = cast("MultiPool", block.conv2)
            fixed += per_pixel(pool.selector) * pixels
            pool_saving = cost.spatial - pool.point_weight.numel()
    decoder = net.decoder
    fixed += per_pixel(decoder.from_coarse) * area(current)
    middle = (decoder.from_middle, decoder.fuse_middle, decoder.down)
    fixed += per_pixel(*middle) * area(halved(size, 3))
    fixed += per_pixel(decoder.from_fine, decoder.fuse_fine) * area(at_4)
    for task in tasks:
        fixed += head_macs(net.heads[task], at_2, at_4)
    if net.upsampling is not None and set(tasks) & set(GUIDED_TASKS):
        fixed += per_pixel(net.upsampling) * area(at_4)
        if "boundary" not in tasks:  # its head runs but for the last projection
            boundary = net.heads["boundary"]
            fixed += head_macs(boundary, at_2, at_4) - per_pixel(boundary.project) * area(at_2)  # type: ignore[arg-type]
    return NetworkCost(fixed, tuple(layers), pool_saving)


def head_macs(head: nn.Module, at_2: Size, at_4: Size) -> int:
    """Multiply-adds of one task head, given the sizes at strides 2 and 4."""
    fine = [m for name, m in head.named_children() if name in ("from_detail", "fuse", "project")]
    if len(fine) == 3:  # the boundary head finishes at stride 2
        return per_pixel(*fine) * area(at_2) + per_pixel(head.hidden, head.down) * area(at_4)  # type: ignore[arg-type]
    return per_pixel(head) * area(at_4)
