"""Which pooling fields are chosen where: ``python -m pag.dilations``.

MultiPool chooses a dilation for every pixel. This counts the choices by what there is to see:
by class and depth of the ground truth, and by the distance to a boundary. If they were the same
everywhere, choosing would be worth nothing. Beside it stands what the choices of the image before
would give in the same regions: what follows from the place in the frame alone.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm

from pag.checkpoints import add_model_options, chosen_checkpoint
from pag.data import FOLDERS, IGNORE, Dataset, Sample, find_dataset, open_dataset
from pag.errors import InputError, PAGError
from pag.evaluation import evenly_spaced
from pag.evaluation_report import versions
from pag.export import at_image_size
from pag.growing import align, write_report
from pag.losses import BOUNDARY_CONSENSUS
from pag.options import file_to_write
from pag.predictor import DEFAULT_SIZE, Predictor

DEPTH_EDGES = (0.0, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, float("inf"))
"""Ends of the depth ranges, metres."""
BOUNDARY_EDGES = (0, 4, 8, 16, 32)
"""Ends of the ranges of distance to a boundary, pixels of the image; the last is open."""


@dataclass(frozen=True)
class Census:
    """Pixels counted by region and by the dilation chosen there.

    Attributes:
        dilations: offered by the network.
        counts: by kind of region (class, depth, boundary) and name of the region, in order of
            appearance: (len(dilations),) float64 pixels of the images.
    """

    dilations: tuple[int, ...]
    counts: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    def add(self, kind: str, name: str, dilation: np.ndarray, where: np.ndarray) -> None:
        """Count the dilations chosen `where`, an (H, W) bool mask, holds."""
        chosen = dilation[where]
        own = self.counts.setdefault(kind, {})
        if len(chosen):
            found = np.array([np.count_nonzero(chosen == d) for d in self.dilations], dtype=float)
            own[name] = own.get(name, np.zeros(len(self.dilations))) + found

    def shares(self, kind: str, name: str) -> np.ndarray:
        """Share of each dilation in a region, (len(dilations),) of sum 1."""
        counts = self.counts[kind][name]
        return counts / counts.sum()

    def deviation(self, kind: str, name: str) -> float | None:
        """How far a region's choices are from those of all regions of its kind; None if unseen.

        The total variation distance between their shares: 0 where they are the same, 1 where
        they have no dilation in common.
        """
        if name not in self.counts.get(kind, {}):
            return None
        total = np.sum(list(self.counts[kind].values()), axis=0)
        return float(np.abs(self.shares(kind, name) - total / total.sum()).sum() / 2)


def census_rows(census: Census, control: Census) -> list[dict[str, Any]]:
    """One dictionary per region, ready for JSON.

    Args:
        census: of the choices made for each image.
        control: of those made for the image before, in the same regions.

    Returns:
        ``kind``, ``region``, ``pixels``, ``shares`` (by dilation), ``mean_dilation``,
        ``deviation`` (`Census.deviation`) and ``deviation_control``, None for what occurred in
        the first image alone.
    """
    rows = []
    for kind, regions in census.counts.items():
        for name, counts in regions.items():
            shares, offered = census.shares(kind, name), census.dilations
            by_chance = control.deviation(kind, name)
            rows.append(
                {
                    "kind": kind,
                    "region": name,
                    "pixels": int(counts.sum()),
                    "shares": {
                        str(d): round(float(s), 4) for d, s in zip(offered, shares, strict=True)
                    },
                    "mean_dilation": round(float(shares @ np.array(offered)), 3),
                    "deviation": round(census.deviation(kind, name) or 0.0, 4),
                    "deviation_control": None if by_chance is None else round(by_chance, 4),
                }
            )
    return rows


def regions_of(sample: Sample, classes: Sequence[str]) -> list[tuple[str, str, np.ndarray]]:
    """Every region of a sample: its kind, its name, and where it is, (H, W) bool.

    Pixels without truth belong to no region.
    """
    found: list[tuple[str, str, np.ndarray]] = []
    if sample.segmentation is not None:
        labels = sample.segmentation
        ids: list[int] = np.unique(labels[labels != IGNORE]).tolist()
        found += [("class", classes[i], labels == i) for i in ids]
    if sample.depth is not None:
        for low, high in itertools.pairwise(DEPTH_EDGES):
            inside = (sample.depth > low) & (sample.depth <= high)
            name = f"{low:g} m and more" if high == DEPTH_EDGES[-1] else f"{low:g} to {high:g} m"
            found.append(("depth", name, inside))
    if sample.boundary is not None:
        found += boundary_bands(sample.boundary >= BOUNDARY_CONSENSUS)
    return found


def boundary_bands(boundary: np.ndarray) -> list[tuple[str, str, np.ndarray]]:
    """Rings around boundaries, by chessboard distance; nothing without a boundary."""
    if not boundary.any():
        return []
    line = torch.from_numpy(boundary.astype(np.float32))[None, None]
    bands, before = [], np.zeros_like(boundary)
    for low, high in zip(BOUNDARY_EDGES, (*BOUNDARY_EDGES[1:], None), strict=True):
        if high is None:
            bands.append(("boundary", f"{low} px and more", ~before))
            continue
        near = F.max_pool2d(line, 2 * high - 1, stride=1, padding=high - 1)[0, 0].numpy() > 0
        bands.append(("boundary", f"{low} to {high - 1} px", near & ~before))
        before = near
    return bands


def take_census(
    predictor: Predictor,
    dataset: Dataset,
    *,
    budget: float = 1.0,
    limit: int | None = None,
    size: int = DEFAULT_SIZE,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Census, Census]:
    """Count the dilations that `predictor` chooses on a data set, by region.

    Returns:
        The counts; and those of the choices for the image before, stretched to the same size.

    Args:
        predictor: what chooses.
        dataset: its truth says what a region is.
        budget: share of the full compute.
        limit: so many images, evenly spaced; all when None.
        size: longer side at which the network sees the images, pixels.
        progress: called with images done and in all.

    Raises:
        InputError: a network without a choice.
    """
    dilations = predictor.config.dilations
    if len(dilations) < 2:
        raise InputError(f"this network offers the dilations {dilations}; expected several")
    classes: tuple[str, ...] = tuple(getattr(dataset, "classes", ()))
    census, control, before = Census(dilations), Census(dilations), None
    indices = evenly_spaced(len(dataset), limit)
    for done, index in enumerate(indices, start=1):
        sample = dataset[index]
        inference = predictor(sample.image, budget, size=size, tasks=dataset.tasks)
        chosen = at_image_size(inference)["dilation"]
        for kind, name, where in regions_of(sample, classes):
            census.add(kind, name, chosen, where)
            if before is not None:
                control.add(kind, name, stretched(before, chosen.shape), where)
        before = chosen
        if progress is not None:
            progress(done, len(indices))
    return census, control


def stretched(plane: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """The (h, w) array at another size (H, W), by the nearest pixel."""
    rows, columns = (np.arange(n) * m // n for n, m in zip(size, plane.shape, strict=True))
    return plane[rows[:, None], columns]


def format_census(rows: Sequence[dict[str, Any]]) -> str:
    """The rows of `census_rows` as text, shares in percent."""
    dilations = list(rows[0]["shares"]) if rows else []
    lines = [["region", *(f"d={d}" for d in dilations), "mean", "deviation", "control"]]
    for row in rows:
        shares = [f"{100 * row['shares'][d]:.0f}%" for d in dilations]
        label = f"{row['kind']}: {row['region']}"
        control = row["deviation_control"]
        deviations = [f"{row['deviation']:.2f}", "-" if control is None else f"{control:.2f}"]
        lines.append([label, *shares, f"{row['mean_dilation']:.2f}", *deviations])
    return align(lines)


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pag.dilations", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder with the data sets, or that of one")
    add("--dataset", choices=(*FOLDERS, "all"), nargs="+", default=["all"])
    add("--split", default="val")
    add_model_options(parser)
    add("--budget", type=float, default=1.0, help="share of the full compute")
    add("--images", type=int, help="so many of each data set, evenly spaced; all if not given")
    add("--size", type=int, default=DEFAULT_SIZE, help="longer side, pixels")
    add("--device", default="auto", help="auto, cpu or cuda")
    add("--out", type=file_to_write, help="JSON file to write")
    return parser


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Count as the command line says; settings and results, ready for JSON."""
    if args.images is not None and args.images < 1:
        raise InputError(f"images is {args.images}; expected at least 1")
    predictor = Predictor.from_checkpoint(chosen_checkpoint(args), args.device)
    results = []
    for name in FOLDERS if "all" in args.dataset else dict.fromkeys(args.dataset):
        dataset = open_dataset(name, find_dataset(args.data, name), args.split)
        with tqdm(desc=name, total=len(evenly_spaced(len(dataset), args.images))) as bar:

            def show(done: int, total: int, bar: tqdm = bar) -> None:
                bar.update(done - bar.n)

            counted = take_census(
                predictor,
                dataset,
                budget=args.budget,
                limit=args.images,
                size=args.size,
                progress=show,
            )
        results.append({"dataset": name, "images": bar.total, "regions": census_rows(*counted)})
    return {
        "settings": {key: getattr(args, key) for key in ("split", "budget", "images", "size")},
        "checkpoint": predictor.digest,
        "dilations": list(predictor.config.dilations),
        "versions": versions(),
        "results": results,
    }


def main(argv: list[str] | None = None) -> int:
    """Command line; 2 with a message if something given does not fit."""
    parser = build_parser()
    args = parser.parse_args(argv)
    try:
        report = run(args)
    except PAGError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    for result in report["results"]:
        title = f"{result['dataset']}, {result['images']} images: share of each dilation"
        tqdm.write(f"{title}\n{format_census(result['regions'])}\n")
    if args.out is not None:
        write_report(args.out, report)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
