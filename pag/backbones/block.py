"""What every backbone gives the rest of the network: gateable blocks, and where to look."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pag.fusion import Window
from pag.multipool import MultiPool

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
GLUON_BATCHNORM = {
    "gamma": "weight",
    "beta": "bias",
    "running_mean": "running_mean",
    "running_var": "running_var",
}
"""GluonCV's names of a BatchNorm's tensors -> PyTorch's."""


@dataclass(frozen=True)
class StageSpec:
    """Shape of one stage.

    Attributes:
        name: e.g. ``res3``.
        blocks: number of blocks.
        width: channels inside a block; those of the blocks after the first, where they differ.
        channels: channels out.
        stride: stride of the first block.
        dilation: dilation of the 3x3 convolutions.
    """

    name: str
    blocks: int
    width: int
    channels: int
    stride: int
    dilation: int


class BlockInput:
    """What a block reads: ``x``, and what it opens with, once somebody asks for that.

    Kernels that open a block while they read it (`pag.cpu`) spare a pass over a wide map.

    Args:
        block: that reads it.
        x: (B, C, H, W).
    """

    def __init__(self, block: ResidualBlock, x: Tensor) -> None:
        self.block, self.x = block, x

    @cached_property
    def opened(self) -> Tensor:
        """(B, C, H, W), the preactivation; valid as long as ``x`` is not overwritten."""
        return self.block.preactivation(self.x)

    @property
    def is_opened(self) -> bool:
        """Whether somebody has asked."""
        return "opened" in vars(self)

    @cached_property
    def opened_at_outputs(self) -> Tensor:
        """(B, C, h, w), the same at the pixels that the block's stride keeps."""
        if self.block.stride == 1:
            return self.opened
        x, window = unopened(self)
        x = x[:, :, :: self.block.stride, :: self.block.stride]
        return x if window is None else window(x)


def opened(a: Tensor | BlockInput) -> Tensor:
    """What a block opens with, of an input or as it is."""
    return a.opened if isinstance(a, BlockInput) else a


def unopened(a: Tensor | BlockInput) -> tuple[Tensor, Window | None]:
    """What is there of `opened` without another pass, and what is left to do to it."""
    if not isinstance(a, BlockInput):
        return a, None
    window = a.block.window
    return (a.opened, None) if window is None or a.is_opened else (a.x, window)


class ResidualBlock(nn.Module, ABC):
    """A block of three convolutions, cut into the pieces that a gate switches.

        a   = preactivation(x)            what the gate sees
        r   = reduce(a)                   conv1, a 1x1, its norm and activation
        s   = spatial(r)                  conv2, a 3x3 or MultiPool, its norm and activation
        out = expand(s) + shortcut(x)     conv3, a 1x1

    The names are those of a ResNet bottleneck; an inverted residual is wide where that one is
    narrow. A block can be gated where a shortcut is left when its branch is skipped.

    Attributes:
        conv1, conv2, conv3: the convolutions; conv2 may be depthwise.
        stride, dilation: of conv2.
        ceiling: largest value that the activation lets through, None for a plain ReLU.
        folds: names of each convolution and of the BatchNorm that follows it.
    """

    conv1: nn.Conv2d
    conv2: nn.Conv2d | MultiPool
    conv3: nn.Conv2d
    stride: int
    dilation: int
    ceiling: ClassVar[float | None] = None
    folds: ClassVar[tuple[tuple[str, str], ...]]

    @abstractmethod
    def preactivation(self, x: Tensor) -> Tensor: ...

    @property
    def window(self) -> Window | None:
        """What `preactivation` amounts to after fusion, if it is more than nothing."""
        return None

    @abstractmethod
    def shortcut(self, a: BlockInput) -> Tensor | None:
        """What the branch is added to, or None where the block has no shortcut."""

    @abstractmethod
    def reduce(self, a: Tensor) -> Tensor: ...

    @abstractmethod
    def settle(self, y: Tensor) -> Tensor:
        """Norm and activation after conv2, where that is MultiPool."""

    @abstractmethod
    def expand(self, s: Tensor) -> Tensor: ...

    @abstractmethod
    def spatial(self, r: Tensor) -> Tensor: ...

    def branch(self, a: Tensor) -> Tensor:
        """The residual branch everywhere, as without a gate."""
        return self.expand(self.spatial(self.reduce(a)))

    @property
    def has_shortcut(self) -> bool:
        return True

    @property
    def pools(self) -> bool:
        """Whether this block hosts MultiPool."""
        return isinstance(self.conv2, MultiPool)

    @property
    def gated(self) -> bool:
        return self.has_shortcut and not self.pools

    @property
    def width(self) -> int:
        """Channels that conv2 sees."""
        return self.conv3.in_channels

    @property
    def depthwise(self) -> bool:
        return self.conv2.weight.shape[1] == 1 < self.width

    @property
    def expands_zero(self) -> bool:
        """Whether `expand` keeps zeros, so that its narrower input may be masked instead."""
        return False

    @property
    def shortcut_macs(self) -> int:
        """Multiply-adds of the shortcut per output pixel."""
        return 0

    @property
    def fused(self) -> bool:
        """Whether the BatchNorms are folded into the convolutions."""
        return all(isinstance(getattr(self, norm), nn.Identity) for _, norm in self.folds)

    def fuse(self, readers: Sequence[nn.Conv2d] = ()) -> None:
        """Fold every BatchNorm into the convolutions before or after it, in place.

        Args:
            readers: the 1x1 convolutions that read `preactivation` beside the block's own.
        """
        for conv, norm in self.folds:
            folded, after = getattr(self, conv), getattr(self, norm)
            if isinstance(folded, MultiPool):
                folded.fold(after)
            else:
                setattr(self, conv, fuse_conv_bn_eval(folded, after))
            setattr(self, norm, nn.Identity())


class Backbone(nn.Module, ABC):
    """Stem and blocks; `pag.network.PAGNet` runs them.

    Attributes:
        stages: in network order; a stage's blocks are in the attribute of its name.
        stem_conv, stem_norm: of stride 2.
        stem_stride: image pixels per pixel of the first block's input.
        decoder_blocks: names of the two blocks whose gate input, at strides 4 and 8, the
            decoder joins: what a stage gave, as the next stage's first block sees it. Such a
            block adds nothing onto its input, which stays as it is.
        new_parts: names of the parts that ImageNet weights leave to be trained anew; their
            BatchNorm statistics are not frozen, and they may learn faster.
    """

    stages: tuple[StageSpec, ...]
    stem_conv: nn.Conv2d
    stem_norm: nn.BatchNorm2d | nn.Identity
    stem_stride: ClassVar[int]
    decoder_blocks: ClassVar[tuple[str, str]]
    new_parts: ClassVar[tuple[str, ...]]
    scale: Tensor
    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        mean, std = torch.tensor([IMAGENET_MEAN, IMAGENET_STD]).view(2, 1, 3, 1, 1)
        self.register_buffer("scale", 1 / std, persistent=False)
        self.register_buffer("shift", -mean / std, persistent=False)

    def normalised(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in 0..1 as the stem takes it."""
        return torch.addcmul(self.shift, image, self.scale)

    @abstractmethod
    def stem(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Image to first features.

        Args:
            image: (B, 3, H, W) RGB in 0..1.

        Returns:
            (B, C, H/2, W/2), which the boundary head joins, and the input of the first block
            at stride `stem_stride`; sizes round up.
        """

    @abstractmethod
    def finish(self, x: Tensor) -> Tensor:
        """The last block's output as the decoder wants it."""

    @abstractmethod
    def gluon_names(self) -> dict[str, str]:
        """GluonCV's name of every tensor with a counterpart here -> ours."""

    def derive(self) -> None:
        """Fill what follows from ImageNet's tensors without being one."""

    @property
    def blocks(self) -> list[tuple[str, ResidualBlock]]:
        """(name, block) in network order: ``res2_1`` is the first one of res2."""
        return [
            (f"{stage.name}_{index + 1}", block)
            for stage in self.stages
            for index, block in enumerate(getattr(self, stage.name))
        ]

    @property
    def decoder_channels(self) -> tuple[int, int, int]:
        """Channels of the features at stride 4, at stride 8, and of the last block's output."""
        blocks = dict(self.blocks)
        fine, middle = (blocks[name].conv1.in_channels for name in self.decoder_blocks)
        return fine, middle, self.stages[-1].channels

    def is_new(self, name: str) -> bool:
        """Whether the parameter or module of this name belongs to `new_parts`."""
        return any(name == part or name.startswith(f"{part}.") for part in self.new_parts)

    def fuse(self, readers: Mapping[str, Sequence[nn.Conv2d]], last: Sequence[nn.Conv2d]) -> None:
        """Fold every BatchNorm into what is before or after it, in place.

        Args:
            readers: by block, the 1x1 convolutions outside it that read its preactivation.
            last: those that read what `finish` gives.
        """
        assert isinstance(self.stem_norm, nn.BatchNorm2d)
        self.stem_conv = fuse_conv_bn_eval(self.stem_conv, self.stem_norm)
        self.stem_norm = nn.Identity()
        for name, block in self.blocks:
            block.fuse(readers.get(name, ()))


def gluon_norm(theirs: str, ours: str) -> dict[str, str]:
    """GluonCV's names of the four tensors of a BatchNorm -> ours."""
    return {f"{theirs}_{a}": f"{ours}.{b}" for a, b in GLUON_BATCHNORM.items()}
