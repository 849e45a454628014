"""Sums over three components, written out.

A matrix product of a threaded library may add in another order on another number of
threads; these give the same bytes everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def along(axis: Sequence[float] | np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Scalar product of one vector with each column of (3, N): (N,), of the columns' type."""
    x, y, z = (vectors.dtype.type(c) for c in axis)
    return x * vectors[0] + y * vectors[1] + z * vectors[2]


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Scalar product of columns of (3, N): (N,)."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def luminance(light: np.ndarray) -> np.ndarray:
    """Brightness of linear RGB (..., 3), with the weights of ITU-R BT.709: (...)."""
    weights = [light.dtype.type(w) for w in (0.2126, 0.7152, 0.0722)]
    return sum(light[..., c] * w for c, w in enumerate(weights))  # type: ignore[return-value]
