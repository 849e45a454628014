"""Score a checkpoint on annotated images at several budgets: ``python -m pag.evaluate``.

Prints a table, one line for each data set, budget and kind of masks, and a second one of depth,
where there is more to say; writes all numbers as JSON after each data set.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pag.budget import POLICIES, check_budget
from pag.checkpoints import add_model_options, chosen_checkpoint
from pag.data import FOLDERS, Dataset, find_dataset
from pag.data.bsds500 import BSDS500
from pag.data.labelled import LabelFiles, open_labelled
from pag.data.sevenscenes import SevenScenes
from pag.errors import BudgetError, InputError, PAGError
from pag.evaluation import MASKS, evaluate, scored_classes
from pag.evaluation_report import USUAL, Row, format_tables, joined, read_report, versions
from pag.execution import OneField
from pag.growing import write_report
from pag.inference import TASKS
from pag.options import file_to_write
from pag.predictor import DEFAULT_SIZE, Predictor


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
        "--data",
        type=Path,
        required=True,
        help="folder of the data set, or the one with all of them",
    )
    parser.add_argument("--dataset", choices=(*FOLDERS, "all"), required=True)
    parser.add_argument(
        "--hand-labels", type=Path, help="of bsds500: what its regions are, scored as photographs"
    )
    parser.add_argument(
        "--room-labels", type=Path, help="of sevenscenes: what is where, so that classes are scored"
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
    parser.add_argument("--thresholds", type=int, default=99, help="of boundaries; 99 is official")
    parser.add_argument("--workers", type=int, default=1, help="processes for boundary matching")
    parser.add_argument("--seed", type=int, default=0, help="of the random masks")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--out", type=file_to_write, help="JSON file to write")
    parser.add_argument(
        "--add", action="store_true", help="keep what --out holds of the same checkpoint beside it"
    )
    return parser


def open_datasets(args: argparse.Namespace) -> dict[str, Dataset]:
    """What is to be scored, by its name in the results.

    BSDS500 with classes and depths by hand is called ``photographs``.
    """
    names = list(FOLDERS) if args.dataset == "all" else [args.dataset]
    if args.hand_labels is not None and args.dataset != BSDS500.name:
        raise InputError(f"--hand-labels with {args.dataset}; expected --dataset bsds500")
    if args.room_labels is not None and SevenScenes.name not in names:
        raise InputError(f"--room-labels with {args.dataset}; expected --dataset sevenscenes")
    files = LabelFiles(args.hand_labels, args.room_labels)
    datasets: dict[str, Dataset] = {
        name: open_labelled(name, find_dataset(args.data, name), args.split, files)
        for name in names
    }
    if args.hand_labels is not None:
        return {"photographs": datasets[BSDS500.name]}
    if args.dataset == "all":
        datasets = {n: d for n, d in datasets.items() if set(args.tasks) & set(d.tasks)}
    return datasets


SETTINGS = (
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


def run(args: argparse.Namespace) -> list[Row]:
    """Evaluate as the command line says; the results, which are also written to --out."""
    datasets = open_datasets(args)
    predictor = Predictor.from_checkpoint(chosen_checkpoint(args), args.device)
    # Before hours of work, not after them.
    before = read_report(args.out, predictor.digest) if args.add and args.out.exists() else None
    for dataset in datasets.values():
        scored_classes(predictor.config, dataset)
    budgets = [predictor.floor if budget == "floor" else budget for budget in args.budget]
    results: list[Row] = []
    report: dict[str, Any] = {
        "settings": [{"budgets": budgets, **{key: getattr(args, key) for key in SETTINGS}}],
        "checkpoint": predictor.digest,
        "network": json.loads(predictor.config.to_json()),
        "device": predictor.device.type,
        "versions": versions(),
        "results": results,
    }
    unusual = {k: getattr(args, k) for k, usual in USUAL.items() if getattr(args, k) != usual}
    whole = report
    for name, dataset in datasets.items():
        rows = _scored(args, name, dataset, predictor, budgets)
        results += [{"dataset": name, **unusual, **row} for row in rows]
        whole = report if before is None else joined(before, report)
        if args.out is not None:
            write_report(args.out, whole)
    return whole["results"]


def _scored(
    args: argparse.Namespace,
    name: str,
    dataset: Dataset,
    predictor: Predictor,
    budgets: list[float],
) -> list[Row]:
    with tqdm(desc=name, unit="pass") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return evaluate(
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


def main(argv: list[str] | None = None) -> int:
    """Command line; 2 with a message if something given does not fit."""
    parser = build_parser()
    args = parser.parse_args(argv)
    try:
        if args.add and args.out is None:
            raise InputError("--add is given without --out; expected the file to add to")
        results = run(args)
    except PAGError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    print(format_tables(results))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
