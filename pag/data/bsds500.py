"""Berkeley Segmentation Data Set 500 (Arbelaez et al., TPAMI 2011): boundaries."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from pag.data.files import check_split, image_stems, read_rgb
from pag.data.hand_labels import PhotographLabels
from pag.data.sample import CLASSES, Sample
from pag.errors import InputError
from pag.inference import TASKS

SPLITS = ("train", "val", "test")


class BSDS500:
    """Photographs with the boundaries drawn by four to nine people each.

    Args:
        root: the folder with ``images/<split>/ID.jpg`` and ``groundTruth/<split>/ID.mat``,
            or the folder whose ``data`` subfolder is that one.
        split: ``train``, ``val`` or ``test``.
        hand_labels: by photograph, of what its regions are and how far away; see
            `pag.data.hand_labels`. With them the other tasks are supervised, too, and a
            photograph without any is "ignore" throughout.

    Raises:
        InputError: the split is unknown or the folder is laid out otherwise.
    """

    name = "bsds500"
    tasks: tuple[str, ...] = ("boundary",)

    def __init__(
        self,
        root: str | Path,
        split: str,
        hand_labels: dict[str, PhotographLabels] | None = None,
    ) -> None:
        self.hand_labels = hand_labels or {}
        if hand_labels:
            self.tasks, self.classes = TASKS, CLASSES
        self.split = check_split(self.name, split, SPLITS)
        base = next(
            (p for p in (Path(root), Path(root) / "data") if (p / "images" / split).is_dir()), None
        )
        if base is None:
            raise InputError(
                f"{self.name}: no folder images/{split} found, "
                f"expected images/{split}/ID.jpg and groundTruth/{split}/ID.mat"
            )
        images = image_stems(base / "images" / split)
        truth = {stem: base / "groundTruth" / split / f"{stem}.mat" for stem in images}
        if not images:
            raise InputError(f"{self.name}: images/{split} holds no image, expected ID.jpg files")
        if missing := [stem for stem, path in truth.items() if not path.is_file()]:
            raise InputError(
                f"{self.name}: {len(missing)} of {len(images)} images have no annotation, "
                f"expected groundTruth/{split}/{missing[0]}.mat"
            )
        self._files = [(stem, images[stem], truth[stem]) for stem in images]

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> Sample:
        stem, image, _ = self._files[index]
        fields = ("Boundaries", "Segmentation") if self.hand_labels else ("Boundaries",)
        drawn, *outlines = self._drawn(index, *fields)
        boundary = np.stack([b > 0 for b in drawn]).mean(axis=0, dtype=np.float32)
        sample = Sample(image=read_rgb(image), boundary=boundary, name=stem)
        if not outlines:
            return sample
        (outlined,) = outlines
        labels = self.hand_labels.get(stem, PhotographLabels(0, ()))
        if not 0 <= labels.annotator < len(outlined):
            raise InputError(
                f"{self.name}: {stem} is labelled by annotator {labels.annotator}, "
                f"expected one of 0 to {len(outlined) - 1}"
            )
        segmentation, depth, normals = labels.maps(outlined[labels.annotator])
        return replace(sample, segmentation=segmentation, depth=depth, normals=normals)

    def annotations(self, index: int) -> list[np.ndarray]:
        """Boundaries of each annotator, (H, W) bool, as the official protocol needs them."""
        (drawn,) = self._drawn(index, "Boundaries")
        return [boundaries > 0 for boundaries in drawn]

    def _drawn(self, index: int, *fields: str) -> list[list[np.ndarray]]:
        """For each of ``Boundaries`` and ``Segmentation`` asked for, each annotator's (H, W)."""
        path = self._files[index][2]
        try:
            cells = loadmat(path)["groundTruth"].ravel()
            found = [[np.asarray(cell[field][0, 0]) for cell in cells] for field in fields]
        except Exception as error:  # loadmat raises whatever the damaged bytes lead to
            raise InputError(
                f"{self.name}: {path.name} has no readable annotation, "
                f"expected a 1xN cell groundTruth of structs with {' and '.join(fields)}"
            ) from error
        maps = [one for drawn in found for one in drawn]
        if not maps or any(m.ndim != 2 or m.shape != maps[0].shape for m in maps):
            raise InputError(
                f"{self.name}: {path.name} holds {len(found[0])} annotations, "
                "expected one or more of one size"
            )
        return found
