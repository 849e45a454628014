"""Datasets by name: `open_dataset("camvid", root, "train")`."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from pag.data.bsds500 import BSDS500
from pag.data.camvid import CamVid
from pag.data.sample import IGNORE as IGNORE
from pag.data.sample import Sample as Sample
from pag.data.scenes import ScenesDataset
from pag.data.sevenscenes import SevenScenes
from pag.errors import InputError

Known = BSDS500 | CamVid | SevenScenes | ScenesDataset

REGISTRY: dict[str, type[Known]] = {
    dataset.name: dataset for dataset in (BSDS500, CamVid, SevenScenes, ScenesDataset)
}

FOLDERS = {
    "bsds500": "BSDS500",
    "camvid": "CamVid",
    "sevenscenes": "7scenes-kitchen",
    "scenes": "scenes",
}
"""Where each data set lies in a folder that holds them all."""


class Dataset(Protocol):
    """What training and evaluation ask of a dataset."""

    @property
    def tasks(self) -> tuple[str, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Sample: ...


def check_classes(dataset: Dataset, known: tuple[str, ...]) -> tuple[str, ...]:
    """The classes that a dataset supervises, index = id.

    Args:
        dataset: without classes where it supervises none.
        known: those of a network.

    Raises:
        InputError: the network does not know these classes by these ids.
    """
    classes = tuple(getattr(dataset, "classes", ()))
    if "segmentation" in dataset.tasks and known[: len(classes)] != classes:
        raise InputError(
            f"the data set's classes ({', '.join(classes)}) are not the first ones of the "
            f"network ({', '.join(known)})"
        )
    return classes


def open_dataset(name: str, root: str | Path, split: str) -> Known:
    """Open one split of the dataset called `name`, found in the folder `root`.

    Raises:
        InputError: unknown name or split, or the folder is laid out otherwise.
    """
    if name not in REGISTRY:
        raise InputError(f"no dataset '{name}', expected one of {', '.join(REGISTRY)}")
    return REGISTRY[name](root, split)


def find_dataset(root: Path, name: str) -> Path:
    """The folder of dataset `name`: inside `root` under its usual name, or `root` itself."""
    inside = root / FOLDERS[name]
    return inside if inside.is_dir() else root
