"""A camera that is not held level: pictures and their maps turned about the optical axis."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from pag.data.sample import Sample
from pag.errors import InputError


def side_needed(side: int, degrees: float) -> int:
    """Side, in pixels, of the upright square that holds one of `side` pixels, turned."""
    angle = math.radians(degrees)
    return math.ceil(side * (abs(math.cos(angle)) + abs(math.sin(angle))) + 2)


def rolled(sample: Sample, degrees: float, side: int) -> Sample:
    """The middle `side` x `side` pixels as a camera sees them that is rolled by so much.

    What is seen turns about the middle, anticlockwise; distances along the optical axis stay, and
    normals turn with the picture. A turn about another point differs by a shift alone.

    The image is filtered, ids, depth and normals take the nearest pixel, and boundaries are a
    mean of four, so that thin lines stay whole: beside them it is low, which training leaves open
    (`pag.losses.BOUNDARY_CONSENSUS`).

    Args:
        sample: at least `side_needed` pixels wide and high; left unchanged.
        degrees: of the camera, clockwise as seen from behind it.
        side: of the result, pixels.

    Raises:
        InputError: the sample is smaller than that.
    """
    height, width = sample.size
    if min(height, width) < side_needed(side, degrees):
        raise InputError(
            f"{height} x {width} pixels cannot be turned by {degrees:g} degrees and hold "
            f"{side} x {side}; expected at least {side_needed(side, degrees)} each way"
        )
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    half, x0, y0 = side / 2, width / 2, height / 2
    # Where a pixel of the result comes from; Pillow's (x, y) are those of its middle.
    matrix = (
        *(cos, -sin, x0 - half * (cos - sin)),
        *(sin, cos, y0 - half * (cos + sin)),
    )

    def filtered(array: np.ndarray) -> np.ndarray:
        turned = Image.fromarray(array).transform(
            (side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
        )
        return np.array(turned)

    x, y = np.meshgrid(*[np.arange(side) + 0.5] * 2)
    columns = (matrix[0] * x + matrix[1] * y + matrix[2]).astype(np.intp)
    rows = (matrix[3] * x + matrix[4] * y + matrix[5]).astype(np.intp)

    def picked(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else array[rows, columns]

    boundary, normals = sample.boundary, picked(sample.normals)
    if boundary is not None:
        known = filtered(boundary.clip(0))
        boundary = np.where(boundary[rows, columns] < 0, np.float32(-1), known)
    if normals is not None:
        across, down = normals[..., 0].copy(), normals[..., 1].copy()
        normals[..., 0] = cos * across + sin * down
        normals[..., 1] = cos * down - sin * across
    return Sample(
        image=filtered(sample.image),
        segmentation=picked(sample.segmentation),
        boundary=boundary,
        depth=picked(sample.depth),
        normals=normals,
        name=sample.name,
    )
