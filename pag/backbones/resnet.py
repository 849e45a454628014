"""Pre-activation ResNet-50 (v2) with dilated last stages.

Source: He et al., "Identity mappings in deep residual networks", ECCV 2016. Stage names
follow the original figures: res2 to res5. The last stage is at half width (256 inside,
1024 out) and its second block hosts MultiPool in the place of its 3x3 convolution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pag import cuda
from pag.backbones.block import (
    Backbone,
    BlockInput,
    ResidualBlock,
    StageSpec,
    gluon_norm,
    unopened,
)
from pag.fusion import Window, affine, convolve_normed, fold_opening, normed_relu
from pag.multipool import MultiPool

BN_EPS = 2e-5  # of the ImageNet weights
POOL_BLOCK = "res5_2"


def resnet50_stages(output_stride: int) -> tuple[StageSpec, ...]:
    """The stages res2 to res5 for an output stride of 8 or 16."""
    res4 = (1, 2) if output_stride == 8 else (2, 1)
    res5 = (1, 4) if output_stride == 8 else (1, 2)
    return (
        StageSpec("res2", 3, 64, 256, 1, 1),
        StageSpec("res3", 4, 128, 512, 2, 1),
        StageSpec("res4", 6, 256, 1024, *res4),
        StageSpec("res5", 3, 256, 1024, *res5),
    )


class Bottleneck(ResidualBlock):
    """Pre-activation bottleneck.

        a   = relu(bn1(x))                    preactivation
        r   = relu(bn2(conv1(a)))             reduce      (X in the paper)
        s   = relu(bn3(conv2(r)))             spatial     (relu(F3x3(X)))
        out = conv3(s) + shortcut(x)          expand

    Args:
        channels_in, width, channels_out: channels of x, of r and s, and of the output.
        stride: of the 3x3 convolution.
        dilation: of the 3x3 convolution.
        pool_dilations: when given, MultiPool over these replaces the 3x3 convolution.
    """

    folds = (("conv1", "bn2"), ("conv2", "bn3"))

    def __init__(
        self,
        channels_in: int,
        width: int,
        channels_out: int,
        stride: int,
        dilation: int,
        pool_dilations: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        self.stride, self.dilation = stride, dilation
        self.bn1 = nn.BatchNorm2d(channels_in, eps=BN_EPS)
        self.conv1 = nn.Conv2d(channels_in, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width, eps=BN_EPS)
        if pool_dilations is None:
            self.conv2 = nn.Conv2d(
                width, width, 3, stride, padding=dilation, dilation=dilation, bias=False
            )
        else:
            self.conv2 = MultiPool(width, pool_dilations)
        self.bn3 = nn.BatchNorm2d(width, eps=BN_EPS)
        self.conv3 = nn.Conv2d(width, channels_out, 1, bias=False)
        self.downsample = (
            nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)
            if stride != 1 or channels_in != channels_out
            else None
        )

    @property
    def expands_zero(self) -> bool:
        return self.conv3.bias is None

    @property
    def shortcut_macs(self) -> int:
        return 0 if self.downsample is None else self.downsample.weight.numel()

    def preactivation(self, x: Tensor) -> Tensor:
        return normed_relu(self.bn1, x)

    @property
    def window(self) -> Window | None:
        return self.bn1 if isinstance(self.bn1, Window) else None

    def fuse(self, readers: Sequence[nn.Conv2d] = ()) -> None:
        super().fuse()
        own = [self.conv1] if self.downsample is None else [self.conv1, self.downsample]
        self.bn1 = fold_opening(self.bn1, [*own, *readers])

    def shortcut(self, a: BlockInput) -> Tensor:
        conv = self.downsample
        if conv is None:
            return a.x
        x, window = unopened(a)
        if window is not None and cuda.convolves(conv, x):
            return cuda.convolution(conv, x, window=window)
        if self.window is None or a.is_opened:
            return conv(a.opened)
        return F.conv2d(a.opened_at_outputs, conv.weight, conv.bias)

    def reduce(self, a: Tensor) -> Tensor:
        if isinstance(self.bn2, nn.Identity) and cuda.convolves(self.conv1, a):
            return cuda.convolution(self.conv1, a, relu=True)
        return F.relu_(convolve_normed(self.conv1, self.bn2, a))

    def spatial(self, r: Tensor) -> Tensor:
        return F.relu_(convolve_normed(self.conv2, self.bn3, r))

    def settle(self, y: Tensor) -> Tensor:
        return F.relu_(self.bn3(y))

    def expand(self, s: Tensor) -> Tensor:
        return self.conv3(s)


class ResNet50(Backbone):
    """Stem and bottlenecks ``res2_1`` to ``res5_3``; a norm closes the last residual sum."""

    stem_stride = 4
    decoder_blocks = ("res3_1", "res4_1")
    new_parts = ("res5", "final_norm")

    def __init__(self, output_stride: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.stages = resnet50_stages(output_stride)
        self.input_norm = nn.BatchNorm2d(3, eps=BN_EPS)
        self.stem_conv = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.stem_norm = nn.BatchNorm2d(64, eps=BN_EPS)
        channels = 64
        for stage in self.stages:
            blocks = nn.ModuleList()
            for index in range(stage.blocks):
                pools = f"{stage.name}_{index + 1}" == POOL_BLOCK
                blocks.append(
                    Bottleneck(
                        channels,
                        stage.width,
                        stage.channels,
                        stage.stride if index == 0 else 1,
                        stage.dilation,
                        dilations if pools else None,
                    )
                )
                channels = stage.channels
            self.add_module(stage.name, blocks)
        self.final_norm = nn.BatchNorm2d(channels, eps=BN_EPS)

    def stem(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = self.input_norm(self.normalised(image))
        detail = F.relu_(convolve_normed(self.stem_conv, self.stem_norm, x))
        return detail, F.max_pool2d(detail, 3, stride=2, padding=1)

    def fuse(self, readers: Mapping[str, Sequence[nn.Conv2d]], last: Sequence[nn.Conv2d]) -> None:
        super().fuse(readers, last)
        self._fuse_input()
        self.final_norm = fold_opening(self.final_norm, last)

    @torch.no_grad()
    def _fuse_input(self) -> None:
        """Fold the first BatchNorm into the scaling of the image before it."""
        assert isinstance(self.input_norm, nn.BatchNorm2d)
        scale, shift = (values.view(1, -1, 1, 1) for values in affine(self.input_norm))
        self.scale, self.shift = self.scale * scale, self.shift * scale + shift
        self.input_norm = nn.Identity()

    def finish(self, x: Tensor) -> Tensor:
        return normed_relu(self.final_norm, x)

    def gluon_names(self) -> dict[str, str]:
        """GluonCV's name of every tensor of a pre-activation ResNet-50 -> ours.

        Within a stage, BatchNorms count 0, 1, 2 a block; convolutions count 0, 1, 2, then the
        downsample of the first block, then on. MultiPool has no counterpart there.
        """
        names = gluon_norm("batchnorm0", "input_norm") | gluon_norm("batchnorm1", "stem_norm")
        names["conv0_weight"] = "stem_conv.weight"
        for number, stage in enumerate(self.stages, start=1):
            conv = 0
            for index, block in enumerate(getattr(self, stage.name)):
                ours = f"{stage.name}.{index}"
                for offset in range(3):
                    norm = f"stage{number}_batchnorm{3 * index + offset}"
                    names |= gluon_norm(norm, f"{ours}.bn{offset + 1}")
                    names[f"stage{number}_conv{conv}_weight"] = f"{ours}.conv{offset + 1}.weight"
                    conv += 1
                if index == 0:
                    if block.downsample is not None:
                        names[f"stage{number}_conv{conv}_weight"] = f"{ours}.downsample.weight"
                    conv += 1
        return names
