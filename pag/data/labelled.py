"""Datasets with the labels that were added by hand, where there are such."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pag.data import Known, open_dataset
from pag.data.bsds500 import BSDS500
from pag.data.hand_labels import read_hand_labels
from pag.data.room_labels import read_room_labels
from pag.data.sevenscenes import SevenScenes


@dataclass(frozen=True)
class LabelFiles:
    """Files of labels by hand; what is None is not taken.

    Attributes:
        hand: classes and depths of BSDS500's regions (`pag.data.hand_labels`).
        room: what is where in 7-Scenes' room (`pag.data.room_labels`).
    """

    hand: Path | None = None
    room: Path | None = None


NO_LABELS = LabelFiles()


def open_labelled(name: str, root: Path, split: str, files: LabelFiles) -> Known:
    """`pag.data.open_dataset`, with the labels that belong to that dataset.

    Raises:
        InputError: unknown name or split, or the folder or the labels are laid out otherwise.
    """
    if name == BSDS500.name and files.hand is not None:
        return BSDS500(root, split, read_hand_labels(files.hand))
    if name == SevenScenes.name and files.room is not None:
        return SevenScenes(root, split, read_room_labels(files.room))
    return open_dataset(name, root, split)
