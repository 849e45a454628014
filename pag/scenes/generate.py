"""Rendering many scenes to a folder with several processes, resumable."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from pag.errors import InputError, PAGError
from pag.scenes.camera import CAMERAS
from pag.scenes.files import (
    INDEX,
    SPLITS,
    is_complete,
    read_index,
    scene_name,
    write_index,
    write_scene,
)
from pag.scenes.scene import KINDS, render_scene

VAL_EVERY = 10
"""Of every so many consecutive seeds the last goes to the val split."""


@dataclass(frozen=True)
class Job:
    """One picture to render."""

    kind: str
    camera: str
    seed: int

    @property
    def name(self) -> str:
        return scene_name(self.kind, self.camera, self.seed)

    @property
    def split(self) -> str:
        """By the seed alone: both cameras of a scene are in one split, whatever the count."""
        return "val" if self.seed % VAL_EVERY == VAL_EVERY - 1 else "train"


def plan(count: int, kind: str, camera: str, seed: int) -> list[Job]:
    """The pictures asked for; kinds, then cameras, take turns for each seed."""
    kinds = KINDS if kind == "both" else (kind,)
    cameras = CAMERAS if camera == "both" else (camera,)
    variants = [(k, c) for k in kinds for c in cameras]
    return [Job(*variants[n % len(variants)], seed + n // len(variants)) for n in range(count)]


def check(count: int, size: tuple[int, int], seed: int, workers: int) -> None:
    """Numbers that make no sense: `InputError`."""
    if count < 1:
        raise InputError(f"count is {count}, expected at least 1")
    if min(size) < 16 or max(size) > 4096:
        raise InputError(f"size is {size[0]}x{size[1]} pixels, expected 16 to 4096 a side")
    if seed < 0:
        raise InputError(f"seed is {seed}, expected 0 or more")
    if workers < 1:
        raise InputError(f"workers is {workers}, expected at least 1")


def generate(out: Path, jobs: list[Job], size: tuple[int, int], workers: int = 1) -> None:
    """Render `jobs` into the folder `out`, which is made if need be, and index them.

    What is complete already is left as it is; what the folder holds beyond `jobs` stays in
    the index.

    Raises:
        InputError: the folder holds scenes of another size.
    """
    out.mkdir(parents=True, exist_ok=True)
    settings: dict[str, object] = {"size": list(size)}
    merged_index(out, jobs, settings)  # may raise: before anything is rendered
    waiting = [job for job in jobs if not is_complete(out, job.name)]
    work = partial(_render_to, out, size)
    bar = tqdm(total=len(jobs), initial=len(jobs) - len(waiting), unit="image")
    with bar:
        if workers == 1 or len(waiting) < 2:
            for job in waiting:
                work(job)
                bar.update()
        else:
            _share_out(work, waiting, workers, bar)
    # Read again: meanwhile another run may have added its scenes.
    write_index(out, merged_index(out, jobs, settings), settings)


def merged_index(out: Path, jobs: list[Job], settings: dict[str, object]) -> dict[str, list[str]]:
    """Names of each split: those of `jobs` and those already there."""
    splits: dict[str, set[str]] = {split: set() for split in SPLITS}
    if (out / INDEX).is_file():
        before, made_with = read_index(out)
        if made_with != settings:
            raise InputError(
                f"the folder holds scenes made with {made_with}, asked for {settings}; "
                "choose another folder"
            )
        for split in SPLITS:
            splits[split].update(before[split])
    for job in jobs:
        splits[job.split].add(job.name)
    return {split: sorted(names) for split, names in splits.items()}


def _share_out(work: Callable[[Job], None], waiting: list[Job], workers: int, bar: tqdm) -> None:
    """Let several processes do the work; what ends it early leaves undone what has not begun."""
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(min(workers, len(waiting)), context) as pool:
            try:
                for done in as_completed([pool.submit(work, job) for job in waiting]):
                    done.result()
                    bar.update()
            except BaseException:
                # Leaving the pool would wait for all that it was given.
                pool.shutdown(cancel_futures=True)
                raise
    except BrokenProcessPool as error:
        raise PAGError(
            "a worker process ended before its work was done, perhaps for want of memory; "
            "the same command with fewer workers goes on from here"
        ) from error


def _render_to(out: Path, size: tuple[int, int], job: Job) -> None:
    write_scene(out, render_scene(job.seed, job.kind, job.camera, size))
