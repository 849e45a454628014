"""What a visitor painted: where compute shall be spent, and where it shall be skipped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.words import steering as words
from pag import InputError

CELLS = 96  # along the longer side: finer than any hand, small enough to send


@dataclass(frozen=True)
class Steering:
    """A steering map; see `pag.Predictor.__call__`. Two of one digest are equal.

    Attributes:
        digest: what identifies it among the answers remembered.
        grid: (rows, columns) float32 in -1..1, read-only.
    """

    digest: str
    grid: np.ndarray = field(compare=False, repr=False)


def read_painting(painting: Any) -> Steering | None:
    """A steering map as it arrives from a browser, which may be none.

    Args:
        painting: None, or a mapping with `rows` and `columns`, whole numbers up to `CELLS`, and
            `cells`, a list of so many numbers in -1..1, row by row.

    Returns:
        None where nothing is painted.

    Raises:
        InputError: anything else.
    """
    if painting is None:
        return None
    if not isinstance(painting, Mapping):
        raise InputError(words.PAINTING_SHAPE.format(cells=CELLS))
    rows, columns, cells = (painting.get(name) for name in ("rows", "columns", "cells"))
    if not (_side(rows) and _side(columns) and isinstance(cells, list)):
        raise InputError(words.PAINTING_SHAPE.format(cells=CELLS))
    if len(cells) != rows * columns:  # type: ignore
        raise InputError(words.PAINTING_COUNT.format(seen=len(cells), rows=rows, columns=columns))
    numbers = all(type(cell) in (int, float) and -1 <= cell <= 1 for cell in cells)
    if not numbers:  # nor are true, NaN and texts
        raise InputError(words.PAINTING_RANGE)
    grid = np.array(cells, np.float32).reshape(rows, columns)  # type: ignore
    if not grid.any():
        return None
    grid.setflags(write=False)
    return Steering(hashlib.sha256(repr(grid.shape).encode() + grid.tobytes()).hexdigest(), grid)


def _side(value: Any) -> bool:
    return type(value) is int and 1 <= value <= CELLS
