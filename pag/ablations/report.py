"""The results as tables: every variant at every budget, and MultiPool against one dilation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pag.ablations.variants import REFERENCE, SINGLE
from pag.growing import align, first_entry

Entry = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """One score of one data set.

    Attributes:
        name: in tables.
        dataset, task, key: where it is in the rows of an entry.
        higher: whether more is better.
    """

    name: str
    dataset: str
    task: str
    key: str
    higher: bool

    def of(self, entry: Entry, budget: float) -> float | None:
        """The score of a variant at a budget, None where it was not measured."""
        row = first_entry(entry["scores"], dataset=self.dataset, budget=budget)
        return None if row is None or self.task not in row else row[self.task][self.key]


COLUMNS = (
    Column("mIoU camvid", "camvid", "segmentation", "miou", True),
    Column("mIoU scenes", "scenes", "segmentation", "miou", True),
    Column("ODS bsds", "bsds500", "boundary", "ods", True),
    Column("absrel kitchen", "sevenscenes", "depth", "absrel", False),
    Column("delta1 kitchen", "sevenscenes", "depth", "delta1", True),
    Column("absrel scenes", "scenes", "depth", "absrel", False),
    Column("delta1 scenes", "scenes", "depth", "delta1", True),
    Column("median° kitchen", "sevenscenes", "normals", "median", False),
    Column("median° scenes", "scenes", "normals", "median", False),
)
HEADLINES = tuple(column for column in COLUMNS if column.key != "delta1")
"""What decides between MultiPool and one dilation: one score a task and data set."""


def format_results(entries: Sequence[Entry]) -> str:
    """One table for each budget, a line for each variant."""
    budgets = sorted({row["budget"] for e in entries for row in e["scores"]}, reverse=True)
    parts = []
    for budget in budgets:
        lines = [["variant", *(column.name for column in COLUMNS), "distance"]]
        for entry in entries:
            values = [column.of(entry, budget) for column in COLUMNS]
            row = first_entry(entry["distances"], budget=budget)
            values.append(None if row is None else row["total"])
            lines.append([entry["variant"], *("-" if v is None else f"{v:.3f}" for v in values)])
        parts.append(f"budget {budget:g}\n{align(lines)}")
    return "\n\n".join(parts)


def pooling(entries: Sequence[Entry]) -> list[Entry]:
    """MultiPool against the best single dilation, score by score at full budget.

    The best dilation may be another one for each score, which favours the single ones.

    Returns:
        One dictionary per headline: ``score``, ``task``, ``multipool``, ``best_single``,
        ``dilation`` (of that one), ``better`` (whether MultiPool is), ``noise`` (difference
        between two seeds of the reference, None if not measured). Empty until both are there.
    """
    reference = first_entry(entries, variant=REFERENCE)
    other = first_entry(entries, variant="other_seed")
    singles = [entry for entry in entries if entry["variant"].startswith(SINGLE)]
    if reference is None or not singles:
        return []
    rows = []
    for column in HEADLINES:
        own = column.of(reference, 1.0)
        found = [(column.of(entry, 1.0), entry["variant"]) for entry in singles]
        known = [(value, name) for value, name in found if value is not None]
        if own is None or not known:
            continue
        best, name = (max if column.higher else min)(known)
        again = None if other is None else column.of(other, 1.0)
        rows.append(
            {
                "score": column.name,
                "task": column.task,
                "multipool": own,
                "best_single": best,
                "dilation": int(name.removeprefix(SINGLE)),
                "better": own > best if column.higher else own < best,
                "noise": None if again is None else abs(again - own),
            }
        )
    return rows


def format_pooling(rows: Sequence[Entry]) -> str:
    """The rows of `pooling` as text."""
    lines = [["score", "MultiPool", "best single", "dilation", "better", "two seeds differ by"]]
    for row in rows:
        noise = "-" if row["noise"] is None else f"{row['noise']:.3f}"
        values = [f"{row[key]:.3f}" for key in ("multipool", "best_single")]
        verdict = "yes" if row["better"] else "no"
        lines.append([row["score"], *values, str(row["dilation"]), verdict, noise])
    return f"MultiPool against the best single dilation, full budget\n{align(lines)}"
