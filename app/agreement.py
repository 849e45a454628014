"""How close an answer comes to another one of the same photo, in each task's own measure.

Full budget is what the others are compared with: it says what the compute left out has
changed, not whether the network is right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pag import Inference

BOUNDARY_AT = 0.5
"""Strength from which on a pixel counts as a boundary."""
DELTA = 1.25
"""Depths whose ratio stays below are close; see Eigen et al., NIPS 2014."""
CLOSE_DEGREES = 11.25
"""Directions closer than this are close, the strictest of the usual limits."""
STEP = 2
"""Depth and directions are smooth: every second row and column tells their means."""


@dataclass(frozen=True)
class Agreement:
    """One answer against a reference. A pair is None without its task, or without a pixel.

    Attributes:
        segmentation: share of pixels of the same class, and the mean over classes seen in
            either answer of intersection over union.
        boundary: F-measure of the pixels of strength `BOUNDARY_AT` and more, each at its own
            place, and the mean absolute difference of strength.
        depth: mean of |metres - reference| / reference, and the share of pixels whose ratio
            is below `DELTA` either way; over pixels where both are finite and above 0.
        normals: mean angle in degrees, and the share of angles below `CLOSE_DEGREES`.
    """

    segmentation: tuple[float, float] | None
    boundary: tuple[float, float] | None
    depth: tuple[float, float] | None
    normals: tuple[float, float] | None


def agreement(answer: Inference, reference: Inference) -> Agreement:
    """Compare two answers for one photo at one working size.

    Raises:
        ValueError: the working sizes differ.
    """
    if answer.image.shape != reference.image.shape:
        seen = " and ".join(str(record.image.shape[:2]) for record in (answer, reference))
        raise ValueError(f"working sizes are {seen}; expected the same photo at one size")
    return Agreement(
        segmentation=_classes(answer.segmentation, reference.segmentation),
        boundary=_boundaries(answer.boundary, reference.boundary),
        depth=_depths(answer.depth, reference.depth),
        normals=_directions(answer.normals, reference.normals),
    )


Pair = tuple[float, float] | None
Map = np.ndarray | None


def _classes(ids: Map, reference: Map) -> Pair:
    if ids is None or reference is None:
        return None
    count = int(max(ids.max(), reference.max())) + 1
    pairs = ids.astype(np.int64).ravel() * count + reference.ravel()
    table = np.bincount(pairs, minlength=count * count).reshape(count, count)
    both = table.diagonal()
    either = table.sum(axis=0) + table.sum(axis=1) - both
    seen = either > 0
    return float(both.sum() / table.sum()), float(np.mean(both[seen] / either[seen]))


def _boundaries(strength: Map, reference: Map) -> Pair:
    if strength is None or reference is None:
        return None
    drawn, expected = strength >= BOUNDARY_AT, reference >= BOUNDARY_AT
    total = int(drawn.sum()) + int(expected.sum())
    hits = int((drawn & expected).sum())
    # Two empty drawings agree.
    measure = 2 * hits / total if total else 1.0
    return measure, float(np.abs(strength - reference).mean())


def _depths(metres: Map, reference: Map) -> Pair:
    if metres is None or reference is None:
        return None
    seen, true = (depth[::STEP, ::STEP].astype(np.float64) for depth in (metres, reference))
    valid = np.isfinite(seen) & np.isfinite(true) & (seen > 0) & (true > 0)
    if not valid.any():
        return None
    ratio = seen[valid] / true[valid]
    close = np.maximum(ratio, 1.0 / ratio) < DELTA
    return float(np.abs(ratio - 1.0).mean()), float(close.mean())


def _directions(normals: Map, reference: Map) -> Pair:
    if normals is None or reference is None:
        return None
    a, b = (field[::STEP, ::STEP].astype(np.float64) for field in (normals, reference))
    # Twice the angle whose sine is half the chord: exact also where directions are the same.
    chord = np.linalg.norm(a - b, axis=-1)
    degrees = np.degrees(2.0 * np.arcsin(np.clip(chord / 2.0, 0.0, 1.0)))
    return float(degrees.mean()), float((degrees < CLOSE_DEGREES).mean())
