"""Scoring one method at one budget over a data set, and timing all methods in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from pag.baselines.methods import FULL, Method
from pag.data import Dataset, Sample
from pag.evaluation import Annotated
from pag.scores import BoundaryMatcher, Score
from pag.timing import CLOCKS, WARMUP, machine, ratio, summary, time_in_turn

Cell = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Photograph:
    """One image to score.

    Attributes:
        index: in its data set.
        sample: image and truth.
        annotations: each annotator's boundaries, (H, W) bool; empty without that task.
    """

    index: int
    sample: Sample
    annotations: list[np.ndarray]


def load_photographs(dataset: Dataset, indices: Sequence[int]) -> list[Photograph]:
    """Read the samples at `indices`, once for all methods."""
    drawn = dataset.annotations if isinstance(dataset, Annotated) else lambda index: []
    return [Photograph(index, dataset[index], drawn(index)) for index in indices]


def score_cell(
    method: Method,
    name: str,
    budget: float,
    photographs: Sequence[Photograph],
    tasks: Sequence[str],
    classes: Sequence[str],
    matcher: BoundaryMatcher,
    thresholds: int,
    dense: Sequence[int] | None = None,
    progress: Callable[[], object] = lambda: None,
) -> Cell:
    """Score `method` over `photographs`.

    Args:
        method: what is scored.
        name: of the method, for the result.
        budget: share of the dense multiply-adds.
        photographs: see `load_photographs`.
        tasks, classes, matcher, thresholds: see `pag.scores.Score`.
        dense: each photograph's multiply-adds in the full network, which all methods are
            measured against; None for the full network itself.
        progress: called after each photograph.

    Returns:
        ``method``, ``budget`` and what `pag.scores.Score.row` gives but for the times;
        for the full network also ``macs_dense``, the list that other cells take as `dense`.
    """
    score = Score(budget, name, tasks, classes, matcher, thresholds)
    executed = []
    for place, photograph in enumerate(photographs):
        maps, spent = method.answer(photograph.sample.image, photograph.index, budget)
        executed.append(spent.macs_executed)
        whole = executed[place] if dense is None else dense[place]
        spent = replace(spent, achieved=spent.macs_executed / whole)
        score.add(maps, spent, photograph.sample, photograph.annotations)
        progress()
    matcher.collect()
    row = score.row()
    del row["masks"], row["seconds_network_median"]
    return {"method": name, **row} | ({"macs_dense": executed} if dense is None else {})


def timing_method(repeats: int, images: int, clock: str) -> dict[str, Any]:
    """How `time_block` measures, as it is written down."""
    return {"repeats": repeats, "warm_up": WARMUP, "images": images, "clock": clock}


@torch.inference_mode()
def time_block(
    methods: Mapping[str, Method],
    budget: float,
    photographs: Sequence[Photograph],
    repeats: int,
    clock: str,
) -> dict[str, Any]:
    """Time all methods at one budget, and the full network, in turn, in one process.

    Every repeat takes the next photograph, so that medians are over photographs, too.

    Args:
        methods: by name, `FULL` among them.
        budget: of all but the full network.
        photographs: that the runs alternate on.
        repeats: timed runs of each method, at least 2.
        clock: one of `pag.timing.CLOCKS`.

    Returns:
        ``budget``, ``milliseconds`` (median and quartiles by method), ``to_full`` (median of
        the pairwise ratios to the full network), and how and on what it was measured.
    """
    runs: dict[str, Callable[[int], object]] = {}
    for name, method in methods.items():
        calls = [
            method.timed(p.sample.image, p.index, 1.0 if name == FULL else budget)
            for p in photographs
        ]
        for call in calls:  # photographs differ in shape, and what depends on it is cached
            call()
        runs[name] = lambda repeat, calls=calls: calls[repeat % len(calls)]()
    timings = time_in_turn(runs, repeats, CLOCKS[clock])
    return {
        "budget": budget,
        "milliseconds": {name: summary(seconds) for name, seconds in timings.items()},
        "to_full": {name: ratio(timings, name, FULL) for name in timings},
        "method": timing_method(repeats, len(photographs), clock),
        "machine": machine(methods[FULL].device),
    }
