"""In how many comparisons the gates are ahead: one sentence out of the tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pag.baselines.compare import MEASURES, at_equal_time, curves, datasets
from pag.baselines.methods import FULL, LEARNED, METHODS, OURS
from pag.baselines.report import Report

HEADLINES = {measure.task: measure for measure in reversed(MEASURES)}
"""By task."""


@dataclass(frozen=True)
class Tally:
    """Headline scores of all tasks, data sets and budgets, gating beside the baselines.

    Attributes:
        comparisons: how many there are.
        ahead: in how many of them gating is better than every baseline.
        better: in how many of them each baseline is better than gating, or as good.
        method: which gating, one of `OURS`.
    """

    comparisons: int
    ahead: int
    better: dict[str, int]
    method: str = LEARNED

    def sentence(self, what: str) -> str:
        """For a reader; `what` is equal."""
        named = ", ".join(f"{METHODS[name]} {n}" for name, n in self.better.items() if n)
        return (
            f"At equal {what} {METHODS[self.method]} is ahead of all in {self.ahead} of "
            f"{self.comparisons} headline comparisons; not behind it: {named or 'none'}"
        )


def at_equal_macs(report: Report) -> list[dict[str, Any]]:
    """The headline scores of all methods at each budget, in the form of `at_equal_time`."""
    rows = []
    for dataset in datasets(report):
        for measure in HEADLINES.values():
            methods = [curve.method for curve in curves(report, dataset, measure)]
            cells = [c for c in report.results if c["dataset"] == dataset]
            for budget in dict.fromkeys(c["budget"] for c in cells if c["method"] != FULL):
                found = {
                    cell["method"]: measure.of(cell)
                    for cell in cells
                    if cell["budget"] == budget and cell["method"] in methods
                }
                rows.append(
                    {"dataset": dataset, "measure": measure.name, "budget": budget, "scores": found}
                )
    return rows


def tally(rows: Sequence[dict[str, Any]], method: str = LEARNED) -> Tally:
    """Count; rows without this gating or without a baseline are left out."""
    headlines = {measure.name: measure for measure in HEADLINES.values()}
    comparisons = ahead = 0
    better: dict[str, int] = {name: 0 for name in METHODS if name not in OURS}
    for row in rows:
        measure = headlines.get(row["measure"])
        scores = {name: score for name, score in row["scores"].items() if score is not None}
        gates = scores.get(method)
        for name in OURS:
            scores.pop(name, None)
        if measure is None or gates is None or not scores:
            continue
        rivals = [name for name, score in scores.items() if not measure.beats(gates, score)]
        comparisons += 1
        ahead += not rivals
        for name in rivals:
            better[name] = better.get(name, 0) + 1
    return Tally(comparisons, ahead, better, method)


def tallies(report: Report) -> list[tuple[str, Tally]]:
    """What is equal, ``multiply-adds`` or ``time``, and the count, for each gating."""
    rows = {"multiply-adds": at_equal_macs(report), "time": at_equal_time(report)}
    return [(what, tally(found, method)) for method in OURS for what, found in rows.items()]
