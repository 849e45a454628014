"""Score a checkpoint on annotated images at several budgets: ``python -m pag.evaluate``.

Prints a table, one row for each budget and kind of masks, and a second one of depth, where
there is more to say; writes all numbers as JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from pag.budget import POLICIES, check_budget
from pag.checkpoints import add_model_options, chosen_checkpoint
from pag.data import FOLDERS, Dataset, open_dataset
from pag.data.bsds500 import BSDS500
from pag.data.hand_labels import read_hand_labels
from pag.errors import BudgetError, InputError, PAGError
from pag.evaluation import MASKS, evaluate
from pag.execution import OneField
from pag.inference import TASKS
from pag.metrics.depth import DepthErrors
from pag.predictor import DEFAULT_SIZE, Predictor

Row = dict[str, Any]
Columns = Mapping[str, Callable[[Row], float]]

COLUMNS: Columns = {
    "mIoU": lambda row: row["segmentation"]["miou"],
    "pixels": lambda row: row["segmentation"]["pixel_accuracy"],
    "ODS": lambda row: row["boundary"]["ods"],
    "OIS": lambda row: row["boundary"]["ois"],
    "AP": lambda row: row["boundary"]["ap"],
    "absrel": lambda row: row["depth"]["absrel"],
    "rmse": lambda row: row["depth"]["rmse"],
    "delta1": lambda row: row["depth"]["delta1"],
    "mean°": lambda row: row["normals"]["mean"],
    "median°": lambda row: row["normals"]["median"],
    "<11.25°": lambda row: row["normals"]["within_11_25"],
    "<22.5°": lambda row: row["normals"]["within_22_5"],
    "<30°": lambda row: row["normals"]["within_30"],
}
"""Scores in the table, where a row has them."""


def _depth(name: str, scaled: bool) -> Callable[[Row], float]:
    return lambda row: (row["depth"]["median_scaled"] if scaled else row["depth"])[name]


DEPTH_COLUMNS: Columns = {
    field.name + mark: _depth(field.name, scaled)
    for mark, scaled in (("", False), ("*", True))
    for field in fields(DepthErrors)
}
"""All depth errors; * is after scaling each map to the true median."""


def format_table(rows: Sequence[Row], columns: Columns = COLUMNS) -> str:
    """Rows of `evaluate` as text; those of one budget and kind of masks share a line.

    Of several data sets, the achieved budget is the mean over all their images, and the
    deviation the largest.

    Args:
        rows: of one or more data sets.
        columns: name of each score and where it is in a row; those that no row has are left out.
    """
    lines: dict[tuple[float, str], Row] = {}
    for row in rows:
        line = lines.setdefault((row["budget"], row["masks"]), {"images": 0, "achieved_mean": 0.0})
        images = line["images"] + row["images"]
        total = line["achieved_mean"] * line["images"] + row["achieved_mean"] * row["images"]
        deviation = max(line.get("achieved_max_deviation", 0.0), row["achieved_max_deviation"])
        line |= row
        line |= {
            "images": images,
            "achieved_mean": total / images,
            "achieved_max_deviation": deviation,
        }
    names = [
        name for name, score in columns.items() if any(map(partial(_has, score), lines.values()))
    ]
    cells = [["budget", "masks", "achieved", "max dev.", *names]]
    for line in lines.values():
        spent = f"{line['achieved_mean']:.4f}", f"{line['achieved_max_deviation']:.4f}"
        found = ((columns[name], _has(columns[name], line)) for name in names)
        scores = [f"{score(line):.3f}" if there else "-" for score, there in found]
        cells.append([f"{line['budget']:.3g}", line["masks"], *spent, *scores])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in cells
    )


def format_tables(rows: Sequence[Row]) -> str:
    """What the command prints: the scores of all tasks, then all of depth where it was scored."""
    depth = [row for row in rows if "depth" in row]
    tables = [format_table(rows)]
    if depth:
        tables.append(f"depth (* scaled to the true median)\n{format_table(depth, DEPTH_COLUMNS)}")
    return "\n\n".join(tables)


def _has(score: Callable[[Row], float], line: Row) -> bool:
    try:
        score(line)
    except KeyError:
        return False
    return True


def find_dataset(root: Path, name: str) -> Path:
    """The folder of dataset `name`: inside `root` under its usual name, or `root` itself."""
    inside = root / FOLDERS[name]
    return inside if inside.is_dir() else root


def versions() -> dict[str, str]:
    """What the numbers depend on beside the settings."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
    }


def _budget(text: str) -> float | str:
    if text == "floor":
        return text
    try:
        return check_budget(float(text))
    except (ValueError, BudgetError) as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no budget: a number up to 1, or floor"
        ) from error


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pag.evaluate", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the data set, or the one with all three"
    )
    parser.add_argument("--dataset", choices=(*FOLDERS, "all"), required=True)
    parser.add_argument(
        "--hand-labels", type=Path, help="of bsds500: what its regions are, scored as photographs"
    )
    parser.add_argument("--split", default="val")
    add_model_options(parser)
    parser.add_argument(
        "--budget", type=_budget, nargs="+", default=[1.0],
        help="shares of the full compute; floor is the lowest that this network can reach",
    )  # fmt: skip
    parser.add_argument("--tasks", choices=TASKS, nargs="+", default=list(TASKS))
    parser.add_argument("--masks", choices=MASKS, nargs="+", default=["learned"])
    parser.add_argument("--policy", choices=POLICIES, default="exact")
    parser.add_argument("--execution", choices=("auto", "sparse", "dense"), default="auto")
    parser.add_argument(
        "--field",
        type=int,
        help="dilation that every pixel takes in place of its own choice; runs densely",
    )
    parser.add_argument("--limit", type=int, help="this many images, evenly spaced")
    parser.add_argument("--size", type=int, default=DEFAULT_SIZE, help="longer side, pixels")
    parser.add_argument("--thresholds", type=int, default=33, help="of boundaries; 99 is official")
    parser.add_argument("--workers", type=int, default=1, help="processes for boundary matching")
    parser.add_argument("--seed", type=int, default=0, help="of the random masks")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument(
        "--add", action="store_true", help="keep what --out holds of the same checkpoint beside it"
    )
    return parser


def read_report(path: Path, checkpoint: str) -> dict[str, Any]:
    """A file that this command wrote.

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
        return tuple(row.get(key) for key in ("dataset", "budget", "masks", "field"))

    again = set(map(scored, new["results"]))
    kept = [row for row in old["results"] if scored(row) not in again]
    return new | {
        "settings": [*old["settings"], *new["settings"]],
        "results": [*kept, *new["results"]],
    }


def open_datasets(args: argparse.Namespace) -> dict[str, Dataset]:
    """What is to be scored, by its name in the results.

    BSDS500 with classes and depths by hand is called ``photographs``.
    """
    names = list(FOLDERS) if args.dataset == "all" else [args.dataset]
    if args.hand_labels is not None:
        if args.dataset != BSDS500.name:
            raise InputError(f"--hand-labels with {args.dataset}; expected --dataset bsds500")
        labels = read_hand_labels(args.hand_labels)
        root = find_dataset(args.data, BSDS500.name)
        return {"photographs": BSDS500(root, args.split, labels)}
    datasets: dict[str, Dataset] = {
        name: open_dataset(name, find_dataset(args.data, name), args.split) for name in names
    }
    if args.dataset == "all":
        datasets = {n: d for n, d in datasets.items() if set(args.tasks) & set(d.tasks)}
    return datasets


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Evaluate as the command line says; settings and results, ready for JSON."""
    datasets = open_datasets(args)
    predictor = Predictor.from_checkpoint(chosen_checkpoint(args), args.device)
    # Before hours of work, not after them.
    before = read_report(args.out, predictor.digest) if args.add and args.out.exists() else None
    budgets = [predictor.floor if budget == "floor" else budget for budget in args.budget]
    results: list[Row] = []
    for name, dataset in datasets.items():
        with tqdm(desc=name, unit="pass") as bar:

            def show(done: int, total: int, bar: tqdm = bar) -> None:
                bar.total = total
                bar.update(done - bar.n)

            rows = evaluate(
                predictor,
                dataset,
                budgets,
                masks=args.masks,
                tasks=args.tasks,
                policy=args.policy,
                limit=args.limit,
                size=args.size,
                execution=args.execution if args.field is None else OneField(args.field),
                thresholds=args.thresholds,
                workers=args.workers,
                seed=args.seed,
                progress=show,
            )
        field = {} if args.field is None else {"field": args.field}
        results += [{"dataset": name, **field, **row} for row in rows]
    settings = (
        "split",
        "tasks",
        "masks",
        "policy",
        "execution",
        "field",
        "limit",
        "size",
        "thresholds",
        "seed",
    )
    report = {
        "settings": [{"budgets": budgets, **{key: getattr(args, key) for key in settings}}],
        "checkpoint": predictor.digest,
        "network": json.loads(predictor.config.to_json()),
        "device": predictor.device.type,
        "versions": versions(),
        "results": results,
    }
    return report if before is None else joined(before, report)


def main(argv: list[str] | None = None) -> int:
    """Command line; 2 with a message if something given does not fit."""
    parser = build_parser()
    args = parser.parse_args(argv)
    try:
        if args.out is not None and not args.out.parent.is_dir():
            raise InputError("the folder of --out does not exist; expected one to write to")
        if args.add and args.out is None:
            raise InputError("--add is given without --out; expected the file to add to")
        report = run(args)
    except PAGError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    print(format_tables(report["results"]))
    if args.out is not None:
        args.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
