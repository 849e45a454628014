"""The methods side by side: at equal executed multiply-adds, and at equal milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pag.baselines.measure import Cell
from pag.baselines.methods import FULL, LEARNED, METHODS
from pag.baselines.report import Report
from pag.growing import align


@dataclass(frozen=True)
class Measure:
    """One score of one task.

    Attributes:
        name: in tables and charts.
        task: that it scores.
        key: in the task's part of a cell.
        higher: whether more is better.
    """

    name: str
    task: str
    key: str
    higher: bool

    def of(self, cell: Cell) -> float | None:
        """The score in a cell, None if its data set does not have the task."""
        return cell[self.task][self.key] if self.task in cell else None

    def beats(self, value: float, other: float) -> bool:
        """Whether `value` is better than `other`."""
        return value > other if self.higher else value < other


MEASURES = (
    Measure("mIoU", "segmentation", "miou", True),
    Measure("ODS", "boundary", "ods", True),
    Measure("OIS", "boundary", "ois", True),
    Measure("AP", "boundary", "ap", True),
    Measure("absrel", "depth", "absrel", False),
    Measure("delta1", "depth", "delta1", True),
    Measure("median°", "normals", "median", False),
    Measure("mean°", "normals", "mean", False),
)
"""Of each task the first is the headline."""

BETTER = "!"
"""Marks a baseline's score that is better than the gates'."""


@dataclass(frozen=True)
class Curve:
    """One method on one data set, the full network included.

    Attributes:
        method: its name.
        macs: executed multiply-adds as a share of the full network's, rising.
        milliseconds: medians, None where nothing was timed.
        scores: in the same order.
    """

    method: str
    macs: tuple[float, ...]
    milliseconds: tuple[float | None, ...]
    scores: tuple[float, ...]

    def at_time(self, milliseconds: float) -> float | None:
        """The score on straight lines between the points; None below the fastest.

        A method that is given more time than the full network takes is the full network.
        """
        points = [
            (time, score)
            for time, score in zip(self.milliseconds, self.scores, strict=True)
            if time is not None
        ]
        points.sort()
        if len(points) < 2 or milliseconds < points[0][0]:
            return None
        times, scores = zip(*points, strict=True)
        return float(np.interp(milliseconds, times, scores))


def datasets(report: Report) -> list[str]:
    """Names of the data sets that a report has scores of."""
    return list(dict.fromkeys(cell["dataset"] for cell in report.results))


def curves(report: Report, dataset: str, measure: Measure) -> list[Curve]:
    """The curve of every method that was scored, in the order of `METHODS`."""
    found = []
    for method in METHODS:
        cells = [
            cell
            for cell in report.results
            if cell["dataset"] == dataset and cell["method"] in (method, FULL)
        ]
        cells.sort(key=lambda cell: cell["achieved_mean"])
        scores = [measure.of(cell) for cell in cells]
        if None in scores or all(cell["method"] == FULL for cell in cells):
            continue
        times = [report.milliseconds(dataset, c["method"], c["budget"]) for c in cells]
        macs = tuple(cell["achieved_mean"] for cell in cells)
        found.append(Curve(method, macs, tuple(times), tuple(s for s in scores if s is not None)))
    return found


def at_equal_time(report: Report) -> list[dict[str, Any]]:
    """What each baseline scores in the time that the gates take at each of their budgets.

    Returns:
        One dictionary per data set, measure and budget: ``dataset``, ``measure``, ``budget``,
        ``milliseconds`` (of the gates), ``scores`` by method (None: it is never so fast).
    """
    rows = []
    for dataset in datasets(report):
        for measure in MEASURES:
            found = {curve.method: curve for curve in curves(report, dataset, measure)}
            for cell in report.results:
                if cell["dataset"] != dataset or cell["method"] != LEARNED:
                    continue
                time = report.milliseconds(dataset, LEARNED, cell["budget"])
                if time is None or LEARNED not in found:
                    continue
                scores = {name: curve.at_time(time) for name, curve in found.items()}
                scores[LEARNED] = measure.of(cell)
                rows.append(
                    {
                        "dataset": dataset,
                        "measure": measure.name,
                        "budget": cell["budget"],
                        "milliseconds": time,
                        "scores": scores,
                    }
                )
    return rows


def format_report(report: Report) -> str:
    """Two tables for each data set: at equal multiply-adds, and at equal milliseconds."""
    parts = []
    for dataset in datasets(report):
        cells = [cell for cell in report.results if cell["dataset"] == dataset]
        cells.sort(key=lambda cell: (-cell["budget"], _rank(cell["method"])))
        measures = [m for m in MEASURES if any(m.of(cell) is not None for cell in cells)]
        lines = [["budget", "method", "executed", "ms", *(m.name for m in measures)]]
        for cell in cells:
            time = report.milliseconds(dataset, cell["method"], cell["budget"])
            gates = report.cell(dataset, LEARNED, cell["budget"])
            values = [
                _value(m, m.of(cell), m.of(gates) if gates else None) for m in measures
            ]  # fmt: skip
            executed, ms = f"{cell['achieved_mean']:.4f}", "-" if time is None else f"{time:.0f}"
            lines.append([f"{cell['budget']:.3g}", cell["method"], executed, ms, *values])
        title = f"{dataset}, {cells[0]['images']} images: at equal executed multiply-adds"
        parts.append(f"{title}\n{align(lines)}")
        if lines := _time_lines(report, dataset, measures):
            parts.append(f"{dataset}: at equal milliseconds\n{align(lines)}")
    return "\n\n".join([*parts, f"{BETTER} better than pixel-wise gating"])


def _time_lines(report: Report, dataset: str, measures: Sequence[Measure]) -> list[list[str]]:
    """The second table's cells, its head first; empty when nothing was timed."""
    grouped: dict[tuple[float, float, str], dict[str, tuple[float | None, float | None]]] = {}
    for row in at_equal_time(report):
        if row["dataset"] != dataset:
            continue
        for method, score in row["scores"].items():
            line = grouped.setdefault((row["budget"], row["milliseconds"], method), {})
            line[row["measure"]] = score, row["scores"][LEARNED]
    lines = [
        [f"{ms:.0f}", method, *(_value(m, *line.get(m.name, (None, None))) for m in measures)]
        for (_, ms, method), line in sorted(
            grouped.items(), key=lambda item: (-item[0][0], _rank(item[0][2]))
        )
    ]
    return [["ms", "method", *(m.name for m in measures)], *lines] if lines else []


def _value(measure: Measure, value: float | None, gates: float | None) -> str:
    if value is None:
        return "- "
    better = gates is not None and measure.beats(value, gates)
    return f"{value:.3f}{BETTER if better else ' '}"


def _rank(method: str) -> int:
    return list(METHODS).index(method) if method in METHODS else -1
