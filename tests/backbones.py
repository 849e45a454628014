"""What the tests of the whole network expect of each backbone, and the variants they run."""

from __future__ import annotations

import pytest

from pag.backbones import Backbone
from pag.multipool import MultiPool

GATES = {
    "resnet50": (
        "res2_1", "res2_2", "res2_3",
        "res3_1", "res3_2", "res3_3", "res3_4",
        "res4_1", "res4_2", "res4_3", "res4_4", "res4_5", "res4_6",
        "res5_1", "res5_3",
    ),
    "mobilenetv2": (
        "stage2_2", "stage3_2", "stage3_3", "stage4_2", "stage4_3", "stage4_4",
        "stage5_2", "stage5_3", "stage6_2", "stage6_3",
    ),
}  # fmt: skip
POOL_BLOCKS = {"resnet50": "res5_2", "mobilenetv2": "stage6_1"}
POINT_SAVING = {"resnet50": 8 * 256**2, "mobilenetv2": 8 * 576}
"""Multiply-adds that a pixel on MultiPool's 1x1 path saves."""
STRIDES = {"res2": 4, "res3": 8, "stage1": 2, "stage2": 4, "stage3": 8}
"""Of the stages before the output stride."""
VARIANTS = (
    ("resnet50", 8, "block"),
    ("resnet50", 16, "conv"),
    ("mobilenetv2", 8, "block"),
    ("mobilenetv2", 16, "conv"),
)
"""Backbone, output stride and gate scope."""


def variants(*chosen: tuple[str, int, str]) -> list:
    """Settings of `PAGConfig` as parameters of a test, with readable names."""
    return [
        pytest.param(
            {"backbone": backbone, "output_stride": stride, "gate_scope": scope},
            id=f"{backbone}-{stride}-{scope}",
        )
        for backbone, stride, scope in chosen or VARIANTS
    ]


def gate_stride(name: str, output_stride: int) -> int:
    """Image pixels per pixel of the gate of this name."""
    return STRIDES.get(name.split("_")[0], output_stride)


def multipool(backbone: Backbone) -> MultiPool:
    """The one that it hosts."""
    (found,) = (m for m in backbone.modules() if isinstance(m, MultiPool))
    return found
