"""Boundaries one pixel wide: non-maximum suppression of strengths, thinning of masks."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import ndimage

from pag.errors import InputError
from pag.metrics.checks import require_map

_BORDER = 5
"""Pixels along the image border whose strength is faded out: filters see too little there."""

_TIE_MARGIN = 1.01
"""A pixel falls only to a neighbour stronger by 1%, so that plateaus are not broken up."""

_CURVATURE_OFFSET = 1e-5
"""Added to the curvature along x before dividing by it, as in the original."""


def nonmax_suppress(strength: np.ndarray) -> np.ndarray:
    """Keep a boundary strength only where it peaks across the boundary.

    The strength is smoothed lightly, the direction across the boundary is taken from its
    second derivatives at a coarser scale, and a pixel is set to zero if one of the two
    points one pixel away in that direction (bilinear interpolation) is stronger. Strength
    fades to zero over the outer 5 pixels. This is the post-processing behind published BSDS
    numbers (Dollar and Zitnick, "Fast Edge Detection Using Structured Forests", TPAMI 2015;
    `edgesNmsMex` with radius 1, border 5, multiplier 1.01), but that a mixed derivative of
    exactly 0 counts as positive: else purely horizontal boundaries would never be thinned.

    Args:
        strength: (H, W) finite numbers, usually 0..1, at least 2x2.

    Returns:
        (H, W) float32: the smoothed strength on ridges, 0 elsewhere.

    Raises:
        InputError: not a finite (H, W) array of at least 2x2 pixels.
    """
    require_map("boundary strength", strength)
    if min(strength.shape) < 2:
        raise InputError(f"boundary strength has shape {strength.shape}; expected at least (2, 2)")
    if not np.isfinite(strength).all():
        raise InputError("boundary strength holds NaN or infinite values; expected finite numbers")
    ridge = _triangle_filter(strength.astype(np.float32), 1)
    across = _direction_across(_triangle_filter(ridge, 4))
    step_y, step_x = np.sin(across), np.cos(across)
    rows, cols = np.indices(ridge.shape, dtype=np.float32)
    peak = np.ones(ridge.shape, dtype=bool)
    for sign in (-1, 1):
        beside = ndimage.map_coordinates(
            ridge, (rows + sign * step_y, cols + sign * step_x), order=1, mode="nearest"
        )
        peak &= ridge * _TIE_MARGIN >= beside
    return np.where(peak, ridge, 0).astype(np.float32) * _border_fade(ridge.shape)


def thin(mask: np.ndarray) -> np.ndarray:
    """Thin a mask to lines one pixel wide without breaking or shortening them.

    Guo and Hall's parallel thinning in the form of Lam, Lee and Suen ("Thinning
    Methodologies", TPAMI 1992, algorithm A1), repeated until nothing changes; it is what
    the BSDS benchmark applies (`bwmorph(mask, 'thin', inf)`). The number of 8-connected
    components stays as it was.

    Args:
        mask: (H, W) bool.

    Returns:
        (H, W) bool, a subset of `mask`.

    Raises:
        InputError: not a (H, W) array.
    """
    require_map("mask", mask)
    pitch = mask.shape[1] + 2
    image = np.pad(np.asarray(mask, dtype=bool), 1).ravel()
    # East, then counter-clockwise, as the conditions of `_deletable` number them.
    ring = np.array([1, 1 - pitch, -pitch, -1 - pitch, -1, pitch - 1, pitch, pitch + 1])
    everywhere = np.flatnonzero(image)
    # A pixel's verdict in a half-step can change only if its ring changed since the same
    # half-step was last made, that is, in one of the two latest half-steps.
    deleted_before, deleted = everywhere, everywhere
    first_pass = 2
    second_half = False
    while deleted_before.size or deleted.size:
        if first_pass:
            candidates = everywhere[image[everywhere]]
            first_pass -= 1
        else:
            touched = (np.concatenate((deleted_before, deleted))[:, None] + ring).ravel()
            candidates = np.unique(touched[image[touched]])
        code = np.packbits(image[candidates[:, None] + ring], axis=1, bitorder="little")[:, 0]
        deleted_before, deleted = deleted, candidates[_deletable(second_half)[code]]
        image[deleted] = False
        second_half = not second_half
    return image.reshape(-1, pitch)[1:-1, 1:-1].copy()


def _triangle_filter(image: np.ndarray, radius: int) -> np.ndarray:
    """Separable triangle filter of the given radius, mirrored at the border."""
    rise = np.arange(1, radius + 2, dtype=np.float32)
    weights = np.concatenate((rise, rise[-2::-1])) / (radius + 1) ** 2
    for axis in (0, 1):
        image = ndimage.correlate1d(image, weights, axis=axis, mode="reflect")
    return image


def _direction_across(smooth: np.ndarray) -> np.ndarray:
    """Angle (radians, from +x towards +y) across the ridges of `smooth`.

    The tangent is the quotient of the pure second derivatives, its sign that of the mixed
    one: exact for ridges at multiples of 45 degrees and up to 13 degrees off between, kept
    because published numbers are made with it.
    """
    grad_y, grad_x = np.gradient(smooth)
    grad_xx = np.gradient(grad_x, axis=1)
    grad_yy, grad_xy = np.gradient(grad_y)
    sign = np.where(grad_xy > 0, -1, 1)
    return np.arctan2(sign * grad_yy, grad_xx + _CURVATURE_OFFSET)


def _border_fade(shape: tuple[int, ...]) -> np.ndarray:
    """(H, W) float32 factor: 0 on the outermost pixels, rising to 1 over the border."""
    width = min(_BORDER, *(size // 2 for size in shape))
    rows, cols = (
        np.minimum(1, np.minimum(np.arange(size), np.arange(size)[::-1]) / width) for size in shape
    )
    return np.outer(rows, cols).astype(np.float32)


@cache
def _deletable(second_half: bool) -> np.ndarray:
    """(256,) bool: may a pixel go, by the byte of its ring (bit k = neighbour x_(k+1))?"""
    x = {k + 1: (np.arange(256) >> k & 1).astype(bool) for k in range(8)}
    x[9] = x[1]
    odd = (1, 3, 5, 7)
    crossings = np.sum([~x[k] & (x[k + 1] | x[k + 2]) for k in odd], axis=0)
    pairs = np.minimum(
        np.sum([x[k] | x[k + 1] for k in odd], axis=0),
        np.sum([x[k + 1] | x[k + 2] for k in odd], axis=0),
    )
    if second_half:
        side = (x[6] | x[7] | ~x[4]) & x[5]
    else:
        side = (x[2] | x[3] | ~x[8]) & x[1]
    table = (crossings == 1) & (pairs >= 2) & (pairs <= 3) & ~side
    table.setflags(write=False)
    return table
