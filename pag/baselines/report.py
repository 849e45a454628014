"""The results as a JSON file that grows cell by cell, and is continued where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pag.baselines.measure import Cell
from pag.baselines.methods import FULL
from pag.errors import InputError

SECTIONS = ("sensitivity", "results", "timing")


class Report:
    """Results under one header; every addition is written at once.

    Args:
        path: of the JSON file. What is there is continued if its header is the same, and
            replaced at the first addition otherwise.
        header: all that results depend on, plain JSON: checkpoint, settings.

    Attributes:
        continued: whether results were found.
        sensitivity: the closing order of layers, an entry per data set.
        results: cells, see `pag.baselines.measure.score_cell`, with their ``dataset``.
        timing: blocks, see `pag.baselines.measure.time_block`, with their ``dataset``.

    Raises:
        InputError: the file is there but is no such report.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path, self.header = path, header
        found = _read(path)
        self.continued = found is not None and _plain(header).items() <= found.items()
        sections = found if found is not None and self.continued else {}
        self.sensitivity: list[Cell] = sections.get("sensitivity", [])
        self.results: list[Cell] = sections.get("results", [])
        self.timing: list[Cell] = sections.get("timing", [])

    def cell(self, dataset: str, method: str, budget: float) -> Cell | None:
        """The scores of one method at one budget, or None; budget 1 is the full network's."""
        wanted = (dataset, FULL, 1.0) if budget >= 1 else (dataset, method, budget)
        return _first(self.results, ("dataset", "method", "budget"), wanted)

    def order(self, dataset: str) -> Cell | None:
        """The closing order of layers, or None."""
        return _first(self.sensitivity, ("dataset",), (dataset,))

    def times(self, dataset: str, budget: float) -> Cell | None:
        """The block of times at one budget, or None."""
        return _first(self.timing, ("dataset", "budget"), (dataset, budget))

    def milliseconds(self, dataset: str, method: str, budget: float) -> float | None:
        """Median milliseconds, or None; the full network's are those of its nearest block."""
        blocks = [t for t in self.timing if t["dataset"] == dataset and method in t["milliseconds"]]
        if method != FULL:
            blocks = [block for block in blocks if block["budget"] == budget]
        if not blocks:
            return None
        medians = sorted(block["milliseconds"][method]["median"] for block in blocks)
        return medians[len(medians) // 2]

    def add(self, section: str, entry: Cell, replacing: Cell | None = None) -> None:
        """Append `entry` to a section, in the place of `replacing` if given, and write the file."""
        entries = getattr(self, section)
        entries[:] = [e for e in entries if e is not replacing] + [entry]
        self.write()

    def write(self, **more: Any) -> None:
        """Write the file whole, so that a kill leaves the old one or the new one."""
        content = self.header | {name: getattr(self, name) for name in SECTIONS} | more
        draft = self.path.with_suffix(self.path.suffix + ".part")
        draft.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        os.replace(draft, self.path)


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _first(entries: Sequence[Cell], keys: Sequence[str], wanted: Sequence[Any]) -> Cell | None:
    same = (e for e in entries if all(e[k] == w for k, w in zip(keys, wanted, strict=True)))
    return next(same, None)


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        entries = [entry for name in SECTIONS for entry in found[name]]
        if all(isinstance(entry, dict) and "dataset" in entry for entry in entries):
            return found
    except (ValueError, KeyError, TypeError):
        pass
    raise InputError(
        f"{path.name} is there and holds something else; expected results of this command, "
        "or no such file"
    )
