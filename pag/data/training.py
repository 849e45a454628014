"""The training splits of all data sets, decoded into memory, with what is added to them."""

from __future__ import annotations

import os
from pathlib import Path

from tqdm import tqdm

from pag.config import LABEL_SETS
from pag.data import FOLDERS, Dataset, check_classes
from pag.data.bsds500 import BSDS500
from pag.data.labelled import NO_LABELS, LabelFiles, open_labelled
from pag.data.mixture import CachedDataset
from pag.data.scenes import ScenesDataset


def open_training_data(
    root: Path,
    labels: LabelFiles = NO_LABELS,
    textures: bool = False,
    known: tuple[str, ...] = LABEL_SETS["all"],
) -> dict[str, CachedDataset]:
    """The training splits of the datasets below `root`, decoded into memory behind a bar each.

    Args:
        root: with a folder for each dataset (`pag.data.FOLDERS`).
        labels: by hand, added to some of them.
        textures: lay BSDS500's photographs over surfaces of the scenes (`pag.data.retexture`).
        known: classes of the network that learns from them.

    Raises:
        InputError: a dataset or the labels are missing, or laid out otherwise, or have other
            classes.
    """
    opened = {name: open_labelled(name, root / f, "train", labels) for name, f in FOLDERS.items()}
    for dataset in opened.values():  # reading them takes minutes
        check_classes(dataset, known)
    data = {}
    for name, folder in FOLDERS.items():
        dataset: Dataset = opened[name]
        if name == ScenesDataset.name:
            photographs = data[BSDS500.name] if textures else []
            images = [photographs[index].image for index in range(len(photographs))]
            dataset = ScenesDataset(root / folder, "train", images, sparing=True)
        data[name] = CachedDataset(dataset)
        with tqdm(total=len(data[name]), desc=f"reading {folder}") as bar:
            data[name].load(lambda done, _, bar=bar: bar.update(done - bar.n), os.cpu_count() or 1)
    return data
