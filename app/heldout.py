"""Scores on held-out pictures, read from the results that come with the repository.

`python -m pag.baselines` writes the gates beside other ways to spend less; where that has
not been run, `python -m pag.evaluate` gives the gates and random masks.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "results"
HEADLINES = {"segmentation": "miou", "boundary": "ods", "depth": "absrel", "normals": "median"}
"""Task -> the score that is shown of it; depth's and normals' are errors."""
FULL, LEARNED = "full", "learned"
METHODS = (
    LEARNED, "scaled", "random", "random_shares", "grid", "grid_learned_shares", "whole_layers",
    "truncated", "lower_resolution",
)  # fmt: skip
MASKS = {"learned": LEARNED, "random_equal_macs": "random", "random": "random_shares"}
"""What an evaluation calls masks -> the method that they are. Random ones of equal active
fractions spend more than learned ones: more of their neighbours have to be computed."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Curve:
    """One method, the full network as its last point.

    Attributes:
        method: one of `METHODS`.
        macs: executed multiply-adds as a share of the full network's, rising.
        scores: in the same order.
    """

    method: str
    macs: tuple[float, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True)
class Panel:
    """One task on one data set, its curves in the order of `METHODS`."""

    task: str
    dataset: str
    images: int
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class Heldout:
    """What one file of results says.

    Attributes:
        source: name of the file.
        checkpoint: first digits of the SHA-256 of the weights that were scored.
        panels: task by task, photographs before rendered scenes.
    """

    source: str
    checkpoint: str
    panels: tuple[Panel, ...]


def read_heldout(folder: Path = FOLDER) -> Heldout | None:
    """The comparison with baselines, else the evaluation; None where neither can be read."""
    for name, method_of in (("baselines.json", _method), ("evaluation.json", _masks)):
        path = folder / name
        if not path.is_file():
            continue
        try:
            found = _parse(name, json.loads(path.read_text(encoding="utf-8")), method_of)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            logger.warning("%s holds no results that can be shown", name, exc_info=True)
            continue
        if found.panels:
            return found
    return None


Cell = Mapping[str, Any]


def _method(cell: Cell) -> str | None:
    return str(cell["method"])


def _masks(cell: Cell) -> str | None:
    if cell["budget"] >= 1:
        return FULL
    policy = cell.get("policy", "exact")
    return MASKS.get(cell["masks"]) if policy == "exact" else policy


def _parse(source: str, report: Any, method_of: Callable[[Cell], str | None]) -> Heldout:
    cells = list(report["results"])
    datasets = sorted(dict.fromkeys(str(cell["dataset"]) for cell in cells), key=_rendered_last)
    panels = (
        _panel(task, dataset, [c for c in cells if c["dataset"] == dataset], method_of)
        for task in HEADLINES
        for dataset in datasets
    )
    kept = tuple(panel for panel in panels if panel.curves)
    return Heldout(source, str(report["checkpoint"]), kept)


def _rendered_last(dataset: str) -> bool:
    return dataset == "scenes"


def _panel(
    task: str, dataset: str, cells: Iterable[Cell], method_of: Callable[[Cell], str | None]
) -> Panel:
    points: dict[str | None, list[tuple[float, float]]] = {}
    images = 0
    for cell in cells:
        if task in cell:
            point = float(cell["achieved_mean"]), float(cell[task][HEADLINES[task]])
            points.setdefault(method_of(cell), []).append(point)
            images = max(images, int(cell["images"]))
    full = points.get(FULL, [])
    curves = []
    for method in METHODS:
        if method in points:
            macs, scores = zip(*sorted(points[method] + full), strict=True)
            curves.append(Curve(method, macs, scores))
    return Panel(task, dataset, images, tuple(curves))
