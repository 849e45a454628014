"""The benchmark as a picture: ``python -m app.benchmark_chart FILE.json --out FILE.png``.

The file is one that ``python -m pag.benchmark --out FILE.json`` wrote.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg

from app.content import benchmark as words
from app.figures.benchmark import Timed, benchmark_figure
from pag import InputError, PAGError

DPI = 130


def read_timings(report: dict[str, Any]) -> list[Timed]:
    """The network's part of a report.

    Raises:
        InputError: it has none.
    """
    timed = []
    try:
        for setting in report["network"]:
            curves: dict[str, list[tuple[float, float]]] = {name: [] for name in words.RUNS}
            for entry in setting["budgets"]:
                for name, points in curves.items():
                    small = name == "lower_resolution"
                    share = entry["small_achieved" if small else "achieved"]
                    points.append((float(share), float(entry["to_full"][name])))
            if setting["budgets"]:
                height, width = setting["size"]
                timed.append(Timed((int(height), int(width)), int(setting["batch"]), curves))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            "the file holds no times of the network as pag.benchmark writes them"
        ) from error
    if not timed:
        raise InputError("the file holds no budget; expected a benchmark that has measured some")
    return timed


def note(report: dict[str, Any]) -> str:
    """What was measured on what, in a line.

    Raises:
        InputError: the report does not say.
    """
    try:
        values = report["machine"] | report["method"]
        widest = values.get("instructions")
        values["instructions"] = words.INSTRUCTIONS.format(widest) if widest else ""
        text = words.NOTE.format(**values, backbone=report["backbone"], weights=report["weights"])
    except (KeyError, TypeError) as error:
        raise InputError("the file does not say what was measured; expected a benchmark") from error
    return text + (words.BUSY if values.get("busy") else "")


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m app.benchmark_chart", description=__doc__)
    parser.add_argument("report", type=Path, help="JSON file of pag.benchmark")
    parser.add_argument("--out", type=Path, required=True, help="PNG to write")
    return parser


def run(args: argparse.Namespace) -> None:
    """Draw as the command line says."""
    try:
        report = json.loads(args.report.read_text(encoding="utf-8"))
    except ValueError as error:  # a UnicodeDecodeError is one
        raise InputError("the report is no JSON file; expected one of pag.benchmark") from error
    if not isinstance(report, dict):
        raise InputError("the report is no JSON object; expected one of pag.benchmark")
    figure = benchmark_figure(read_timings(report), note(report))
    FigureCanvasAgg(figure)
    figure.savefig(args.out, format="png", dpi=DPI)


def main(argv: list[str] | None = None) -> int:
    """Command line; 0 if the chart was written, 2 with a message if something does not fit."""
    parser = build_parser()
    args = parser.parse_args(argv)
    try:
        run(args)
    except PAGError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    except OSError as error:
        parser.exit(2, f"{parser.prog}: {error.strerror or error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
