"""How good a variant became: scores on held-back images, and the distance to its full self."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pag.budget import ExactPolicy
from pag.calibrate import REQUESTS, build_table, level_table, load_state, measure, sample_images
from pag.config import TrainConfig
from pag.data import FOLDERS, Dataset, find_dataset, open_dataset
from pag.data.sample import Sample
from pag.evaluation import Annotated, evaluate, evenly_spaced
from pag.inference import TASKS
from pag.losses import distillation_losses
from pag.predictor import Predictor
from pag.pretrained import Checkpoint

Row = dict[str, Any]

BUDGETS = (1.0, 0.7, 0.5)
TASK_SETS = {"scenes": ("segmentation", "depth", "normals")}
"""Tasks scored, where not all that a data set has: boundaries are those of photographs, whose
matching takes longer than the network."""
DISTANCE_IMAGES = 4
"""Of each data set, to measure the distance on."""


class Excerpt:
    """Some samples of a dataset, read once and kept.

    Args:
        dataset: read at `indices`.
        indices: of the samples kept.
        tasks: all that the dataset supervises when None.
    """

    def __init__(
        self, dataset: Dataset, indices: Sequence[int], tasks: tuple[str, ...] | None = None
    ) -> None:
        self.tasks = tasks or dataset.tasks
        self.classes: tuple[str, ...] = tuple(getattr(dataset, "classes", ()))
        self._samples = [dataset[index] for index in indices]
        self._annotations: list[list[np.ndarray]] = [[] for _ in indices]
        if isinstance(dataset, Annotated) and "boundary" in self.tasks:
            self._annotations = [dataset.annotations(index) for index in indices]

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int, /) -> Sample:
        return self._samples[index]

    def annotations(self, index: int, /) -> list[np.ndarray]:
        """Each annotator's boundaries, (H, W) bool; none where they are not scored."""
        return self._annotations[index]


def open_excerpts(root: Path, images: int, split: str = "val") -> dict[str, Excerpt]:
    """So many evenly spaced images of each of the data sets below `root`, by name."""
    found = {}
    for name in FOLDERS:
        dataset = open_dataset(name, find_dataset(root, name), split)
        found[name] = Excerpt(dataset, evenly_spaced(len(dataset), images), TASK_SETS.get(name))
    return found


def calibrated(state: Path, images: Sequence[Tensor]) -> Checkpoint:
    """A training state as a checkpoint: learned shares, or those measured on `images`."""
    net, levels = load_state(state)
    names = tuple(net.gates)
    if levels is None:
        table = build_table(names, measure(net, images, REQUESTS[::3]))
    else:
        table = level_table(names, levels)
    return Checkpoint(net, table, hashlib.sha256(state.read_bytes()).hexdigest()[:12])


def score_state(
    state: Path,
    excerpts: dict[str, Excerpt],
    size: int,
    thresholds: int,
    workers: int = 1,
    device: str = "auto",
    progress: Callable[[], None] = lambda: None,
) -> tuple[list[Row], tuple[list[Row], dict[str, float]]]:
    """Score what training left.

    Args:
        state: written by `pag.train`.
        excerpts: see `open_excerpts`.
        size: longer side at which the network sees the images, pixels.
        thresholds, workers: see `pag.evaluation.evaluate`.
        device: see `pag.predictor.Predictor`.
        progress: called after each image at each budget.

    Returns:
        Rows of `pag.evaluation.evaluate` with their ``dataset``; and what `distances` gives.
    """
    few = sample_images(list(excerpts.values()), DISTANCE_IMAGES, size)
    checkpoint = calibrated(state, few[::DISTANCE_IMAGES])
    predictor = Predictor(checkpoint, device)
    rows = []
    for name, excerpt in excerpts.items():
        scored = evaluate(
            predictor,
            excerpt,
            BUDGETS,
            size=size,
            thresholds=thresholds,
            workers=workers,
            progress=lambda done, total: progress(),
        )
        rows += [{"dataset": name, **row} for row in scored]
    return rows, distances(checkpoint, few, BUDGETS[1:])


@torch.inference_mode()
def distances(
    checkpoint: Checkpoint, images: Sequence[Tensor], budgets: Sequence[float]
) -> tuple[list[Row], dict[str, float]]:
    """How far the outputs at lower budgets are from those at the full one.

    Measured as distillation does (`pag.losses.distillation_losses`), on masks of the exact
    policy, and without labels, so that it compares a network with nothing but itself.

    Returns:
        One dictionary per budget: ``budget``, each task's mean over `images`, and ``total``, in
        which the tasks weigh as in training. And the share of pixels that chose each dilation
        at full budget.
    """
    policy, rows = ExactPolicy(checkpoint.table), []
    dilations = checkpoint.net.config.dilations
    chosen = torch.zeros(len(dilations), dtype=torch.int64)
    sums: dict[float, dict[str, float]] = {b: {task: 0.0 for task in TASKS} for b in budgets}
    for image in images:
        full, trace = checkpoint.net(image, torch.ones(1), policy)
        chosen += torch.bincount(trace.dilation.flatten(), minlength=len(dilations))
        for budget in budgets:
            outputs, _ = checkpoint.net(image, torch.tensor([budget]), policy)
            for task, value in distillation_losses(outputs, full).items():
                sums[budget][task] += value.item() / len(images)
    for budget, tasks in sums.items():
        weights = zip(TrainConfig().weight_tasks, TASKS, strict=True)
        total = sum(weight * tasks[task] for weight, task in weights)
        rows.append({"budget": budget, **tasks, "total": total})
    shares = (chosen / chosen.sum()).tolist()
    return rows, {str(d): round(s, 4) for d, s in zip(dilations, shares, strict=True)}
