"""How far people agree about boundaries: ``python -m pag.annotators``.

Each annotator of BSDS500 is scored as a detector would be, against all others who drew the same
photograph. It says what an ODS on that split is worth: where people differ as much, nobody can
be right for all of them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from pag.data import find_dataset
from pag.data.bsds500 import BSDS500
from pag.errors import InputError, PAGError
from pag.evaluation import evenly_spaced
from pag.growing import write_report
from pag.metrics import BoundaryMetric, BoundaryResult
from pag.options import file_to_write


def agreement(photographs: Iterable[Sequence[np.ndarray]]) -> BoundaryResult:
    """Score everybody against the others, by the protocol of `pag.metrics.count_matches`.

    What a person drew has one strength, so there is one threshold, and the ODS is the F-measure
    of all drawings together; ``images`` counts the drawings. A detector has it a little easier:
    its boundaries are compared with one person's more.

    Args:
        photographs: of each, the boundaries drawn by each annotator, (H, W) bool. Those that one
            alone drew are left out.

    Raises:
        InputError: no photograph was drawn by two.
    """
    metric, compared = BoundaryMetric(thresholds=1), False
    for drawn in photographs:
        for place, own in enumerate(drawn):
            if others := [*drawn[:place], *drawn[place + 1 :]]:
                metric.update(own.astype(np.float32), others, nms=False)
                compared = True
    if not compared:
        raise InputError("no photograph has two annotators; expected at least one that has")
    return metric.result()


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pag.annotators", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder of BSDS500, or the one with all data")
    add("--split", default="val")
    add("--limit", type=int, help="this many photographs, evenly spaced")
    add("--out", type=file_to_write, help="JSON file to write")
    return parser


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Score as the command line says; settings and results, ready for JSON."""
    if args.limit is not None and args.limit < 1:
        raise InputError(f"limit is {args.limit}; expected at least 1")
    dataset = BSDS500(find_dataset(args.data, BSDS500.name), args.split)
    indices = evenly_spaced(len(dataset), args.limit)
    result = agreement(map(dataset.annotations, tqdm(indices, desc="annotators")))
    return {
        "split": args.split,
        "photographs": len(indices),
        "drawings": result.images,
        "f_measure": result.ods,
        "precision": float(result.precision[0]),
        "recall": float(result.recall[0]),
    }


def main(argv: list[str] | None = None) -> int:
    """Command line; 2 with a message if something given does not fit."""
    parser = build_parser()
    args = parser.parse_args(argv)
    try:
        report = run(args)
    except PAGError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    tqdm.write(json.dumps(report, indent=1))
    if args.out is not None:
        write_report(args.out, report)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
