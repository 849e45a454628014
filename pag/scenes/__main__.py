"""Render rooms and streets with their truth: ``python -m pag.scenes --out DIR --count N``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tqdm import tqdm

from pag.errors import PAGError
from pag.scenes.camera import CAMERAS
from pag.scenes.generate import check, generate, plan
from pag.scenes.scene import KINDS


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pag.scenes",
        description="Renders pictures with exact depth, normals, classes, instances and "
        "boundaries. Started again with the same arguments it goes on where it stopped.",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--count", type=int, required=True, help="pictures to render")
    parser.add_argument("--kind", choices=(*KINDS, "both"), default="both")
    parser.add_argument("--camera", choices=(*CAMERAS, "both"), default="perspective")
    parser.add_argument(
        "--size", type=int, nargs=2, metavar=("H", "W"), default=(256, 256), help="pixels"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the first scene; then upwards")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Command line; 0 if all was rendered, 2 if it could not be done, 130 if interrupted."""
    parser = build_parser()
    args = parser.parse_args(argv)
    try:
        check(args.count, args.size, args.seed, args.workers)
        generate(args.out, plan(args.count, args.kind, args.camera, args.seed), tuple(args.size),
                 args.workers)  # fmt: skip
    except PAGError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    except OSError as error:
        parser.exit(2, f"{parser.prog}: cannot write the scenes: {error.strerror or error}\n")
    except KeyboardInterrupt:
        tqdm.write("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
