"""Procedural scenes rendered by `pag.scenes`: exact truth for all four tasks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.ndimage import maximum_filter

from pag.config import LABEL_SETS
from pag.data.canonical import canonical
from pag.data.files import check_split
from pag.data.retexture import retexture
from pag.data.sample import Sample
from pag.scenes.files import SPLITS, read_index, read_scene
from pag.scenes.scene import RenderedScene

CLEARANCE = 8
"""Pixels around a rendered outline in which people might draw one."""
UNDECIDED = 0.15
"""Share of annotators that training leaves open (`pag.losses.BOUNDARY_CONSENSUS`)."""


class ScenesDataset:
    """What ``python -m pag.scenes --out DIR --count N`` wrote.

    Depth and normals are those of the canonical camera (`pag.data.canonical`); those of 360-degree
    pictures stay distances.

    Args:
        root: the folder with ``index.json`` and, for each scene, NAME.png and NAME.npz.
        split: ``train`` or ``val``; every tenth seed is held back as ``val``.
        textures: photographs, (h, w, 3) uint8 each, for some of the surfaces; see
            `pag.data.retexture`. A scene always gets the same ones.
        sparing: let boundaries say where there are surely none alone (`surely_none`): outlines
            of rendered things are far denser than what people draw, and with them as truth the
            ODS on BSDS500 fell from .756 to .723.

    Raises:
        InputError: the split is unknown or the folder is laid out otherwise.
    """

    name = "scenes"
    tasks: tuple[str, ...] = ("segmentation", "boundary", "depth", "normals")
    classes = LABEL_SETS["all"]

    def __init__(
        self,
        root: str | Path,
        split: str,
        textures: Sequence[np.ndarray] = (),
        sparing: bool = False,
    ) -> None:
        self.textures, self.sparing = textures, sparing
        self.split = check_split(self.name, split, SPLITS)
        self.root = Path(root)
        self._names = read_index(self.root)[0][split]

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> Sample:
        scene = read_scene(self.root, self._names[index])
        image = scene.image
        if self.textures:
            image = retexture(scene, self.textures, np.random.default_rng(index))
        boundary = surely_none(scene, image) if self.sparing else scene.boundary
        sample = Sample(
            image=image,
            segmentation=scene.segmentation,
            boundary=boundary.astype(np.float32),
            depth=scene.depth,
            normals=scene.normals,
            name=self._names[index],
        )
        if scene.focal == 0:
            return sample
        return canonical(sample, scene.focal)

    def annotations(self, index: int, /) -> list[np.ndarray]:
        """The one true boundary map of a scene, (H, W) bool."""
        return [read_scene(self.root, self._names[index]).boundary]


def surely_none(scene: RenderedScene, image: np.ndarray) -> np.ndarray:
    """Boundaries for training: 0 where nobody would draw one, else neither one nor none.

    That is far from every true outline, and where the picture is as it was rendered: people draw
    what is on a photograph, which may lie on a surface of `image`.

    Args:
        scene: with its own picture.
        image: (H, W, 3) uint8, that picture with photographs on it.

    Returns:
        (H, W) float32, 0 or `UNDECIDED`.
    """
    side = 2 * CLEARANCE + 1
    near = maximum_filter(scene.boundary, size=side)
    papered = (image != scene.image).any(-1)
    return np.where(near | papered, np.float32(UNDECIDED), np.float32(0))
