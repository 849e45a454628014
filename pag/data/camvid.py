"""CamVid (Brostow et al., 2008) in the SegNet split of 11 classes: street segmentation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pag.config import STREET_CLASSES
from pag.data.files import check_split, image_stems, read_ids, read_rgb
from pag.data.sample import IGNORE, Sample
from pag.errors import InputError

SPLITS = ("train", "val", "test")


class CamVid:
    """Street frames with 11 classes (`pag.config.STREET_CLASSES`, index = id).

    Args:
        root: the folder with ``<split>/NAME.jpg`` (or png) and ``<split>annot/NAME.png``
            of 8-bit ids, 11 = unlabelled, which becomes `IGNORE`.
        split: ``train``, ``val`` or ``test``.

    Raises:
        InputError: the split is unknown or the folder is laid out otherwise.
    """

    name = "camvid"
    tasks: tuple[str, ...] = ("segmentation",)
    classes = STREET_CLASSES

    def __init__(self, root: str | Path, split: str) -> None:
        self.split = check_split(self.name, split, SPLITS)
        root = Path(root)
        if not (root / split).is_dir() or not (root / f"{split}annot").is_dir():
            raise InputError(
                f"{self.name}: folders {split} and {split}annot not found, "
                f"expected {split}/NAME.jpg and {split}annot/NAME.png"
            )
        images = image_stems(root / split)
        labels = image_stems(root / f"{split}annot")
        if not images:
            raise InputError(f"{self.name}: {split} holds no image, expected NAME.jpg files")
        if missing := [stem for stem in images if stem not in labels]:
            raise InputError(
                f"{self.name}: {len(missing)} of {len(images)} frames have no labels, "
                f"expected {split}annot/{missing[0]}.png"
            )
        self._files = [(stem, images[stem], labels[stem]) for stem in images]

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> Sample:
        stem, image, labels = self._files[index]
        ids = read_ids(labels)
        ids = np.where(ids < len(self.classes), ids, IGNORE).astype(np.uint8)
        return Sample(image=read_rgb(image), segmentation=ids, name=stem)
