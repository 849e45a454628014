"""What `pag.evaluate` prints and writes: tables of scores, and a file that can be added to."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pag.errors import InputError
from pag.growing import align
from pag.inference import TASKS
from pag.metrics.boundary_counts import THRESHOLDS
from pag.metrics.depth import DepthErrors
from pag.predictor import DEFAULT_SIZE

Row = dict[str, Any]
Columns = Mapping[str, tuple[str, ...]]

COLUMNS: Columns = {
    "mIoU": ("segmentation", "miou"),
    "pixels": ("segmentation", "pixel_accuracy"),
    "ODS": ("boundary", "ods"),
    "OIS": ("boundary", "ois"),
    "AP": ("boundary", "ap"),
    "absrel": ("depth", "absrel"),
    "rmse": ("depth", "rmse"),
    "delta1": ("depth", "delta1"),
    "mean°": ("normals", "mean"),
    "median°": ("normals", "median"),
    "<11.25°": ("normals", "within_11_25"),
    "<22.5°": ("normals", "within_22_5"),
    "<30°": ("normals", "within_30"),
}
"""Scores in the table, and where a row has them."""
DEPTH_COLUMNS: Columns = {
    field.name + mark: ("depth", *inner, field.name)
    for mark, inner in (("", ()), ("*", ("median_scaled",)))
    for field in fields(DepthErrors)
}
"""All depth errors; * is after scaling each map to the true median."""
USUAL = {"split": "val", "policy": "exact", "size": DEFAULT_SIZE, "field": None}
"""What a row does not say was as usual."""
COLUMN_IF_UNUSUAL = {"policy": "exact", "field": "chosen", "thresholds": "official"}
"""Columns of tables where any row says so, and what the other rows have there."""


def format_table(rows: Sequence[Row], columns: Columns = COLUMNS, spent: bool = True) -> str:
    """Rows of the report as text, a line each.

    Args:
        rows: of one or more data sets.
        columns: name of each score and where it is in a row; those that no row has are left out.
        spent: whether the achieved budget is in it, too.
    """
    columns = {n: at for n, at in columns.items() if any(_found(row, at) for row in rows)}
    unusual = [name for name in COLUMN_IF_UNUSUAL if any(row.get(name) is not None for row in rows)]
    header = ["data set", "budget", "masks", *unusual]
    header += ["achieved", "max dev."] if spent else []
    lines = [[*header, *columns]]
    for row in rows:
        line = [row["dataset"], f"{row['budget']:.3g}", row["masks"]]
        line += [str(row.get(name, COLUMN_IF_UNUSUAL[name])) for name in unusual]
        if spent:
            line += [f"{row[f'achieved_{key}']:.4f}" for key in ("mean", "max_deviation")]
        lines.append([*line, *(_found(row, at) or "-" for at in columns.values())])
    return align(lines)


def format_tables(rows: Sequence[Row]) -> str:
    """What the command prints: the scores of all tasks, then all of depth where it was scored."""
    depth = [row for row in rows if "depth" in row]
    tables = [format_table(rows)]
    if depth:
        table = format_table(depth, DEPTH_COLUMNS, spent=False)
        tables.append(f"depth (* scaled to the true median)\n{table}")
    return "\n\n".join(tables)


def _found(row: Row, at: Sequence[str]) -> str:
    value: Any = row
    for key in at:
        if key not in value:
            return ""
        value = value[key]
    return f"{value:.3f}"


def versions() -> dict[str, str]:
    """What the numbers depend on beside the settings."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
    }


def read_report(path: Path, checkpoint: str) -> dict[str, Any]:
    """A file that the command wrote.

    Raises:
        InputError: it is something else, or of another checkpoint.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        fits = all(isinstance(report[key], list) for key in ("settings", "results"))
        digest = report["checkpoint"]
    except (OSError, ValueError, KeyError, TypeError):
        fits, digest = False, ""
    if not fits:
        raise InputError(f"{path.name} cannot be added to; expected results of this command")
    if digest != checkpoint:
        raise InputError(
            f"{path.name} holds results of checkpoint {digest}; "
            f"expected {checkpoint}, or another file"
        )
    return report


def joined(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Both reports' settings and results; where they scored the same, the new ones."""

    def scored(row: Row) -> tuple[Any, ...]:
        usual = (row.get(key, value) for key, value in USUAL.items())
        tasks = tuple(task for task in TASKS if task in row)
        strengths = row.get("thresholds", THRESHOLDS)
        return (row["dataset"], row["budget"], row["masks"], tasks, strengths, *usual)

    again = set(map(scored, new["results"]))
    kept = [row for row in old["results"] if scored(row) not in again]
    return new | {
        "settings": [*old["settings"], *new["settings"]],
        "results": [*kept, *new["results"]],
    }
