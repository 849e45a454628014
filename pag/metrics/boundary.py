"""Boundary detection scores of the Berkeley benchmark: ODS, OIS and AP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from pag.errors import InputError
from pag.metrics.boundary_counts import (
    THRESHOLDS,
    BoundaryCounts,
    boundary_thresholds,
    count_matches,
    f_measure,
)


@dataclass(frozen=True, eq=False)
class BoundaryResult:
    """Scores over a data set.

    Attributes:
        ods: best F-measure with one threshold for the whole data set (optimal data set
            scale), found by linear interpolation between thresholds as in the benchmark.
        ods_threshold: the threshold at which it is reached.
        ois: F-measure with the best threshold for every image (optimal image scale).
        ap: average precision: precision interpolated at recalls 0, 0.01, ..., 1.
        thresholds: (T,) the strengths compared with, rising.
        precision: (T,) over the data set.
        recall: (T,) over the data set.
        images: number of images.
    """

    ods: float
    ods_threshold: float
    ois: float
    ap: float
    thresholds: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    images: int


class BoundaryMetric:
    """ODS, OIS and AP over a data set, image by image.

    Args:
        thresholds: number of thresholds; 99 in the official protocol.
        max_dist: matching tolerance as a share of the image's diagonal; 0.0075 for BSDS.
    """

    def __init__(self, thresholds: int = THRESHOLDS, max_dist: float = 0.0075) -> None:
        self.thresholds = boundary_thresholds(thresholds)
        self.max_dist = max_dist
        self._images: list[BoundaryCounts] = []

    def update(
        self, strength: np.ndarray, annotations: Sequence[np.ndarray], nms: bool = True
    ) -> None:
        """Score one image; arguments and errors as in `count_matches`."""
        self.add(count_matches(strength, annotations, self.thresholds.size, self.max_dist, nms))

    def add(self, counts: BoundaryCounts) -> None:
        """Add one image that `count_matches` has counted, perhaps in another process.

        Raises:
            InputError: counted with another number of thresholds.
        """
        if counts.truth.shape != self.thresholds.shape:
            raise InputError(
                f"counts are for {counts.truth.size} thresholds; expected {self.thresholds.size}"
            )
        self._images.append(counts)

    def result(self) -> BoundaryResult:
        """Scores over all images so far.

        Raises:
            InputError: there was no image.
        """
        if not self._images:
            raise InputError("no image has been scored; expected at least one")
        total = reduce(add, self._images)
        best = reduce(add, (image.at(int(np.argmax(image.f_measure))) for image in self._images))
        ods, threshold = _best_f_measure(self.thresholds, total.precision, total.recall)
        return BoundaryResult(
            ods=ods,
            ods_threshold=threshold,
            ois=float(best.f_measure[0]),
            ap=_average_precision(total.precision, total.recall),
            thresholds=self.thresholds,
            precision=total.precision,
            recall=total.recall,
            images=len(self._images),
        )


def _best_f_measure(
    thresholds: np.ndarray, precision: np.ndarray, recall: np.ndarray
) -> tuple[float, float]:
    """Best F-measure and its threshold, on the curve joined by straight lines."""
    if thresholds.size > 1:
        steps = np.arange(thresholds.size)
        fine = np.linspace(0, thresholds.size - 1, 99 * (thresholds.size - 1) + 1)
        thresholds, precision, recall = (
            np.interp(fine, steps, curve) for curve in (thresholds, precision, recall)
        )
    scores = f_measure(precision, recall)
    best = int(np.argmax(scores))
    return float(scores[best]), float(thresholds[best])


def _average_precision(precision: np.ndarray, recall: np.ndarray) -> float:
    """Area under the precision-recall curve as the benchmark takes it.

    Recalls below the lowest and above the highest one reached add nothing. A curve of one
    recall only (a binary map) has no lines to follow, and the benchmark gives it 0; here it
    is the rectangle below it.
    """
    recalls, first = np.unique(recall, return_index=True)
    precisions = precision[first]
    if recalls.size == 1:
        return float(recalls[0] * precisions[0])
    grid = np.linspace(0, 1, 101)
    area = np.interp(grid, recalls, precisions, left=0, right=0).sum() / 100
    return float(min(1.0, area))
