"""The training splits of all data sets, decoded into memory, with what is added to them."""

from __future__ import annotations

import os
from pathlib import Path

from tqdm import tqdm

from pag.data import FOLDERS, Dataset, open_dataset
from pag.data.bsds500 import BSDS500
from pag.data.hand_labels import read_hand_labels
from pag.data.mixture import CachedDataset
from pag.data.room_labels import read_room_labels
from pag.data.scenes import ScenesDataset
from pag.data.sevenscenes import SevenScenes


def open_training_data(
    root: Path,
    hand_labels: Path | None = None,
    textures: bool = False,
    progress: bool = True,
    room_labels: Path | None = None,
) -> dict[str, CachedDataset]:
    """The training splits of the datasets below `root`, decoded into memory.

    Args:
        root: with a folder for each dataset (`pag.data.FOLDERS`).
        hand_labels: file of classes and depths of BSDS500's regions (`pag.data.hand_labels`).
        textures: lay BSDS500's photographs over surfaces of the scenes (`pag.data.retexture`).
        progress: show a bar for each dataset.
        room_labels: file of what is where in 7-Scenes' room (`pag.data.room_labels`).

    Raises:
        InputError: a dataset or the labels are missing, or laid out otherwise.
    """
    data = {}
    for name, folder in FOLDERS.items():
        dataset: Dataset = open_dataset(name, root / folder, "train")
        if name == BSDS500.name and hand_labels is not None:
            dataset = BSDS500(root / folder, "train", read_hand_labels(hand_labels))
        if name == SevenScenes.name and room_labels is not None:
            dataset = SevenScenes(root / folder, "train", read_room_labels(room_labels))
        if name == ScenesDataset.name:
            photographs = data[BSDS500.name] if textures else []
            images = [photographs[index].image for index in range(len(photographs))]
            dataset = ScenesDataset(root / folder, "train", images, sparing=True)
        data[name] = CachedDataset(dataset)
        with tqdm(total=len(data[name]), desc=f"reading {folder}", disable=not progress) as bar:
            data[name].load(lambda done, _, bar=bar: bar.update(done - bar.n), os.cpu_count() or 1)
    return data
