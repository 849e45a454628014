"""7-Scenes (Shotton et al., CVPR 2013): Kinect frames of a room, for depth and normals."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pag.data.files import check_split, read_rgb, read_uint16
from pag.data.normals import normals_from_depth
from pag.data.sample import Sample
from pag.errors import InputError

SPLITS = ("train", "val", "all")
MAX_DEPTH = 8.0
WINDOW = 13
"""Side in pixels of the plane fits for normals: the sensor is noisy beyond 2 m."""
DEFAULT_INTRINSICS = (585.0, 585.0, 320.0, 240.0)
FOCAL = 585.0 / 640.0
"""Focal length of the Kinect, in units of the picture's longer side."""


class SevenScenes:
    """Frames of one walk through a room, with metric depth; normals come from the depth.

    The sorted frames from 20% to 30% and from 70% to 80% of the sequence are held back as
    ``val``: two contiguous runs, because neighbouring frames are nearly the same picture.

    Args:
        root: the folder with ``frame-N.color.jpg`` (or png), ``frame-N.depth.png`` in
            16-bit millimetres, and ``camera-intrinsics.txt``, a 3x3 matrix (without it
            the Kinect's usual fx = fy = 585, cx = 320, cy = 240 is assumed).
        split: ``train``, ``val`` or ``all``.

    Raises:
        InputError: the split is unknown or the folder is laid out otherwise.
    """

    name = "sevenscenes"
    tasks: tuple[str, ...] = ("depth", "normals")

    def __init__(self, root: str | Path, split: str) -> None:
        self.split = check_split(self.name, split, SPLITS)
        root = Path(root)
        colours = sorted(p for ext in ("jpg", "png") for p in root.glob(f"frame-*.color.{ext}"))
        if not colours:
            raise InputError(
                f"{self.name}: no frame found, "
                "expected frame-N.color.jpg and frame-N.depth.png in the folder itself"
            )
        frames = [(p.name.split(".")[0], p) for p in colours]
        files = [(stem, p, root / f"{stem}.depth.png") for stem, p in frames]
        if missing := [depth.name for _, _, depth in files if not depth.is_file()]:
            raise InputError(
                f"{self.name}: {len(missing)} of {len(files)} frames have no depth, "
                f"expected {missing[0]}"
            )
        held_back = _held_back(len(files))
        wanted = {"train": ~held_back, "val": held_back, "all": held_back | True}[split]
        self._files = [entry for entry, keep in zip(files, wanted, strict=True) if keep]
        self.intrinsics = _read_intrinsics(root / "camera-intrinsics.txt")

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> Sample:
        stem, image, depth_file = self._files[index]
        depth = read_uint16(depth_file).astype(np.float32) / 1000.0
        depth[depth > MAX_DEPTH] = 0.0  # also 65535, the sensor's "no answer"
        return Sample(
            image=read_rgb(image),
            depth=depth,
            normals=normals_from_depth(depth, *self.intrinsics, window=WINDOW),
            name=stem,
        )


def _held_back(count: int) -> np.ndarray:
    """Mark the validation frames among `count` sorted ones: (count,) bool."""
    mask = np.zeros(count, dtype=bool)
    for start, end in ((2, 3), (7, 8)):
        mask[count * start // 10 : count * end // 10] = True
    return mask


def _read_intrinsics(path: Path) -> tuple[float, float, float, float]:
    """Return fx, fy, cx, cy in pixels."""
    if not path.is_file():
        return DEFAULT_INTRINSICS
    try:
        matrix = np.loadtxt(path)
        if matrix.shape != (3, 3) or matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
            raise ValueError(matrix.shape)
    except ValueError as error:
        raise InputError(
            f"sevenscenes: {path.name} is not usable, expected a 3x3 matrix with positive fx, fy"
        ) from error
    return float(matrix[0, 0]), float(matrix[1, 1]), float(matrix[0, 2]), float(matrix[1, 2])
