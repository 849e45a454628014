"""Batches: what collate fills in, and what a mixture promises."""

import numpy as np
import pytest
import torch

from pag.data.batch import collate
from pag.data.mixture import CachedDataset, Mixture
from pag.data.sample import Sample
from pag.errors import InputError

FIELDS = ("image", "segmentation", "boundary", "depth", "normals")


class Streets:
    """Images of one class id each, so that a batch shows what was drawn."""

    tasks = ("segmentation",)

    def __init__(self, first, count):
        self.first, self.count, self.reads = first, count, 0

    def __len__(self):
        return self.count

    def __getitem__(self, index, /):
        self.reads += 1
        image = np.random.default_rng(index).integers(0, 255, (40, 50, 3), dtype=np.uint8)
        ids = np.full((40, 50), self.first + index, dtype=np.uint8)
        return Sample(image, segmentation=ids, name=str(index))


class Rooms(Streets):
    tasks = ("boundary", "depth", "normals")

    def __getitem__(self, index, /):
        street = super().__getitem__(index)
        rng = np.random.default_rng(index)
        normals = rng.normal(size=(40, 50, 3))
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        normals[:5] = 0
        return Sample(
            street.image,
            boundary=rng.integers(0, 6, (40, 50)).astype(np.float32) / 5,
            depth=rng.uniform(0.5, 8, (40, 50)).astype(np.float32),
            normals=normals.astype(np.float32),
            name=street.name,
        )


def same(one, two):
    return all(torch.equal(getattr(one, name), getattr(two, name)) for name in FIELDS)


def drawn(batch):
    """The class id of each sample of a batch of `Streets`."""
    return batch.segmentation.masked_fill(batch.segmentation == 255, -1).flatten(1).amax(1).tolist()


def test_collate_stacks_and_fills_what_is_missing():
    street, room = Streets(3, 1)[0], Rooms(0, 1)[0]
    batch = collate([street, room])
    assert len(batch) == 2
    assert batch.image.shape == (2, 3, 40, 50) and batch.image.dtype == torch.float32
    assert batch.image[0, 2, 1, 4].item() == pytest.approx(street.image[1, 4, 2] / 255)
    assert batch.segmentation.dtype == torch.int64
    assert (batch.segmentation[0] == 3).all() and (batch.segmentation[1] == 255).all()
    assert (batch.boundary[0] == -1).all() and (batch.depth[0] == 0).all()
    assert not batch.normals[0].any()
    assert room.boundary is not None and room.depth is not None and room.normals is not None
    np.testing.assert_array_equal(batch.boundary[1], room.boundary)
    np.testing.assert_array_equal(batch.depth[1], room.depth)
    np.testing.assert_array_equal(batch.normals[1], room.normals.transpose(2, 0, 1))
    assert batch.boundary.dtype == batch.depth.dtype == batch.normals.dtype == torch.float32
    assert same(batch.to("cpu"), batch)


def test_collate_refuses_none_and_unequal_sizes():
    with pytest.raises(InputError, match="got none"):
        collate([])
    small = Sample(np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(InputError, match="6x4, 50x40"):
        collate([small, Streets(0, 1)[0]])


def test_cache_reads_once_and_keeps_what_matters():
    rooms = Rooms(0, 3)
    cache = CachedDataset(rooms, longer_side=50)
    assert rooms.reads == 0 and cache.tasks == rooms.tasks and len(cache) == 3
    told = []
    cache.load(lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    parts = [part for part in cache.packed(1) if isinstance(part, np.ndarray)]
    assert sum(part.nbytes for part in parts) == 40 * 50 * (3 + 1 + 2 + 6)
    kept, source = cache[1], rooms[1]
    assert rooms.reads == 4
    assert source.boundary is not None and source.depth is not None and source.normals is not None
    assert kept.depth is not None and kept.normals is not None
    np.testing.assert_array_equal(kept.image, source.image)
    np.testing.assert_array_equal(kept.boundary, source.boundary)
    np.testing.assert_allclose(kept.depth, source.depth, rtol=6e-4)
    np.testing.assert_allclose(kept.normals, source.normals, atol=2e-5)
    assert kept.depth.dtype == kept.normals.dtype == np.float32
    assert not kept.normals[:5].any()


def test_cache_resizes():
    assert CachedDataset(Streets(0, 1), longer_side=25)[0].size == (20, 25)


def test_mixture_is_a_function_of_seed_and_step():
    def fresh(seed):
        return Mixture([CachedDataset(Streets(0, 9)), Rooms(0, 4)], [2, 1], seed)

    walked = [fresh(1).batch(step, 5, 16) for step in range(4)]
    resumed = fresh(1)
    assert same(resumed.batch(3, 5, 16), walked[3])
    assert same(resumed.batch(2, 5, 16), walked[2])
    assert not same(walked[2], walked[3])
    assert not same(fresh(2).batch(3, 5, 16), walked[3])


def test_mixture_keeps_the_proportions_exactly_where_they_come_out_even():
    mixture = Mixture([Streets(0, 9), Streets(100, 9)], [3, 1], seed=0)
    for step in range(5):
        ids = drawn(mixture.batch(step, 8, 8))
        assert sum(i < 100 for i in ids) == 6
        assert len(set(ids)) == 8


def test_mixture_keeps_the_proportions_on_average():
    weights = [0.5, 0.3, 0.2, 0.0]
    mixture = Mixture([Streets(50 * k, 4) for k in range(4)], weights, seed=0)
    counts = np.zeros(4)
    for step in range(300):
        ids = drawn(mixture.batch(step, 3, 2))
        assert len(ids) == 3
        for i in ids:
            counts[i // 50] += 1
    np.testing.assert_allclose(counts / 900, weights, atol=0.03)
    assert counts[3] == 0


def test_mixture_repeats_samples_only_when_it_must():
    ids = drawn(Mixture([Streets(0, 2)], [1], seed=0).batch(0, 6, 8))
    assert len(ids) == 6 and set(ids) <= {0, 1}


def test_mixture_refuses_what_does_not_fit():
    street = Streets(0, 1)
    for datasets, weights, message in [
        ([], [], "0 datasets"),
        ([street], [1, 2], "1 datasets and 2 weights"),
        ([street, Streets(0, 0)], [1, 1], "holds no sample"),
        ([street], [0], "some positive"),
        ([street, street], [1, -1], "none negative"),
    ]:
        with pytest.raises(InputError, match=message):
            Mixture(datasets, weights, seed=0)
    with pytest.raises(InputError, match="1 datasets and 2 rolls"):
        Mixture([street], [1], seed=0, rolls=[5, 5])


@pytest.mark.parametrize("workers", [1, 2])
def test_reading_with_several_processes_keeps_the_same(workers):
    rooms = Rooms(0, 9)
    alone, together = CachedDataset(Rooms(0, 9)), CachedDataset(rooms)
    seen = []
    together.load(lambda done, total: seen.append((done, total)), workers)
    assert seen == [(done, 9) for done in range(1, 10)]
    assert rooms.reads == (9 if workers == 1 else 0)  # others read it, not this process
    for index in range(9):
        one, two = alone[index], together[index]
        assert all(np.array_equal(getattr(one, n), getattr(two, n)) for n in ("image", "depth"))
    assert rooms.reads == (9 if workers == 1 else 0)
