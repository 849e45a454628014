"""Semantic segmentation scores: mIoU and accuracies over a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pag.errors import InputError
from pag.metrics.checks import require_map, require_same_shape


@dataclass(frozen=True)
class SegmentationResult:
    """Scores over all labelled pixels of a data set, each 0..1.

    Attributes:
        miou: mean of `iou` over its classes.
        iou: intersection over union of each class that occurs in the truth, by name.
        pixel_accuracy: share of pixels with the right class.
        mean_accuracy: mean over the same classes of the share of the class's pixels found.
        pixels: number of labelled pixels.
    """

    miou: float
    iou: Mapping[str, float]
    pixel_accuracy: float
    mean_accuracy: float
    pixels: int


class SegmentationMetric:
    """Confusion matrix over a data set, and the scores that follow from it.

    The intersection and the union of a class are summed over all images before dividing (as
    in PASCAL VOC and in CamVid's published numbers). A class that never occurs in the truth
    has no IoU of its own; predicting it still enlarges the union of the class that was there.

    Args:
        classes: class names, index = id.
        ignore: the truth id of pixels that do not count.
    """

    def __init__(self, classes: Sequence[str], ignore: int = 255) -> None:
        if not classes or len(set(classes)) != len(classes):
            raise InputError(
                f"classes are {tuple(classes)}; expected different names, at least one"
            )
        self.classes = tuple(classes)
        self.ignore = ignore
        # Pixels by true class (row) and predicted class (column).
        self._confusion = np.zeros((len(self.classes), len(self.classes)), dtype=np.int64)

    def update(self, prediction: np.ndarray, truth: np.ndarray) -> None:
        """Add one image.

        Args:
            prediction: (H, W) integer class ids; anything where the truth is ignored.
            truth: (H, W) integer class ids, or `ignore`.

        Raises:
            InputError: shapes differ or are not (H, W), ids are not integers, or an id has
                no class.
        """
        require_map("segmentation", prediction)
        require_same_shape("segmentation", prediction, "the truth", truth)
        counted = truth != self.ignore
        seen = self._checked("prediction", prediction[counted])
        true = self._checked("truth", truth[counted])
        count = len(self.classes)
        pairs = np.bincount(true * count + seen, minlength=count * count)
        self._confusion += pairs.reshape(count, count)

    def result(self) -> SegmentationResult:
        """Scores over all images so far.

        Raises:
            InputError: no labelled pixel has been seen.
        """
        pixels = int(self._confusion.sum())
        if not pixels:
            raise InputError("no labelled pixel has been scored; expected at least one")
        right = np.diag(self._confusion)
        true = self._confusion.sum(axis=1)
        union = true + self._confusion.sum(axis=0) - right
        present = np.flatnonzero(true)
        iou = right[present] / union[present]
        return SegmentationResult(
            miou=float(iou.mean()),
            iou={self.classes[k]: float(v) for k, v in zip(present, iou, strict=True)},
            pixel_accuracy=float(right.sum() / pixels),
            mean_accuracy=float((right[present] / true[present]).mean()),
            pixels=pixels,
        )

    def _checked(self, name: str, ids: np.ndarray) -> np.ndarray:
        if not np.issubdtype(ids.dtype, np.integer):
            raise InputError(f"{name} ids are of type {ids.dtype}; expected integers")
        if ids.size and (ids.min() < 0 or ids.max() >= len(self.classes)):
            raise InputError(
                f"{name} ids reach from {ids.min()} to {ids.max()}; "
                f"expected 0 to {len(self.classes) - 1}"
            )
        return ids.astype(np.int64)
