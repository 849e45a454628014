"""Steering maps: somebody says where compute is wanted, and where it is not.

A steering map holds a number from -1 (skip here) over 0 (as the network likes) to 1 (spend
here), in cells laid over the whole image. What a policy does with it is in `pag.steered`.
"""

from __future__ import annotations

import os
from typing import BinaryIO

import numpy as np

from pag.errors import InputError
from pag.images import open_image

NEUTRAL, FULL = 128, 127
"""Grey level of "as the network likes" in a steering picture, and levels from there to 1."""


def check_steering(steer: object) -> np.ndarray | None:
    """A steering map as (h, w) float32; None if it says nothing.

    Args:
        steer: None, or (h, w) numbers in -1..1 of any size: it is laid over the whole image.

    Raises:
        InputError: another type, shape, or range.
    """
    if steer is None:
        return None
    if not isinstance(steer, np.ndarray) or steer.dtype.kind not in "iuf":
        kind = steer.dtype if isinstance(steer, np.ndarray) else type(steer).__name__
        raise InputError(f"The steering map is {kind}; expected an array of numbers in -1..1.")
    if steer.ndim != 2 or not steer.size:
        raise InputError(
            f"The steering map has shape {steer.shape}; expected (height, width) in cells."
        )
    low, high = float(steer.min()), float(steer.max())
    if not (low >= -1 and high <= 1):  # nor is NaN
        raise InputError(
            f"The steering map's values are {low:g}..{high:g}; expected -1 (skip) to 1 (spend)."
        )
    return steer.astype(np.float32) if steer.any() else None


def steering_at(steer: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A steering map (h, w) at (H, W) = `size`: each pixel has the cell that its middle is in."""
    rows, columns = (
        (2 * np.arange(n) + 1) * m // (2 * n) for n, m in zip(size, steer.shape, strict=True)
    )
    return steer[rows[:, None], columns[None, :]]


def read_steering(source: str | os.PathLike[str] | bytes | BinaryIO) -> np.ndarray:
    """A steering map from a grey picture: 128 is neutral, 255 spends, 0 skips.

    Returns:
        (H, W) float32 in -1..1.

    Raises:
        InputError: no readable picture, or one in colour.
    """
    pixels = open_image(source).pixels
    if (pixels != pixels[..., :1]).any():
        raise InputError(
            f"The steering map is in colour; expected grey: {NEUTRAL} is neutral, 255 spends, "
            "0 skips."
        )
    levels = pixels[..., 0].astype(np.float32)
    return np.clip((levels - NEUTRAL) / FULL, -1, 1)
