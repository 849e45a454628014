"""Berkeley Segmentation Data Set 500 (Arbelaez et al., TPAMI 2011): boundaries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.io import loadmat

from pag.data.files import check_split, image_stems, read_rgb
from pag.data.sample import Sample
from pag.errors import InputError

SPLITS = ("train", "val", "test")


class BSDS500:
    """Photographs with the boundaries drawn by four to nine people each.

    Args:
        root: the folder with ``images/<split>/ID.jpg`` and ``groundTruth/<split>/ID.mat``,
            or the folder whose ``data`` subfolder is that one.
        split: ``train``, ``val`` or ``test``.

    Raises:
        InputError: the split is unknown or the folder is laid out otherwise.
    """

    name = "bsds500"
    tasks: tuple[str, ...] = ("boundary",)

    def __init__(self, root: str | Path, split: str) -> None:
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
        boundary = np.stack(self.annotations(index)).mean(axis=0, dtype=np.float32)
        return Sample(image=read_rgb(image), boundary=boundary, name=stem)

    def annotations(self, index: int) -> list[np.ndarray]:
        """Boundaries of each annotator, (H, W) bool, as the official protocol needs them."""
        path = self._files[index][2]
        try:
            cells = loadmat(path)["groundTruth"].ravel()
            drawn = [np.asarray(cell["Boundaries"][0, 0]) > 0 for cell in cells]
        except Exception as error:  # loadmat raises whatever the damaged bytes lead to
            raise InputError(
                f"{self.name}: {path.name} has no readable annotation, "
                "expected a 1xN cell groundTruth of structs with Boundaries"
            ) from error
        if not drawn or any(d.ndim != 2 or d.shape != drawn[0].shape for d in drawn):
            raise InputError(
                f"{self.name}: {path.name} holds {len(drawn)} annotations, "
                "expected one or more of one size"
            )
        return drawn
