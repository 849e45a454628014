"""Checks of what callers hand to the metrics."""

from __future__ import annotations

import numpy as np

from pag.errors import InputError


def require_same_shape(name: str, array: np.ndarray, reference: str, other: np.ndarray) -> None:
    """Raise `InputError` with both shapes unless `array` and `other` have the same one."""
    if array.shape != other.shape:
        raise InputError(
            f"{name} has shape {array.shape} but {reference} has shape {other.shape}; "
            "expected the same"
        )


def require_map(name: str, array: np.ndarray) -> None:
    """Raise `InputError` unless `array` is two-dimensional, (H, W)."""
    if array.ndim != 2:
        raise InputError(f"{name} has shape {array.shape}; expected (H, W)")
