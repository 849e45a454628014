"""Boundaries from instances, parts, depth and normals."""

from __future__ import annotations

import numpy as np

CREASE = 0.85
"""Cosine of the angle (32 degrees) from which two faces of one instance meet in a crease."""
STEP = 0.03
"""Gap between two parts of one instance, as a share of the distance, that is an edge."""


def boundaries(
    instances: np.ndarray,
    surface: np.ndarray,
    distance: np.ndarray,
    normals: np.ndarray,
    rays: np.ndarray,
    around: bool,
) -> np.ndarray:
    """Pixels at which what is seen changes: (H, W) bool.

    A pixel is marked if it and its right or lower neighbour see different instances (and so
    classes), or different faces or parts of one instance that meet in a crease or lie one
    behind the other. So lines are one pixel wide, and curved faces have none inside.

    Args:
        instances: (H, W) int, 0 for the sky.
        surface: (H, W) int, equal on one face of one part.
        distance: (H, W) ray parameters.
        normals: (H, W, 3) camera frame.
        rays: (H, W, 3) directions that `distance` multiplies.
        around: whether the picture wraps from its right to its left edge.
    """
    marked = np.zeros(instances.shape, dtype=bool)
    points = distance[..., None] * rays
    for axis in (0, 1):
        if axis == 1 and around:
            here, there = (slice(None), slice(None)), None
        else:
            here = (slice(None, -1), slice(None)) if axis == 0 else (slice(None), slice(None, -1))
            there = (slice(1, None), slice(None)) if axis == 0 else (slice(None), slice(1, None))

        def other(
            array: np.ndarray, there: tuple[slice, slice] | None = there, axis: int = axis
        ) -> np.ndarray:
            return np.roll(array, -1, axis) if there is None else array[there]

        edge = instances[here] != other(instances)
        row, column = np.nonzero(~edge & (surface[here] != other(surface)))
        n, m = normals[here][row, column], other(normals)[row, column]
        p, q = points[here][row, column], other(points)[row, column]
        crease = np.einsum("kc,kc->k", n, m) < CREASE
        gap = np.maximum(
            np.abs(np.einsum("kc,kc->k", q - p, n)), np.abs(np.einsum("kc,kc->k", q - p, m))
        )
        # Along one surface neighbours lie in each other's tangent planes.
        step = np.minimum(gap, np.linalg.norm(q - p, axis=1)) > STEP * np.linalg.norm(p, axis=1)
        edge[row, column] = crease | step
        marked[here] |= edge
    return marked
