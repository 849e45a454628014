"""Folding BatchNorms into the convolutions beside them: for good, or for one pass."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pag import cpu, cuda
from pag.frozen_norm import normalised


class ConvNormReLU(nn.Sequential):
    """Convolution that keeps the size, BatchNorm, ReLU: (B, in, H, W) -> (B, out, H, W).

    Args:
        channels_in, channels_out: of the convolution.
        kernel: its side, odd.
        separable: one kernel for each channel and then a 1x1 that mixes them, in place of a
            kernel for each pair of channels. Source: Chollet, "Xception", CVPR 2017.
    """

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, separable: bool = False
    ) -> None:
        groups, width = (channels_in, channels_in) if separable else (1, channels_out)
        own = nn.Conv2d(channels_in, width, kernel, padding=kernel // 2, groups=groups, bias=False)
        mixing = [nn.Conv2d(width, channels_out, 1, bias=False)] if separable else []
        super().__init__(own, *mixing, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True))

    @property
    def separable(self) -> bool:
        return isinstance(self[1], nn.Conv2d)

    def forward(self, x: Tensor) -> Tensor:
        *before, conv, norm, relu = self
        for own in before:
            x = own(x)
        return relu(convolve_normed(conv, norm, x))


def affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Scale and shift, (C,) each, of a BatchNorm whose statistics are frozen."""
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale


def convolve_normed(conv: nn.Module, norm: nn.Module, x: Tensor) -> Tensor:
    """norm(conv(x)), in training as one convolution where the norm's statistics are frozen.

    That spares a pass over every map in each direction; the gradients reach the kernel and the
    norm's scale and shift as they would separately.
    """
    if (
        not isinstance(norm, nn.BatchNorm2d)
        or norm.training
        or not torch.is_grad_enabled()
        or not isinstance(conv, nn.Conv2d)
        or conv.bias is not None
    ):
        return norm(conv(x))
    scale, shift = affine(norm)
    return F.conv2d(
        x,
        conv.weight * scale.view(-1, 1, 1, 1),
        shift,
        conv.stride,
        conv.padding,
        conv.dilation,
        conv.groups,
    )


def fused_sum(first: nn.Conv2d, second: nn.Conv2d, norm: nn.Module) -> tuple[nn.Conv2d, nn.Conv2d]:
    """Two convolutions whose sum is norm(first + second), also where one of them is resized.

    Bilinear resizing is a weighted mean: a scale passes through it, and so would a shift,
    which the first one takes over.
    """
    assert isinstance(norm, nn.BatchNorm2d)
    scaled = copy.deepcopy(second)
    with torch.no_grad():
        scale, _ = affine(norm)
        scaled.weight.mul_(scale.view(-1, 1, 1, 1))
    return fuse_conv_bn_eval(first, norm), scaled


class Fused(nn.Sequential):
    """Convolutions and ReLUs; for inference, by kernels where they can.

    These make a convolution and the ReLU after it one pass: on a CPU of 3x3 convolutions, on a GPU
    of those that `pag.cuda.convolves`.
    """

    def forward(self, x: Tensor) -> Tensor:
        kernels = None if torch.is_grad_enabled() else cpu.kernels_for(x)
        modules = list(self)
        while modules:
            module = modules.pop(0)
            relu = bool(modules) and isinstance(modules[0], nn.ReLU)
            if cuda.convolves(module, x):
                x = cuda.convolution(module, x, relu)
            elif kernels is not None and kernels.tiles(module):
                x = kernels.convolution(module, x, low=0.0 if relu else -torch.inf)
            else:
                x = module(x)
                continue
            if relu:
                modules.pop(0)
        return x


def fused_sequence(sequence: nn.Sequential) -> Fused:
    """The same sequence, in evaluation mode, with every BatchNorm folded away."""
    modules: list[nn.Module] = []
    for module in sequence:
        if isinstance(module, nn.BatchNorm2d):
            previous = modules.pop()
            assert isinstance(previous, nn.Conv2d)
            module = fuse_conv_bn_eval(previous, module)
        modules.append(module)
    return Fused(*modules)


class Window(nn.Module):
    """What a BatchNorm and a ReLU leave to do once `fold_opening` has folded them away.

    relu(scale * x + shift) is scale * clamp(x, low, high) + shift, where low or high is the x at
    which scale * x + shift is 0, and the other one is infinite.
    """

    low: Tensor
    high: Tensor

    def __init__(self, low: Tensor, high: Tensor) -> None:
        super().__init__()
        self.register_buffer("low", low.view(1, -1, 1, 1))
        self.register_buffer("high", high.view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.clamp(x, self.low, self.high)  # type: ignore[call-overload]


def normed_relu(norm: nn.Module, x: Tensor) -> Tensor:
    """relu(norm(x)), or what is left of both after `fold_opening`."""
    opened = normalised(norm, x)
    return opened if isinstance(norm, Window) else F.relu_(opened)


@torch.no_grad()
def fold_opening(norm: nn.Module, readers: Sequence[nn.Conv2d]) -> Window:
    """Fold a BatchNorm followed by a ReLU into all 1x1 convolutions that read them, in place.

    One pass over a wide map is left of three: its mean and scale, its shift, its ReLU.

    Returns:
        What takes the place of both.
    """
    assert isinstance(norm, nn.BatchNorm2d)
    scale, shift = affine(norm)
    # A channel without scale is the constant relu(shift), at any x: the window is one point.
    constant = scale == 0
    zero = torch.where(constant, 0.0, -shift / scale)
    for conv in readers:
        assert conv.kernel_size == (1, 1) and conv.padding == (0, 0)
        kernel = conv.weight.flatten(1)
        added = kernel @ torch.where(constant, shift.clamp_min(0), shift)
        conv.weight.mul_(scale.view(1, -1, 1, 1))
        conv.bias = nn.Parameter(added if conv.bias is None else conv.bias + added)
    infinite = torch.full_like(zero, torch.inf)
    return Window(torch.where(scale >= 0, zero, -infinite), torch.where(scale <= 0, zero, infinite))
