"""Surface normal errors: angles between predicted and true normals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pag.errors import InputError
from pag.metrics.checks import require_same_shape

_BIN_DEGREES = 0.05
_BINS = round(180 / _BIN_DEGREES)
_LIMITS = (11.25, 22.5, 30.0)


@dataclass(frozen=True)
class NormalsResult:
    """Angular errors over all valid pixels of a data set.

    Attributes:
        mean: mean angle, degrees.
        median: median angle, degrees, to within 0.05.
        within_11_25: share of pixels with an angle below 11.25 degrees, 0..1.
        within_22_5: the same below 22.5 degrees.
        within_30: the same below 30 degrees.
        pixels: number of valid pixels.
    """

    mean: float
    median: float
    within_11_25: float
    within_22_5: float
    within_30: float
    pixels: int


class NormalsMetric:
    """Angular errors over a data set, every valid pixel weighing the same (Fouhey et al., 2013).

    Mean and shares are exact. The median comes from a histogram of 0.05 degree bins: it is
    the mean angle inside the bin (or the two bins) where the middle lies, so memory does not
    grow with the data.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, dtype=np.int64)
        self._degrees = np.zeros(_BINS, dtype=np.float64)
        self._within = np.zeros(len(_LIMITS), dtype=np.int64)

    def update(self, prediction: np.ndarray, truth: np.ndarray) -> None:
        """Add one image.

        Args:
            prediction: (H, W, 3) normals in the same frame as `truth`, of any length but 0
                and finite wherever the truth is valid.
            truth: (H, W, 3) normals of any length; zero or not finite where unknown.

        Raises:
            InputError: shapes differ or are not (H, W, 3), or a prediction has no direction.
        """
        if prediction.ndim != 3 or prediction.shape[2] != 3:
            raise InputError(f"normals have shape {prediction.shape}; expected (H, W, 3)")
        require_same_shape("normals", prediction, "the truth", truth)
        known = np.isfinite(truth).all(axis=2) & (truth != 0).any(axis=2)
        predicted = prediction[known].astype(np.float64)
        if not (np.isfinite(predicted).all() and (predicted != 0).any(axis=1).all()):
            raise InputError("predicted normals hold zero, NaN or infinite vectors; expected none")
        self._add(_degrees_between(predicted, truth[known].astype(np.float64)))

    def result(self) -> NormalsResult:
        """Errors over all images so far.

        Raises:
            InputError: no valid pixel has been seen.
        """
        pixels = int(self._counts.sum())
        if not pixels:
            raise InputError("no pixel with a known normal has been scored; expected at least one")
        return NormalsResult(
            float(self._degrees.sum() / pixels),
            self._median(pixels),
            *(float(count / pixels) for count in self._within),
            pixels=pixels,
        )

    def _add(self, degrees: np.ndarray) -> None:
        bins = np.minimum((degrees / _BIN_DEGREES).astype(np.int64), _BINS - 1)
        self._counts += np.bincount(bins, minlength=_BINS)
        self._degrees += np.bincount(bins, weights=degrees, minlength=_BINS)
        self._within += [np.count_nonzero(degrees < limit) for limit in _LIMITS]

    def _median(self, pixels: int) -> float:
        ranks = np.array([(pixels - 1) // 2, pixels // 2])
        bins = np.searchsorted(np.cumsum(self._counts), ranks, side="right")
        return float((self._degrees[bins] / self._counts[bins]).mean())


def _degrees_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(N,) angles in degrees between the rows of two (N, 3) arrays, none of them zero."""
    first = first / np.linalg.norm(first, axis=1, keepdims=True)
    second = second / np.linalg.norm(second, axis=1, keepdims=True)
    # Unlike the arc cosine of the dot product this is exact for equal and opposite vectors.
    apart = np.linalg.norm(first - second, axis=1)
    along = np.linalg.norm(first + second, axis=1)
    return np.degrees(2 * np.arctan2(apart, along))
