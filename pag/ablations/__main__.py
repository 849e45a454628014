"""Train and score variants of the training at a short schedule: ``python -m pag.ablations``.

Every variant has a folder of its own for its state and log; the JSON is written after each. A
run that was stopped, at whatever moment, continues where it was, and one with more variants
adds to the file. `pag.ablations` says what is compared and how it is fair.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from pag.ablations.report import format_pooling, format_results, pooling
from pag.ablations.scoring import BUDGETS, Excerpt, open_excerpts, score_state
from pag.ablations.start import start_network
from pag.ablations.variants import (
    VARIANTS,
    Schedule,
    Variant,
    find_variants,
    network_config,
    reference_network,
)
from pag.config import PAGConfig, TrainConfig
from pag.data.mixture import CachedDataset
from pag.data.training import open_training_data
from pag.device import choose_device
from pag.errors import InputError, PAGError
from pag.evaluation_report import versions
from pag.growing import GrowingReport, first_entry
from pag.options import file_to_write
from pag.predictor import DEFAULT_SIZE
from pag.train import run
from pag.training_state import STATE, read_state


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pag.ablations", description=__doc__)
    add, usual = parser.add_argument, Schedule()
    add("--data", type=Path, required=True, help="folder with the four data sets")
    add("--start", type=Path, required=True, help="training state that all variants start from")
    add("--out", type=file_to_write, required=True, help="JSON file to write or to continue")
    add("--runs", type=Path, default=Path("runs/ablations"), help="where states and logs are kept")
    known = ", ".join(variant.name for variant in VARIANTS)
    add("--only", nargs="+", metavar="NAME", help=f"these variants alone: {known}")
    add("--steps", type=int, default=usual.steps, help="of each variant")
    add("--batch", type=int, default=usual.batch, help="images a step, half as many photographs")
    add("--crop", type=int, default=usual.crop, help="side of the training crops, pixels")
    add("--images", type=int, default=16, help="validation images of each data set")
    add("--size", type=int, default=DEFAULT_SIZE, help="their longer side, pixels")
    add("--thresholds", type=int, default=17, help="of boundary strength; 99 is official")
    add("--workers", type=int, default=1, help="processes for boundary matching")
    add("--device", default="auto", help="auto, cpu or cuda")
    add("--save-seconds", type=float, default=60, help="between saved states")
    return parser


class Ablations:
    """The runs that a report lacks.

    Args:
        args: of the command line.
        report: filled variant by variant.
        reference: settings of the network that the variants change.
    """

    def __init__(
        self, args: argparse.Namespace, report: GrowingReport, reference: PAGConfig
    ) -> None:
        self.args, self.report, self.reference = args, report, reference
        self.device = choose_device(args.device)
        self.schedule = Schedule(args.steps, args.batch, args.crop)
        self._data: dict[str, CachedDataset] = {}
        self._excerpts: dict[str, Excerpt] = {}

    def run(self, variants: Sequence[Variant]) -> None:
        """Train and score those that are not in the report."""
        for number, variant in enumerate(variants, start=1):
            tqdm.write(f"{number} of {len(variants)}: {variant.name}, {variant.change}")
            if first_entry(self.report.sections["results"], variant=variant.name) is None:
                self.report.add("results", self._result(variant))

    def _result(self, variant: Variant) -> dict[str, Any]:
        args = self.args
        config = self.schedule.train_config(variant)
        network = network_config(self.reference, variant)
        folder = args.runs / variant.name
        if steps_done(folder, network, config) < config.steps:
            folder.mkdir(parents=True, exist_ok=True)
            net = start_network(network, self.reference, args.start, config.seed)
            net.to(self.device, memory_format=torch.channels_last)  # pyright: ignore
            self._data = self._data or open_training_data(args.data)
            run(net, config, self._data, folder, args.save_seconds)
        self._excerpts = self._excerpts or open_excerpts(args.data, args.images)
        total = len(BUDGETS) * sum(map(len, self._excerpts.values()))
        with tqdm(total=total, desc=f"scoring {variant.name}", unit="pass") as bar:

            def show() -> None:
                bar.update()

            scores, (distances, dilations) = score_state(
                folder / STATE,
                self._excerpts,
                args.size,
                args.thresholds,
                args.workers,
                str(self.device),
                show,
            )
        return {
            "variant": variant.name,
            "change": variant.change,
            "train": dict(variant.train),
            "network": dict(variant.network),
            "scores": scores,
            "distances": distances,
            "dilations": dilations,
        }


def steps_done(folder: Path, network: PAGConfig, config: TrainConfig) -> int:
    """Steps in the state of a run's folder, 0 without one.

    Raises:
        InputError: the state is of other settings.
        WeightsError: it cannot be read.
    """
    if not (folder / STATE).exists():
        return 0
    state = read_state(folder / STATE, ("levels",))
    if (state.network, state.train) != (network, config):
        raise InputError(
            f"the folder of {folder.name} holds a run of other settings; expected the same ones, "
            "or another folder in --runs"
        )
    return state.step


def run_ablations(args: argparse.Namespace) -> GrowingReport:
    """Do what the command line says."""
    variants = find_variants(args.only)
    for name in ("images", "size", "thresholds", "workers"):
        if (value := getattr(args, name)) < 1:
            raise InputError(f"{name} is {value}; expected at least 1")
    schedule = Schedule(args.steps, args.batch, args.crop)
    reference = reference_network(read_state(args.start, ("levels",)).network)
    header = {
        "start": hashlib.sha256(args.start.read_bytes()).hexdigest()[:12],
        "schedule": asdict(schedule)
        | {"note": "a short schedule: compare the variants with each other alone"},
        "evaluation": {
            "split": "val",
            "policy": "exact",
            **{key: getattr(args, key) for key in ("images", "size", "thresholds")},
        },
    }
    about = {
        "network": json.loads(reference.to_json()),
        "train": json.loads(schedule.train_config(VARIANTS[0]).to_json()),
    }
    report = GrowingReport(args.out, header, ("results",), "variant", about)
    Ablations(args, report, reference).run(variants)
    report.write(versions=versions(), multipool=pooling(report.sections["results"]))
    return report


def main(argv: list[str] | None = None) -> int:
    """Command line; 2 with a message if something given does not fit."""
    parser = build_parser()
    args = parser.parse_args(argv)
    try:
        report = run_ablations(args)
    except PAGError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    print(
        f"{args.steps} steps of batch {args.batch} at crop {args.crop}, a short schedule; "
        f"{args.images} validation images of each data set\n"
    )
    print(format_results(report.sections["results"]))
    if rows := pooling(report.sections["results"]):
        print(f"\n{format_pooling(rows)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
