"""What steering by hand changed: compute, outputs and budget, before and after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.figures.outputs import same_class
from pag import Inference, steering_at


@dataclass(frozen=True)
class Change:
    """Layers that ran on average at some of the pixels.

    Attributes:
        share: of the picture that these pixels are.
        before, after: mean ponder cost in layers, unsteered and steered.
    """

    share: float
    before: float
    after: float


def painted_shares(grid: np.ndarray) -> tuple[float, float]:
    """Shares of a steering map's cells that spend, and that skip."""
    return float((grid > 0).mean()), float((grid < 0).mean())


def ponder_changes(
    before: Inference, after: Inference, grid: np.ndarray
) -> dict[str, Change | None]:
    """Ponder cost where compute was asked for (``spend``), refused (``skip``), and elsewhere.

    Args:
        before: unsteered.
        after: the same, steered by `grid`.
        grid: (rows, columns) in -1..1.

    Returns:
        None for places that there are none of.
    """
    cells = steering_at(grid, (after.image.shape[0], after.image.shape[1]))
    places = {"spend": cells > 0, "skip": cells < 0, "rest": cells == 0}
    return {
        name: Change(
            float(where.mean()),
            float(before.ponder_layers[where].mean()),
            float(after.ponder_layers[where].mean()),
        )
        if where.any()
        else None
        for name, where in places.items()
    }


def changed_classes(before: Inference, after: Inference) -> float:
    """Share of pixels whose class differs."""
    return 1.0 - same_class(before, after)


def changed_depth(before: Inference, after: Inference) -> float:
    """Mean difference in depth, metres."""
    assert before.depth is not None and after.depth is not None
    return float(np.abs(before.depth - after.depth).mean())
