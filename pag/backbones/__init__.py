"""Backbones by name. Each declares its stages' channels and strides."""

from pag.backbones.block import Backbone as Backbone
from pag.backbones.block import BlockInput as BlockInput
from pag.backbones.block import ResidualBlock as ResidualBlock
from pag.backbones.block import StageSpec as StageSpec
from pag.backbones.block import opened as opened
from pag.backbones.block import unopened as unopened
from pag.backbones.mobilenet import InvertedResidual as InvertedResidual
from pag.backbones.mobilenet import MobileNetV2 as MobileNetV2
from pag.backbones.resnet import Bottleneck as Bottleneck
from pag.backbones.resnet import ResNet50 as ResNet50
from pag.config import PAGConfig

CLASSES: dict[str, type[ResNet50] | type[MobileNetV2]] = {
    "resnet50": ResNet50,
    "mobilenetv2": MobileNetV2,
}
"""One for each of `pag.config.BACKBONES`."""


def build_backbone(config: PAGConfig) -> Backbone:
    """The backbone that `config` names."""
    return CLASSES[config.backbone](config.output_stride, config.dilations)
