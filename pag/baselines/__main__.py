"""Compare pixel-wise gating with simpler ways to save: ``python -m pag.baselines``.

Scores every method at every budget with the weights of one checkpoint, times them all in turn,
prints tables, and writes all numbers as JSON and the curves as a picture. The JSON is written
after each step: a run that was stopped continues where it was, and one with more methods,
budgets or data sets adds to it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pag.baselines.compare import at_equal_time, format_report
from pag.baselines.measure import load_photographs, score_cell, time_block, timing_method
from pag.baselines.methods import (
    DEFAULT_METHODS,
    FULL,
    LEARNED,
    METHODS,
    Method,
    Setting,
    build_methods,
)
from pag.baselines.report import Report
from pag.baselines.sensitivity import closing_order
from pag.baselines.tally import tallies
from pag.budget import check_budget
from pag.checkpoints import add_model_options, chosen_checkpoint
from pag.data import FOLDERS, Dataset, find_dataset, open_dataset
from pag.errors import InputError, PAGError
from pag.evaluation import evenly_spaced, scored_classes
from pag.evaluation_report import versions
from pag.options import file_to_write
from pag.predictor import DEFAULT_SIZE, Predictor
from pag.scores import boundary_matcher
from pag.timing import CLOCKS


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pag.baselines", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder with the data sets, or that of one")
    add("--dataset", choices=(*FOLDERS, "all"), nargs="+", default=["all"])
    add("--split", default="val")
    add_model_options(parser)
    add("--budget", type=float, nargs="+", default=[1.0, 0.8, 0.6, 0.5])
    add("--methods", choices=tuple(METHODS), nargs="+", default=list(DEFAULT_METHODS))
    add(
        "--images", type=_limit, nargs="+", default=[], metavar="[DATASET=]N",
        help="score this many images of each data set, or of that one, evenly spaced",
    )  # fmt: skip
    add("--size", type=int, default=DEFAULT_SIZE, help="longer side, pixels")
    add("--thresholds", type=int, default=33, help="of boundaries; 99 is official")
    add("--workers", type=int, default=1, help="processes for boundary matching")
    add("--seed", type=int, default=0, help="of the random masks")
    add("--device", default="auto", help="auto, cpu or cuda")
    add("--order-split", default="train", help="where the order of whole layers is measured")
    add("--order-images", type=int, default=4, help="on so many images")
    add("--repeats", type=int, default=9, help="timed runs of each method; 0 times nothing")
    add("--timing-images", type=int, default=3, help="images that the timed runs alternate on")
    add("--clock", choices=tuple(CLOCKS), default="wall", help="cpu: time of the processor")
    add("--out", type=file_to_write, required=True, help="JSON file to write or to continue")
    add("--chart", type=file_to_write, help="PNG file to write")
    return parser


def _limit(text: str) -> tuple[str, int]:
    """``60`` or ``scenes=60`` as the data set, ``all`` in the first case, and the number."""
    name, _, number = text.rpartition("=")
    if (name and name not in FOLDERS) or not number.isdecimal() or int(number) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no limit such as 60 or scenes=60")
    return name or "all", int(number)


class Comparison:
    """One data set's part of the comparison.

    Args:
        args: of the command line.
        name: of the data set.
        predictor: of the checkpoint.
        report: filled step by step.
    """

    def __init__(
        self, args: argparse.Namespace, name: str, predictor: Predictor, report: Report
    ) -> None:
        self.args, self.name, self.report = args, name, report
        self.dataset = self._open(args.split)
        self.classes, labels = scored_classes(predictor.config, self.dataset)
        self.setting = Setting(predictor, self.dataset.tasks, labels, args.size, args.seed)
        limits = dict(args.images)
        self.indices = evenly_spaced(len(self.dataset), limits.get(name, limits.get("all")))
        self.budgets = sorted({b for b in args.budget if b < 1}, reverse=True)

    def _open(self, split: str) -> Dataset:
        return open_dataset(self.name, find_dataset(self.args.data, self.name), split)

    def run(self) -> None:
        """Measure what the report lacks."""
        missing = [
            (method, budget)
            for method, budget in [(FULL, 1.0), *self._grid()]
            if self.report.cell(self.name, method, budget) is None
        ]
        blocks = [budget for budget in self.budgets if not self._timed(budget)]
        if not missing and not blocks:
            tqdm.write(f"{self.name}: all results are there")
            return
        order = self._opening_order() if "whole_layers" in self.args.methods else ()
        methods = build_methods(self.args.methods, self.setting, order)
        if missing:
            self._score(methods, missing)
        for budget in tqdm(blocks, desc=f"{self.name}: timing", unit="budget", disable=not blocks):
            self._time(methods, budget)

    def _grid(self) -> list[tuple[str, float]]:
        return [(method, budget) for budget in self.budgets for method in self.args.methods]

    def _opening_order(self) -> tuple[str, ...]:
        found = self.report.order(self.name)
        if found is None:
            dataset, setting = self._open(self.args.order_split), self.setting
            indices = evenly_spaced(len(dataset), self.args.order_images)
            pictures = (dataset[index].image for index in indices)
            images = [setting.tensor(image, setting.full_size(image)) for image in pictures]
            net, tasks = setting.predictor.net, setting.ordered_tasks
            with tqdm(desc=f"{self.name}: order of layers", unit="trial") as bar:
                steps = closing_order(net, images, tasks, lambda done, all: _show(bar, done, all))
            found = {"dataset": self.name, "closing_order": [asdict(step) for step in steps]}
            self.report.add("sensitivity", found)
        return tuple(step["name"] for step in reversed(found["closing_order"]))

    def _score(self, methods: dict[str, Method], missing: Sequence[tuple[str, float]]) -> None:
        args, photographs = self.args, load_photographs(self.dataset, self.indices)
        full = self.report.cell(self.name, FULL, 1.0)
        workers = args.workers if "boundary" in self.dataset.tasks else 1
        total = len(missing) * len(photographs)
        with boundary_matcher(workers) as matcher, tqdm(total=total, unit="pass") as bar:
            for method, budget in missing:
                bar.set_description(f"{self.name}: {method} at {budget:g}")
                cell = score_cell(
                    methods[method],
                    method,
                    budget,
                    photographs,
                    self.dataset.tasks,
                    self.classes,
                    matcher,
                    args.thresholds,
                    None if full is None else full["macs_dense"],
                    bar.update,
                )
                cell = {"dataset": self.name, **cell}
                full = full or cell
                self.report.add("results", cell)

    def _timed(self, budget: float) -> bool:
        if not self.args.repeats:
            return True
        args, block = self.args, self.report.times(self.name, budget)
        if block is None or not set(args.methods) <= set(block["milliseconds"]):
            return False
        shown = len(evenly_spaced(len(self.dataset), args.timing_images))
        return block["method"] == timing_method(args.repeats, shown, args.clock)

    def _time(self, methods: dict[str, Method], budget: float) -> None:
        """Time the methods asked for, with those timed before: comparable only in one run."""
        args, before = self.args, self.report.times(self.name, budget)
        names = set(args.methods) | set(before["milliseconds"] if before else ())
        if "whole_layers" in names and "whole_layers" not in methods:
            order = self._opening_order()
        else:
            order = ()
        lacking = [name for name in METHODS if name in names and name not in methods]
        methods = methods | build_methods(lacking, self.setting, order)
        shown = load_photographs(self.dataset, evenly_spaced(len(self.dataset), args.timing_images))
        block = time_block(methods, budget, shown, args.repeats, args.clock)
        self.report.add("timing", {"dataset": self.name, **block}, replacing=before)


def _show(bar: tqdm, done: int, total: int) -> None:
    bar.total = total
    bar.update(done - bar.n)


def run(args: argparse.Namespace) -> Report:
    """Measure as the command line says."""
    for budget in args.budget:
        check_budget(budget)
    for name in ("order_images", "timing_images", "workers", "thresholds"):
        if (value := getattr(args, name)) is not None and value < 1:
            raise InputError(f"{name.replace('_', ' ')} is {value}; expected at least 1")
    if args.repeats not in (0, *range(2, 10_000)):
        raise InputError(f"repeats is {args.repeats}; expected 2 or more, or 0")
    predictor = Predictor.from_checkpoint(chosen_checkpoint(args), args.device)
    keys = ("split", "size", "thresholds", "seed", "order_split", "order_images")
    header: dict[str, Any] = {
        "checkpoint": predictor.digest,
        "device": predictor.device.type,
        "settings": {key: getattr(args, key) for key in keys} | {"images": dict(args.images)},
    }
    report = Report(args.out, header, {"network": json.loads(predictor.config.to_json())})
    for name in FOLDERS if "all" in args.dataset else dict.fromkeys(args.dataset):
        Comparison(args, name, predictor, report).run()
    counted = [{"equal": what, **asdict(found)} for what, found in tallies(report)]
    report.write(versions=versions(), at_equal_milliseconds=at_equal_time(report), ahead=counted)
    return report


def main(argv: list[str] | None = None) -> int:
    """Command line; 2 with a message if something given does not fit."""
    parser = build_parser()
    args = parser.parse_args(argv)
    if LEARNED not in args.methods:
        args.methods.insert(0, LEARNED)  # what the others are compared with
    try:
        report = run(args)
        if args.chart is not None:
            from pag.baselines.chart import save_chart

            save_chart(report, args.chart)
    except PAGError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    print(format_report(report))
    for what, found in tallies(report):
        if found.comparisons:
            print(found.sentence(what))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
