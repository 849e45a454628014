"""Backbones by name. Each declares its stages' channels and strides."""

from pag.backbones.resnet import Bottleneck as Bottleneck
from pag.backbones.resnet import ResNet50 as ResNet50
from pag.backbones.resnet import StageSpec as StageSpec
from pag.config import PAGConfig
from pag.errors import InputError

BACKBONES = {"resnet50": ResNet50}


def build_backbone(config: PAGConfig) -> ResNet50:
    """The backbone that `config` names; `InputError` if there is none of that name."""
    if config.backbone not in BACKBONES:
        known = ", ".join(sorted(BACKBONES))
        raise InputError(f"backbone is {config.backbone!r}; expected one of: {known}")
    return BACKBONES[config.backbone](config.output_stride, config.dilations)
