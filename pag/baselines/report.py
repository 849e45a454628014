"""The results as a JSON file that grows cell by cell, and is continued where it was."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from pag.baselines.measure import Cell
from pag.baselines.methods import FULL
from pag.growing import GrowingReport, first_entry

SECTIONS = ("sensitivity", "results", "timing")


class Report(GrowingReport):
    """Results under one header; every addition is written at once.

    Args:
        path, header, about: see `GrowingReport`.

    Attributes:
        sensitivity: the closing order of layers, an entry per data set.
        results: cells, see `pag.baselines.measure.score_cell`, with their ``dataset``.
        timing: blocks, see `pag.baselines.measure.time_block`, with their ``dataset``.

    Raises:
        InputError: the file is there but is no such report, or has another header.
    """

    def __init__(
        self, path: Path, header: dict[str, Any], about: dict[str, Any] | None = None
    ) -> None:
        super().__init__(path, header, SECTIONS, key="dataset", about=about)
        self.sensitivity, self.results, self.timing = (self.sections[name] for name in SECTIONS)

    def cell(self, dataset: str, method: str, budget: float) -> Cell | None:
        """The scores of one method at one budget, or None; budget 1 is the full network's."""
        if budget >= 1:
            method, budget = FULL, 1.0
        return first_entry(self.results, dataset=dataset, method=method, budget=budget)

    def order(self, dataset: str) -> Cell | None:
        """The closing order of layers, or None."""
        return first_entry(self.sensitivity, dataset=dataset)

    def times(self, dataset: str, budget: float) -> Cell | None:
        """The block of times at one budget, or None."""
        return first_entry(self.timing, dataset=dataset, budget=budget)

    def milliseconds(self, dataset: str, method: str, budget: float) -> float | None:
        """Median milliseconds, or None; the full network's are the median of its blocks'."""
        blocks = [t for t in self.timing if t["dataset"] == dataset and method in t["milliseconds"]]
        if method != FULL:
            blocks = [block for block in blocks if block["budget"] == budget]
        if not blocks:
            return None
        return median(block["milliseconds"][method]["median"] for block in blocks)
