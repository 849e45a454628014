"""How good the outputs are at each budget, with the learned masks and with random ones.

Every image goes through `Predictor` and is compared at its own size, so what is scored is
what a user gets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from pag.budget import ExactPolicy, Pass
from pag.config import LABEL_SETS, PAGConfig
from pag.data import Dataset, check_classes
from pag.errors import InputError
from pag.execution import Execution
from pag.inference import TASKS, Inference
from pag.macs import NetworkCost
from pag.metrics.boundary_counts import THRESHOLDS
from pag.predictor import DEFAULT_SIZE, Predictor
from pag.scores import Score, boundary_matcher

MASKS = ("learned", "random", "random_equal_macs")
"""Which pixels run. ``learned``: those with the highest logits. ``random``: in every layer as
many pixels as the learned mask has, drawn at random; with block scope they cost more, because
scattered pixels need a larger halo. ``random_equal_macs``: drawn at random within the budget."""


@runtime_checkable
class Annotated(Protocol):
    """A dataset that has each annotator's boundaries, (H, W) bool, as the metric needs them."""

    def annotations(self, index: int, /) -> list[np.ndarray]: ...


@dataclass(frozen=True)
class RandomMasks:
    """A policy that opens as many pixels of each layer as are given, drawn at random.

    Attributes:
        counts: open pixels of each gated layer, in network order.
        generator: source of the draws.
    """

    counts: tuple[int, ...]
    generator: torch.Generator

    @classmethod
    def like(cls, inference: Inference, generator: torch.Generator) -> RandomMasks:
        """Random masks with the active fractions of `inference`."""
        return cls(tuple(int(gate.mask.sum()) for gate in inference.gates), generator)

    def begin(self, cost: NetworkCost, budget: Tensor) -> _RandomPass:
        return _RandomPass(self)


class _RandomPass(Pass):
    def __init__(self, policy: RandomMasks) -> None:
        self.policy = policy

    def decide(self, layer: int, logits: Tensor) -> Tensor:
        mask = torch.zeros(logits.shape[0], logits[0].numel(), dtype=torch.bool)
        for row in mask:
            order = torch.randperm(len(row), generator=self.policy.generator)
            row[order[: self.policy.counts[layer]]] = True
        return mask.view_as(logits).to(logits.device)


def evaluate(
    predictor: Predictor,
    dataset: Dataset,
    budgets: Sequence[float],
    *,
    masks: Sequence[str] = ("learned",),
    tasks: Sequence[str] = TASKS,
    policy: str = "exact",
    limit: int | None = None,
    size: int = DEFAULT_SIZE,
    execution: str | Execution = "auto",
    thresholds: int = THRESHOLDS,
    workers: int = 1,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Score what `dataset` supervises of `tasks`, at every budget with every kind of masks.

    Only these tasks are computed, and a budget is a share of what they cost in full. Where
    every gate is open there is nothing to draw: random masks are the learned ones.

    Args:
        predictor: what is evaluated.
        dataset: with ``annotations(index)`` if it supervises boundaries, and ``classes`` if it
            supervises segmentation.
        budgets: shares of the full compute.
        masks: some of `MASKS`.
        tasks: those to score, where the data set supervises them.
        policy: of the learned masks, by name.
        limit: score this many images only, evenly spaced.
        size, execution: see `Predictor`.
        thresholds: of boundary strength; 99 is official. With 33 ODS and OIS are nearly the same,
            but AP is less: what is stronger than the highest one is not told apart.
        workers: processes that match boundaries.
        seed: of the random masks.
        progress: called after each image at each setting with those done and those in all.

    Returns:
        One dictionary per budget and kind of masks: ``budget``, ``masks``, ``images``,
        ``achieved_mean``, ``achieved_max_deviation`` (largest difference to the budget),
        ``macs_executed_mean``, ``seconds_network_median``, ``active_fractions`` by layer, and
        per task the fields of its metric's result, without the curves. And ``thresholds``, where
        boundaries were scored with other than the official ones.

    Raises:
        InputError: unusable settings, or a data set whose classes the checkpoint lacks.
        BudgetError: a budget that cannot be reached.
    """
    _check(dataset, budgets, masks, tasks, policy, limit, workers)
    classes, labels = scored_classes(predictor.config, dataset)
    scored = tuple(task for task in dataset.tasks if task in tasks)
    settings = {"execution": execution, "tasks": scored, "labels": labels, "size": size}
    indices = evenly_spaced(len(dataset), limit)
    with boundary_matcher(workers if "boundary" in scored else 1) as matcher:
        scores = [
            Score(budget, kind, scored, classes, matcher, thresholds)
            for budget in budgets
            for kind in masks
        ]
        for place, index in enumerate(indices):
            sample = dataset[index]
            annotations = []
            if "boundary" in scored and isinstance(dataset, Annotated):
                annotations = dataset.annotations(index)
            run = partial(predictor, sample.image, **settings)
            learned = {budget: run(budget, policy=policy) for budget in budgets}
            for done, score in enumerate(scores, start=place * len(scores) + 1):
                inference = learned[score.budget]
                noise = torch.Generator().manual_seed(seed * 1_000_003 + index)
                if all(gate.mask.all() for gate in inference.gates):
                    pass
                elif score.masks == "random":
                    inference = run(score.budget, policy=RandomMasks.like(inference, noise))
                elif score.masks == "random_equal_macs":
                    inference = run(score.budget, policy=ExactPolicy(predictor.table, noise))
                score.update(inference, sample, annotations)
                if progress is not None:
                    progress(done, len(indices) * len(scores))
        matcher.collect()
    # Other scores do not depend on them, and rows that say nothing of them are official.
    unofficial = "boundary" in scored and thresholds != THRESHOLDS
    said = {"thresholds": thresholds} if unofficial else {}
    return [said | score.row() for score in scores]


def evenly_spaced(count: int, limit: int | None) -> list[int]:
    """`limit` of the indices below `count`, evenly spaced; all of them when None or too many."""
    wanted = count if limit is None else min(limit, count)
    return [(2 * i + 1) * count // (2 * wanted) for i in range(wanted)]


def scored_classes(config: PAGConfig, dataset: Dataset) -> tuple[tuple[str, ...], str]:
    """The classes that `dataset` supervises, and the name of the label set to choose among.

    Raises:
        InputError: a network of this `config` does not know these classes by these ids.
    """
    classes = check_classes(dataset, config.classes)
    labels = next((name for name, names in LABEL_SETS.items() if names == classes), "all")
    return classes, labels


def _check(
    dataset: Dataset,
    budgets: Sequence[float],
    masks: Sequence[str],
    tasks: Sequence[str],
    policy: str,
    limit: int | None,
    workers: int,
) -> None:
    """`InputError` if something does not fit."""
    if not budgets or not masks or not set(masks) <= set(MASKS):
        seen = f"{len(budgets)} budgets and masks {list(masks)}"
        raise InputError(f"{seen}; expected at least one of each, masks among {', '.join(MASKS)}")
    if not set(tasks) & set(dataset.tasks) or not set(tasks) <= set(TASKS):
        raise InputError(
            f"tasks are {list(tasks)}; expected some of {', '.join(dataset.tasks)}, "
            "which the data set supervises"
        )
    if policy == "scaled" and "random" in masks:
        # It has other masks of fewer pixels, and what is drawn would lie on the whole picture.
        raise InputError("masks random need the policy exact or adaptive, not scaled")
    if policy != "exact" and "random_equal_macs" in masks:
        raise InputError(f"masks random_equal_macs need the policy exact, not {policy}")
    if (limit is not None and limit < 1) or workers < 1:
        raise InputError(f"limit is {limit}, workers {workers}; expected at least 1")
    if len(dataset) == 0:
        raise InputError("the data set holds no image; expected at least one")
