"""One annotated photograph, as every dataset returns it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from pag.config import LABEL_SETS
from pag.errors import InputError

CLASSES = LABEL_SETS["all"]
IGNORE = 255
"""Segmentation id of pixels that take no part in training or evaluation."""


def class_id(name: str | None) -> int:
    """Index into `CLASSES`, or `IGNORE` of what has no name.

    Raises:
        ValueError: no class is called so.
    """
    if name is None:
        return IGNORE
    if name not in CLASSES:
        raise ValueError(f"class {name!r}, expected one of {', '.join(CLASSES)}")
    return CLASSES.index(name)


@dataclass(frozen=True)
class Sample:
    """An image with the ground truth that its dataset has; the rest is None.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        segmentation: (H, W) uint8 class ids, `IGNORE` where unlabelled.
        boundary: (H, W) float32, share of the annotators that marked the pixel, 0 to 1.
        depth: (H, W) float32 metres along the optical axis, 0 where unknown.
        normals: (H, W, 3) float32 unit vectors in the camera frame (x right, y down,
            z forward, so a surface that faces the camera has negative z); (0, 0, 0)
            where unknown.
        name: unique within the dataset, without extension.

    Raises:
        InputError: a map does not have the image's height and width.
    """

    image: np.ndarray
    segmentation: np.ndarray | None = None
    boundary: np.ndarray | None = None
    depth: np.ndarray | None = None
    normals: np.ndarray | None = None
    name: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray) and value.shape[:2] != self.image.shape[:2]:
                raise InputError(
                    f"{self.name or 'sample'}: {field.name} is {_size(value)} pixels, "
                    f"expected {_size(self.image)} as the image"
                )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[0], self.image.shape[1]


def _size(array: np.ndarray) -> str:
    return "x".join(str(n) for n in array.shape[1::-1])
