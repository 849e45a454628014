"""Tiny made-up datasets: in memory, or as folders laid out like the real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

from pag.data import Sample
from pag.scenes import render_scene
from pag.scenes.files import write_index, write_scene

SIZE = (64, 96)
FOCAL = 80.0


class MemoryDataset:
    """A few samples that supervise some tasks."""

    def __init__(
        self, tasks: tuple[str, ...], count: int = 3, size: tuple[int, int] = SIZE
    ) -> None:
        self.tasks = tasks
        self.samples = [make_sample(tasks, seed, size) for seed in range(count)]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int, /) -> Sample:
        return self.samples[index]


def make_sample(tasks: tuple[str, ...], seed: int, size: tuple[int, int] = SIZE) -> Sample:
    """A bright box on a dark ground: its classes, outline, and two flat depths."""
    rng = np.random.default_rng(seed)
    height, width = size
    inside = np.zeros(size, dtype=bool)
    top, left = int(rng.integers(8, height // 3)), int(rng.integers(8, width // 3))
    inside[top : top + height // 2, left : left + width // 2] = True
    image = np.where(inside[..., None], 200, 60) + rng.normal(0, 8, (*size, 3))
    normals = np.zeros((*size, 3), dtype=np.float32)
    normals[..., 2] = -1
    maps = {
        "segmentation": np.where(inside, 8, 3).astype(np.uint8),
        "boundary": outline(inside).astype(np.float32),
        "depth": np.where(inside, 1.5, 3.0).astype(np.float32),
        "normals": normals,
    }
    return Sample(
        image=np.clip(image, 0, 255).astype(np.uint8),
        name=f"box{seed}",
        **{task: maps[task] for task in tasks},
    )


def outline(inside: np.ndarray) -> np.ndarray:
    """(H, W) bool, the pixels of a region that touch its outside above or to the left."""
    edge = np.zeros_like(inside)
    edge[1:] |= inside[1:] != inside[:-1]
    edge[:, 1:] |= inside[:, 1:] != inside[:, :-1]
    return edge


def write_bsds(root: Path, split: str, count: int = 2) -> None:
    """Photographs with two annotators each; region 2 is the box."""
    for seed in range(count):
        sample = make_sample(("boundary",), seed)
        assert sample.boundary is not None
        drawn = [sample.boundary.astype(np.uint8), np.roll(sample.boundary, 1, 0).astype(np.uint8)]
        cells = np.empty((1, 2), dtype=object)
        for k, boundaries in enumerate(drawn):
            regions = np.where(sample.image.mean(-1) > 130, 2, 1).astype(np.uint16)
            cells[0, k] = {"Boundaries": boundaries, "Segmentation": regions}
        _save(root / f"images/{split}/{sample.name}.jpg", sample.image)
        (root / f"groundTruth/{split}").mkdir(parents=True, exist_ok=True)
        savemat(root / f"groundTruth/{split}/{sample.name}.mat", {"groundTruth": cells})


def write_camvid(root: Path, split: str, count: int = 2) -> None:
    """Street frames; the first row is unlabelled."""
    for seed in range(count):
        sample = make_sample(("segmentation",), seed)
        assert sample.segmentation is not None
        ids = sample.segmentation.copy()
        ids[0] = 11
        _save(root / split / f"{sample.name}.png", sample.image)
        _save(root / f"{split}annot" / f"{sample.name}.png", ids)


def write_kitchen(root: Path, count: int = 10) -> None:
    """Kinect frames, a fifth of which are held back for validation."""
    for seed in range(count):
        sample = make_sample(("depth",), seed)
        assert sample.depth is not None
        _save(root / f"frame-{seed:06d}.color.png", sample.image)
        _save(root / f"frame-{seed:06d}.depth.png", (sample.depth * 1000).astype(np.uint16))
    matrix = f"{FOCAL} 0 {SIZE[1] / 2}\n0 {FOCAL} {SIZE[0] / 2}\n0 0 1\n"
    (root / "camera-intrinsics.txt").write_text(matrix)


def write_scenes(root: Path, split: str) -> None:
    """A rendered room and a rendered street."""
    root.mkdir(parents=True, exist_ok=True)
    scenes = (render_scene(1, kind, "perspective", (48, 64)) for kind in ("room", "street"))
    write_index(
        root, {"train": [], "val": []} | {split: [write_scene(root, s) for s in scenes]}, {}
    )


def write_all(root: Path, split: str) -> Path:
    """The four datasets below `root`, under their usual names; returns `root`."""
    write_bsds(root / "BSDS500", split)
    write_camvid(root / "CamVid", split)
    write_kitchen(root / "7scenes-kitchen")
    write_scenes(root / "scenes", split)
    return root


def _save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
