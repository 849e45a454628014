"""The outputs on photographs from outside all data: ``python -m app.contact_sheet --out FILE.jpg``.

The photographs are those of installed packages whose licence lets them be shown:
matplotlib's, and scikit-image's and scikit-learn's where these are installed.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from app.examples import find_shipped
from app.figures.contact_sheet import SheetRow, contact_sheet
from app.words import contact_sheet as words
from pag import InputError, PAGError, Predictor, add_model_options, chosen_checkpoint

KINDS = (".jpg", ".jpeg", ".png", ".webp")
QUALITY = 88


@dataclass(frozen=True)
class Photograph:
    """A photograph and the lines to be written below it."""

    path: Path
    words: tuple[str, ...]


@dataclass(frozen=True)
class Shipped:
    """A photograph inside a package.

    Attributes:
        project: what is installed.
        package: what is imported, and holds the file.
        file: path inside it.
        credit: the photographer and the licence, as the project states them.
    """

    project: str
    package: str
    file: str
    credit: str


SHIPPED = (
    Shipped("scikit-learn", "sklearn", "datasets/images/china.jpg",
            "danielbuechele, CC BY 2.0"),
    Shipped("scikit-image", "skimage", "data/coffee.png", "Rachel Michetti, CC0"),
    Shipped("scikit-image", "skimage", "data/camera.png", "Lav Varshney, CC0"),
    Shipped("scikit-image", "skimage", "data/astronaut.png", "NASA, public domain"),
    Shipped("matplotlib", "matplotlib", "mpl-data/sample_data/grace_hopper.jpg",
            "US Navy, public domain"),
    Shipped("scikit-image", "skimage", "data/chelsea.png", "Stéfan van der Walt, CC0"),
    Shipped("scikit-image", "skimage", "data/rocket.jpg", "SpaceX, public domain"),
    Shipped("scikit-learn", "sklearn", "datasets/images/flower.jpg",
            "flickr.com/photos/vultilion, CC BY 2.0"),
)  # fmt: skip
"""Gradio's are left out: it does not say whose they are."""


def find_photographs() -> tuple[list[Photograph], list[str]]:
    """The photographs of `SHIPPED` that are installed, and the names of those that are not."""
    found, missing = [], []
    for shipped in SHIPPED:
        name = f"{shipped.project}: {Path(shipped.file).name}"
        path = find_shipped(shipped.package, shipped.file)
        if path is None:
            missing.append(name)
        else:
            found.append(Photograph(path, (name, shipped.credit)))
    return found, missing


def photographs_in(folder: Path) -> list[Photograph]:
    """The pictures of a folder by name.

    Raises:
        InputError: it holds none.
    """
    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in KINDS)
    if not paths:
        raise InputError(f"no picture found; expected a folder with {', '.join(KINDS)} files")
    return [Photograph(path, (path.name,)) for path in paths]


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m app.contact_sheet", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="JPEG to write")
    parser.add_argument("--photos", type=Path, help="folder of other photographs to take instead")
    parser.add_argument("--budget", type=float, default=0.5, help="of the ponder cost")
    parser.add_argument("--size", type=int, default=480, help="longer side, pixels")
    parser.add_argument("--labels", default="all", help="street, indoor or all")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    add_model_options(parser)
    return parser


def run(args: argparse.Namespace) -> None:
    """Make the sheet as the command line says."""
    if args.photos is None:
        photographs, missing = find_photographs()
        if not photographs:
            raise InputError("no photograph is installed; expected some, or a folder of --photos")
        if missing:
            tqdm.write(f"not installed, left out: {', '.join(missing)}", file=sys.stderr)
    else:
        photographs = photographs_in(args.photos)
    predictor = Predictor.from_checkpoint(chosen_checkpoint(args), args.device)
    rows = []
    for photo in tqdm(photographs, unit="photograph"):
        full, low = (
            predictor(photo.path, budget, labels=args.labels, size=args.size)
            for budget in (1.0, args.budget)
        )
        rows.append(SheetRow(photo.words, full, low))
    first = rows[0].full
    note = words.NOTE.format(checkpoint=first.checkpoint, size=args.size, gates=len(first.gates))
    if args.photos is None:
        note += f"\n{words.LICENCES}"
    contact_sheet(rows, note).save(args.out, "JPEG", quality=QUALITY)


def main(argv: list[str] | None = None) -> int:
    """Command line; 0 if the sheet was written, 2 with a message if something does not fit."""
    parser = build_parser()
    args = parser.parse_args(argv)
    try:
        run(args)
    except PAGError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    except OSError as error:
        parser.exit(2, f"{parser.prog}: cannot write the sheet: {error.strerror or error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
