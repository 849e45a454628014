"""MobileNetV2 (width 1.0) with dilated last stages.

Source: Sandler et al., "MobileNetV2: Inverted residuals and linear bottlenecks", CVPR 2018.

Stages are numbered by their width: stage1 has 16 channels, stage2 24, stage3 32, stage4 64,
stage5 96, stage6 160. A block of stride 1 whose channels stay has an identity shortcut and is
gated as a whole: `stage2_2`, `stage3_2`, `stage3_3`, `stage4_2` to `stage4_4`, `stage5_2`,
`stage5_3`, `stage6_2` and `stage6_3`, ten gates. The first block of a stage changes stride or
channels, so that nothing would be left of a skipped pixel: it always runs.

`stage6_1`, which could not be gated anyway, hosts MultiPool in the place of its depthwise
convolution, before the last two gates, which spend what its 1x1 path saves. MultiPool is
depthwise, too: its shared kernel is the pretrained one, looked at through each dilation. A
plain 3x3 over 576 channels would cost more than all other blocks together.

Left out are what follows the 160 channels, the block of 320 and the 1x1 to 1280: at output
stride 8 no gate could skip them, and they cost more than all ungated blocks together.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from pag.backbones.block import Backbone, BlockInput, ResidualBlock, StageSpec, gluon_norm
from pag.fusion import convolve_normed
from pag.multipool import MultiPool

BN_EPS = 1e-5  # of the ImageNet weights
STEM_CHANNELS = 32
POOL_BLOCK = "stage6_1"
POOL_SELECTOR = (32, 16)
"""Hidden channels of MultiPool's selector: of the usual (128, 32) it would be the block's cost."""


def mobilenetv2_stages(output_stride: int) -> tuple[StageSpec, ...]:
    """The stages for an output stride of 8 or 16."""
    stage4 = (1, 2) if output_stride == 8 else (2, 1)
    stage5 = (1, 2) if output_stride == 8 else (1, 1)
    stage6 = (1, 4) if output_stride == 8 else (1, 2)
    return (
        StageSpec("stage1", 1, 32, 16, 1, 1),
        StageSpec("stage2", 2, 144, 24, 2, 1),
        StageSpec("stage3", 3, 192, 32, 2, 1),
        StageSpec("stage4", 4, 384, 64, *stage4),
        StageSpec("stage5", 3, 576, 96, *stage5),
        StageSpec("stage6", 3, 960, 160, *stage6),
    )


class InvertedResidual(ResidualBlock):
    """Inverted residual with a linear bottleneck: wide inside, narrow between blocks.

        a   = x                                preactivation
        r   = relu6(bn1(conv1(a)))             reduce, which widens here
        s   = relu6(bn2(conv2(r)))             spatial, depthwise
        out = bn3(conv3(s)) + x                expand, which narrows here

    Without the `x` in the last line where stride or channels change. In scope ``conv`` a gate
    skips the depthwise convolution alone, s = G*relu6(bn2(conv2(r))) + (1-G)*r, which is but
    3% to 16% of a block; it is there to compare with, and ``block`` is what saves.

    Args:
        channels_in, width, channels_out: channels of x, of r and s, and of the output.
        stride, dilation: of the depthwise convolution.
        pool_dilations: when given, a depthwise MultiPool over these replaces it.
    """

    ceiling = 6.0
    folds = (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3"))

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
        self.conv1 = nn.Conv2d(channels_in, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width, eps=BN_EPS)
        if pool_dilations is None:
            self.conv2 = nn.Conv2d(
                width,
                width,
                3,
                stride,
                padding=dilation,
                dilation=dilation,
                groups=width,
                bias=False,
            )
        else:
            self.conv2 = MultiPool(width, pool_dilations, True, POOL_SELECTOR)
        self.bn2 = nn.BatchNorm2d(width, eps=BN_EPS)
        self.conv3 = nn.Conv2d(width, channels_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels_out, eps=BN_EPS)
        self.identity = stride == 1 and channels_in == channels_out

    @property
    def has_shortcut(self) -> bool:
        return self.identity

    def preactivation(self, x: Tensor) -> Tensor:
        return x

    def shortcut(self, a: BlockInput) -> Tensor | None:
        return a.x if self.identity else None

    def reduce(self, a: Tensor) -> Tensor:
        return F.relu6(convolve_normed(self.conv1, self.bn1, a))

    def spatial(self, r: Tensor) -> Tensor:
        return F.relu6(convolve_normed(self.conv2, self.bn2, r))

    def settle(self, y: Tensor) -> Tensor:
        return F.relu6(self.bn2(y))

    def expand(self, s: Tensor) -> Tensor:
        return convolve_normed(self.conv3, self.bn3, s)


class MobileNetV2(Backbone):
    """Stem and inverted residuals ``stage1_1`` to ``stage6_3``.

    The decoder joins the outputs of stage2 (24 channels, stride 4), of stage3 (32, stride 8)
    and of stage6 (160); the boundary head joins the stem (32, stride 2).
    """

    stem_stride = 2
    decoder_blocks = ("stage3_1", "stage4_1")
    # Where MultiPool mixes dilations, statistics of the single one do not hold any more.
    new_parts = (
        "stage6.0.conv2.point_weight", "stage6.0.conv2.selector", "stage6.0.bn2", "stage6.0.bn3",
    )  # fmt: skip

    def __init__(self, output_stride: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.stages = mobilenetv2_stages(output_stride)
        self.stem_conv = nn.Conv2d(3, STEM_CHANNELS, 3, 2, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(STEM_CHANNELS, eps=BN_EPS)
        channels, dilation = STEM_CHANNELS, 1
        for stage in self.stages:
            blocks = nn.ModuleList()
            for index in range(stage.blocks):
                pools = f"{stage.name}_{index + 1}" == POOL_BLOCK
                blocks.append(
                    InvertedResidual(
                        channels,
                        channels * (1 if stage.name == "stage1" else 6),
                        stage.channels,
                        stage.stride if index == 0 else 1,
                        # A stride that is taken away spreads what comes after it, not the
                        # block that had it.
                        dilation if index == 0 else stage.dilation,
                        dilations if pools else None,
                    )
                )
                channels = stage.channels
            dilation = stage.dilation
            self.add_module(stage.name, blocks)

    def stem(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = self.normalised(image)
        detail = F.relu6(convolve_normed(self.stem_conv, self.stem_norm, x))
        return detail, detail

    def finish(self, x: Tensor) -> Tensor:
        return x

    def gluon_names(self) -> dict[str, str]:
        """GluonCV's name of every tensor up to its block of 320 channels -> ours.

        Blocks are numbered through, from 0; each has three convolutions and three BatchNorms.
        MultiPool takes the depthwise kernel as the one that its dilations share.
        """
        names = gluon_norm("features_batchnorm0", "stem_norm")
        names["features_conv0_weight"] = "stem_conv.weight"
        places = [(s.name, i) for s in self.stages for i in range(s.blocks)]
        for number, (stage, index) in enumerate(places):
            theirs, ours = f"features_linearbottleneck{number}", f"{stage}.{index}"
            for k in range(3):
                names |= gluon_norm(f"{theirs}_batchnorm{k}", f"{ours}.bn{k + 1}")
                names[f"{theirs}_conv{k}_weight"] = f"{ours}.conv{k + 1}.weight"
        return names

    def derive(self) -> None:
        """MultiPool's 1x1 path starts as what the shared kernel does to a flat surrounding."""
        stage, number = POOL_BLOCK.split("_")
        pool = getattr(self, stage)[int(number) - 1].conv2
        pool.point_weight.data.copy_(pool.weight.data.sum((2, 3), keepdim=True))
