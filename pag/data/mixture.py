"""Training batches mixed from several datasets, a function of seed and step alone."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from pag.config import TRAINED_SIDE, ZOOM
from pag.data import IGNORE, Dataset
from pag.data.batch import Batch, collate
from pag.data.sample import Sample
from pag.data.transforms import augment, resize_sample
from pag.errors import InputError

Packed = tuple[
    np.ndarray, np.ndarray | None, np.ndarray | None, np.ndarray | None, np.ndarray | None, str
]

NORMAL_STEPS = 32767
RARITY = 0.15
RAREST = 1e-4


class CachedDataset:
    """A dataset whose samples are kept in memory, decoded and resized, once asked for.

    To save memory, boundaries are kept in steps of 1/255, depth in half precision (0.05%)
    and normals in steps of 1/32767.

    Args:
        dataset: where the samples come from.
        longer_side: pixels of the longer side of what is kept.
    """

    def __init__(self, dataset: Dataset, longer_side: int = TRAINED_SIDE) -> None:
        self.dataset = dataset
        self.longer_side = longer_side
        self.tasks = dataset.tasks
        self._kept: list[Packed | None] = [None] * len(dataset)

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, index: int, /) -> Sample:
        return _unpack(self.packed(index))

    def labels(self, index: int) -> np.ndarray | None:
        """A sample's class ids alone, which takes a fraction of the time."""
        return self.packed(index)[1]

    def load(self, progress: Callable[[int, int], None] | None = None, workers: int = 1) -> None:
        """Read everything now.

        Args:
            progress: called with samples done and in all.
            workers: processes that read; with one, this process does.
        """
        found = loader(_Entries(self), range(len(self)), workers if workers > 1 else 0)
        for index, packed in enumerate(found):
            self._kept[index] = packed
            if progress is not None:
                progress(index + 1, len(self))

    def packed(self, index: int) -> Packed:
        """A sample as it is kept: image, class ids, boundary, depth, normals and name."""
        packed = self._kept[index]
        if packed is None:
            packed = _pack(resize_sample(self.dataset[index], self.longer_side))
            self._kept[index] = packed
        return packed


class Mixture:
    """Augmented batches drawn from several datasets in fixed proportions.

    A batch depends on the seed and the step number only, so a resumed run draws what an
    unbroken one would have drawn.

    Args:
        datasets: each with at least one sample; see `CachedDataset`.
        weights: share of each dataset in a batch, of any positive sum. What does not come
            out even is drawn at random, right on average.
        seed: of the whole sequence of batches, 0 or more.
        scale: smallest and largest random zoom; see `augment`.
        rolls: largest roll in each dataset; none when None.

    Raises:
        InputError: no dataset, an empty one, or weights or rolls that do not fit.
    """

    def __init__(
        self,
        datasets: Sequence[Dataset],
        weights: Sequence[float],
        seed: int,
        scale: tuple[float, float] = ZOOM,
        rolls: Sequence[float] | None = None,
    ) -> None:
        rolls = [0.0] * len(datasets) if rolls is None else rolls
        if len(rolls) != len(datasets):
            raise InputError(f"{len(datasets)} datasets and {len(rolls)} rolls, expected one each")
        if not datasets or len(datasets) != len(weights):
            raise InputError(
                f"{len(datasets)} datasets and {len(weights)} weights, expected one weight each"
            )
        if any(len(dataset) == 0 for dataset in datasets):
            raise InputError("a dataset of the mixture holds no sample, expected at least one")
        shares = np.asarray(weights, dtype=np.float64)
        if not np.isfinite(shares).all() or (shares < 0).any() or shares.sum() <= 0:
            raise InputError(f"weights {list(weights)}, expected none negative and some positive")
        self.datasets = tuple(datasets)
        self.shares = shares / shares.sum()
        self.seed = seed
        self.scale, self.rolls = scale, tuple(rolls)

    def batch(self, step: int, size: int, crop: int) -> Batch:
        """The batch of `step`: `size` samples of `crop` x `crop` pixels."""
        rng = self.begin(step)
        return collate(
            [
                augment(self.datasets[of][index], rng, crop, self.scale, self.rolls[of])
                for of, index in self.picks(size, rng)
            ]
        )

    def begin(self, step: int) -> np.random.Generator:
        """All the randomness of that step's batch."""
        return np.random.default_rng((self.seed, step))

    def picks(self, size: int, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
        """Which `size` samples a batch holds, one after the other: number of dataset and sample."""
        for of, count in enumerate(self._counts(size, rng)):
            # Without repetition inside a batch, as long as the dataset is large enough.
            length = len(self.datasets[of])
            for index in rng.choice(length, int(count), replace=int(count) > length):
                yield of, int(index)

    def _counts(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """How many of `size` samples come from each dataset."""
        wanted = self.shares * size
        counts = np.floor(wanted + 1e-9).astype(int)
        # Systematic sampling of the fractions: one point per missing sample, evenly spaced
        # from a random start, so that each dataset's count is right on average.
        missing = size - int(counts.sum())
        if missing > 0:
            ends = np.cumsum(np.maximum(wanted - counts, 0.0))
            points = (rng.random() + np.arange(missing)) * (ends[-1] / missing)
            extra = np.searchsorted(ends, points, side="right")
            np.add.at(counts, np.minimum(extra, len(counts) - 1), 1)
        return counts


class _Entries(torch.utils.data.Dataset):
    """What a cache keeps of each sample."""

    def __init__(self, cache: CachedDataset) -> None:
        self.cache = cache

    def __getitem__(self, index: int) -> Packed:
        return self.cache.packed(index)


def loader(entries: torch.utils.data.Dataset, order: range, workers: int) -> DataLoader:
    """Entries as they are, in order, by processes that begin with what this one has in memory.

    Where processes cannot begin so, this one does the work.
    """
    forking = workers > 0 and "fork" in multiprocessing.get_all_start_methods()
    return DataLoader(
        entries,
        batch_size=None,  # entries make no batch
        sampler=order,
        num_workers=workers if forking else 0,
        collate_fn=_unchanged,
        multiprocessing_context="fork" if forking else None,
    )


def _unchanged(entry: Any) -> Any:
    return entry


def _pack(sample: Sample) -> Packed:
    boundary, depth, normals = sample.boundary, sample.depth, sample.normals
    return (
        sample.image,
        sample.segmentation,
        None if boundary is None else np.rint(boundary * 255.0).astype(np.uint8),
        None if depth is None else depth.astype(np.float16),
        None if normals is None else np.rint(normals * NORMAL_STEPS).astype(np.int16),
        sample.name,
    )


def _unpack(packed: Packed) -> Sample:
    image, segmentation, boundary, depth, normals, name = packed
    return Sample(
        image=image,
        segmentation=segmentation,
        boundary=None if boundary is None else boundary.astype(np.float32) / np.float32(255.0),
        depth=None if depth is None else depth.astype(np.float32),
        normals=None if normals is None else normals * np.float32(1.0 / NORMAL_STEPS),
        name=name,
    )


def class_weights(datasets: Sequence[Dataset], shares: Sequence[float], classes: int) -> Tensor:
    """Weights of mean 1 that make rare classes count for a little more.

    Frequencies to the power -0.15. The usual -0.5 makes a network mark too much: on CamVid,
    undoing 0.7 of such weights in the logits of a trained network raised its mIoU by 0.015.

    Args:
        datasets: those without segmentation do not count.
        shares: how often each dataset is drawn.
        classes: how many there are.

    Returns:
        (classes,) float32.
    """
    frequency = np.zeros(classes)
    for dataset, share in zip(datasets, shares, strict=True):
        if "segmentation" not in dataset.tasks:
            continue
        counts = np.zeros(classes)
        for index in range(len(dataset)):
            cached = isinstance(dataset, CachedDataset)
            labels = dataset.labels(index) if cached else dataset[index].segmentation
            if labels is not None:
                counts += np.bincount(labels[labels != IGNORE], minlength=classes)[:classes]
        frequency += share * counts / max(1, counts.sum())
    weights = np.maximum(frequency / frequency.sum(), RAREST) ** -RARITY
    return torch.tensor(weights / weights.mean(), dtype=torch.float32)
