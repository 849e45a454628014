"""Monocular depth errors, raw and with the scale taken from the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pag.errors import InputError
from pag.metrics.checks import require_map, require_same_shape

_DELTA_BASE = 1.25


@dataclass(frozen=True)
class DepthErrors:
    """Means over images of the errors of Eigen et al. (NIPS 2014).

    Attributes:
        absrel: mean of |predicted - true| / true.
        rmse: root of the mean squared error, metres.
        log10: mean of |log10(predicted / true)|.
        delta1: share of pixels with max(predicted / true, true / predicted) below 1.25.
        delta2: the same below 1.25 squared.
        delta3: the same below 1.25 cubed.
    """

    absrel: float
    rmse: float
    log10: float
    delta1: float
    delta2: float
    delta3: float


@dataclass(frozen=True)
class DepthResult(DepthErrors):
    """Errors of the depth as predicted, and of the scaled one.

    Attributes:
        median_scaled: errors after each image's prediction is multiplied by
            median(true) / median(predicted): what is left when the scale is known.
        images: number of images with valid pixels.
    """

    median_scaled: DepthErrors
    images: int


class DepthMetric:
    """Depth errors over a data set.

    Errors are averaged over the valid pixels of each image, then over images, so that every
    image weighs the same (the usual protocol since Eigen et al.; the median scale is also
    per image). A pixel is valid where the true depth is finite and above 0.
    """

    def __init__(self) -> None:
        self._raw: list[np.ndarray] = []
        self._scaled: list[np.ndarray] = []

    def update(self, prediction: np.ndarray, truth: np.ndarray) -> None:
        """Add one image; one without a valid pixel is passed over.

        Args:
            prediction: (H, W) depth in metres, finite and above 0 wherever the truth is valid.
            truth: (H, W) depth in metres; 0, negative, NaN or infinite where unknown.

        Raises:
            InputError: shapes differ or are not (H, W), or a prediction is not a depth.
        """
        require_map("depth", prediction)
        require_same_shape("depth", prediction, "the truth", truth)
        valid = np.isfinite(truth) & (truth > 0)
        if not valid.any():
            return
        true = truth[valid].astype(np.float64)
        predicted = prediction[valid].astype(np.float64)
        if not (np.isfinite(predicted) & (predicted > 0)).all():
            raise InputError(
                f"predicted depths reach from {predicted.min():g} to {predicted.max():g} m; "
                "expected finite values above 0"
            )
        scale = np.median(true) / np.median(predicted)
        self._raw.append(_errors(predicted, true))
        self._scaled.append(_errors(predicted * scale, true))

    def result(self) -> DepthResult:
        """Mean errors over all images so far.

        Raises:
            InputError: no image had a valid pixel.
        """
        if not self._raw:
            raise InputError("no image with known depth has been scored; expected at least one")
        raw, scaled = (np.mean(errors, axis=0).tolist() for errors in (self._raw, self._scaled))
        return DepthResult(*raw, median_scaled=DepthErrors(*scaled), images=len(self._raw))


def _errors(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """(6,) errors of one image, in the order of `DepthErrors`."""
    ratio = np.maximum(predicted / true, true / predicted)
    return np.array(
        [
            np.mean(np.abs(predicted - true) / true),
            np.sqrt(np.mean((predicted - true) ** 2)),
            np.mean(np.log10(ratio)),
            *(np.mean(ratio < _DELTA_BASE**power) for power in (1, 2, 3)),
        ]
    )
