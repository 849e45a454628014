"""Run the network on photographs and write what it says: ``python -m pag.predict``."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pag.budget import POLICIES, check_budget
from pag.checkpoints import add_model_options, chosen_checkpoint
from pag.config import LABEL_SETS
from pag.errors import InputError, PAGError
from pag.export import write_folder
from pag.inference import TASKS, Inference
from pag.latency import check_milliseconds
from pag.machine import learn
from pag.predictor import DEFAULT_SIZE, Predictor
from pag.steering import read_steering
from pag.within import Pacer, check_timed

LATE = 1.1
"""Time measured / time asked for, above which a word is said about it."""
FIRST_TIME = (
    "Nothing has been measured of this network on this machine yet: measuring it now, "
    "which takes some ten seconds and is kept."
)


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pag.predict",
        description="Writes for each image a folder OUT/<stem>/ with result.json and the maps.",
    )
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    spent = parser.add_mutually_exclusive_group()
    spent.add_argument("--budget", type=float, default=1.0, help="share of full compute, up to 1")
    spent.add_argument(
        "--budget-ms",
        type=float,
        metavar="MS",
        help="milliseconds that the network may take; the highest budget that fits is used",
    )
    parser.add_argument("--policy", choices=POLICIES, default="exact")
    parser.add_argument("--execution", choices=("auto", "sparse", "dense"), default="auto")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--labels", choices=tuple(LABEL_SETS), default="all")
    parser.add_argument(
        "--size", type=int, default=DEFAULT_SIZE, help="longer side that the network sees, pixels"
    )
    parser.add_argument(
        "--steer",
        type=Path,
        metavar="MAP",
        help="grey picture laid over every image: 128 leaves it to the gates, 255 spends the "
        "budget there, 0 skips there",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    add_model_options(parser)
    return parser


def _steering(path: Path) -> np.ndarray:
    try:
        return read_steering(path)
    except InputError as error:
        raise InputError(f"--steer {path.name}: {error}") from error


def main(argv: list[str] | None = None) -> int:
    """Command line; 0 if every image was written, 1 if some failed, 2 if nothing could be done."""
    parser = build_parser()
    args = parser.parse_args(argv)
    try:
        check_budget(args.budget)
        if args.budget_ms is not None:
            check_milliseconds(args.budget_ms)
            check_timed(args.policy, args.execution)
        check_distinct(args.images)
        steer = None if args.steer is None else _steering(args.steer)
        predictor = Predictor.from_checkpoint(chosen_checkpoint(args), args.device)
    except PAGError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    if args.budget_ms is not None and predictor.latency is None:
        print(FIRST_TIME, file=sys.stderr)
        learn(predictor, show=True)
    run = predictor if args.budget_ms is None else Pacer(predictor)
    failed = 0
    for path in tqdm(args.images, unit="image", disable=len(args.images) == 1):
        try:
            inference = run(
                path,
                args.budget if args.budget_ms is None else args.budget_ms,
                policy=args.policy,
                execution=args.execution,
                tasks=args.tasks,
                labels=args.labels,
                size=args.size,
                steer=steer,
            )
            write_folder(inference, args.out / path.stem)
            if inference.seconds_asked is not None:
                tqdm.write(told(path.stem, inference))
        except PAGError as error:
            failed += 1
            tqdm.write(f"{path}: {error}", file=sys.stderr)
        except OSError as error:
            parser.exit(2, f"{parser.prog}: cannot write the results: {error}\n")
    return 1 if failed else 0


def told(name: str, inference: Inference) -> str:
    """The milliseconds of one image: asked for, predicted, measured."""
    asked, predicted, measured = (
        1000 * (seconds or 0.0)
        for seconds in (
            inference.seconds_asked,
            inference.seconds_predicted["network"],
            inference.seconds["network"],
        )
    )
    line = (
        f"{name}: {asked:g} ms asked, {predicted:.0f} ms predicted, {measured:.0f} ms measured, "
        f"at budget {inference.budget_requested:.3f}"
    )
    if inference.budget_requested == 1 and measured < asked:
        return f"{line}; full budget takes no longer"
    if measured > LATE * asked:
        return f"{line}; slower than when this machine was measured (python -m pag.machine)"
    return line


def check_distinct(images: list[Path]) -> None:
    """Two images of one stem would overwrite each other's folder: `InputError`."""
    twice = [stem for stem, count in Counter(path.stem for path in images).items() if count > 1]
    if twice:
        raise InputError(
            f"{len(twice)} name(s) occur more than once, {twice[0]!r} for one; results go to a "
            "folder named like the image, so give images of different names or run them apart."
        )


if __name__ == "__main__":
    raise SystemExit(main())
