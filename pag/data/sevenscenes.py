"""7-Scenes (Shotton et al., CVPR 2013): Kinect frames of a room, for depth and normals.

Depth comes as the colour camera sees it (`pag.data.kinect`), of the canonical camera
(`pag.data.canonical`).
"""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import numpy as np

from pag.data.canonical import canonical
from pag.data.files import check_split, read_rgb, read_uint16
from pag.data.kinect import Camera, registered
from pag.data.normals import normals_from_depth
from pag.data.room_labels import RoomLabels
from pag.data.sample import CLASSES, IGNORE, Sample
from pag.errors import InputError

SPLITS = ("train", "val", "all")
MAX_DEPTH = 8.0
WINDOW = 13
"""Side in pixels of the plane fits for normals: the sensor is noisy beyond 2 m."""
DEPTH_CAMERA = Camera(585.0, 585.0, 320.0, 240.0)


class SevenScenes:
    """Frames of one walk through a room, with metric depth; normals come from the depth.

    Metres and directions are those of the canonical camera, as in `pag.data.scenes`.

    The sorted frames from 20% to 30% and from 70% to 80% of the sequence are held back as
    ``val``: two contiguous runs, because neighbouring frames are nearly the same picture.

    Args:
        root: the folder with ``frame-N.color.jpg`` (or png), ``frame-N.depth.png`` in
            16-bit millimetres, and ``camera-intrinsics.txt``, a 3x3 matrix of the depth camera
            (without it the Kinect's usual fx = fy = 585, cx = 320, cy = 240 is assumed).
        split: ``train``, ``val`` or ``all``.
        labels: of the room. With them the classes are supervised, too; they need
            ``frame-N.pose.txt``, the 4x4 matrix from the depth camera to the room's world.

    Raises:
        InputError: the split is unknown or the folder is laid out otherwise.
    """

    name = "sevenscenes"
    tasks: tuple[str, ...] = ("depth", "normals")

    def __init__(self, root: str | Path, split: str, labels: RoomLabels | None = None) -> None:
        self.labels = labels
        if labels is not None:
            self.tasks, self.classes = ("segmentation", *self.tasks), CLASSES
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
        self.camera = _read_camera(root / "camera-intrinsics.txt")

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> Sample:
        stem, image, depth_file = self._files[index]
        depth = read_uint16(depth_file).astype(np.float32) / 1000.0
        depth[depth > MAX_DEPTH] = 0.0  # also 65535, the sensor's "no answer"
        ids = None
        if self.labels is not None:
            pose = _read_matrix(depth_file.with_name(f"{stem}.pose.txt"), 4)
            ids = self.labels.classes(self.camera.points(depth) @ pose[:3, :3].T + pose[:3, 3])
        depth, ids = registered(depth, self.camera, ids, IGNORE)
        colour = self.camera.beside
        sample = Sample(
            image=read_rgb(image),
            segmentation=ids,
            depth=depth,
            normals=normals_from_depth(depth, *astuple(colour), window=WINDOW),
            name=stem,
        )
        return canonical(sample, colour.fx)


def _held_back(count: int) -> np.ndarray:
    """Mark the validation frames among `count` sorted ones: (count,) bool."""
    mask = np.zeros(count, dtype=bool)
    for start, end in ((2, 3), (7, 8)):
        mask[count * start // 10 : count * end // 10] = True
    return mask


def _read_camera(path: Path) -> Camera:
    if not path.is_file():
        return DEPTH_CAMERA
    matrix = _read_matrix(path, 3)
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
        raise InputError(f"sevenscenes: {path.name} is not usable, expected positive fx and fy")
    return Camera(*map(float, (matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2])))


def _read_matrix(path: Path, side: int) -> np.ndarray:
    """(side, side) numbers of a text file."""
    try:
        matrix = np.loadtxt(path)
        if matrix.shape != (side, side):
            raise ValueError(matrix.shape)
    except (OSError, ValueError) as error:
        raise InputError(
            f"sevenscenes: {path.name} is not usable, expected a {side}x{side} matrix"
        ) from error
    return matrix
