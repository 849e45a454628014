"""Batches made where the data lies show what batches made by `augment` show."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import maximum_filter

from pag.data import resident
from pag.data.canonical import refocused
from pag.data.mixture import CachedDataset, Mixture
from pag.data.photometric import Colours, draw_colours, jitter
from pag.data.resident import BYTES, ROOM, ResidentMixture, View, blur, placed, recoloured
from pag.data.rolling import rolled, side_needed
from pag.data.sample import Sample
from pag.data.transforms import _resample, mirror

CPU = torch.device("cpu")
PLAIN = Colours(0.0, 1.0, np.eye(3, dtype=np.float32), np.zeros(3, np.float32), 0.0)


class Photographs:
    """Smooth pictures with everything known, in two sizes."""

    tasks = ("segmentation", "boundary", "depth", "normals")

    def __len__(self):
        return 4

    def __getitem__(self, index, /):
        rng = np.random.default_rng(index)
        height, width = (72, 96) if index % 2 else (96, 72)
        y, x = np.mgrid[:height, :width] / 20
        image = np.stack([np.sin(x + index), np.cos(y), np.sin(x * y / 4)], -1) * 100 + 128
        normals = np.stack([np.sin(x) / 2, np.cos(y) / 2, -np.ones_like(x)], -1)
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        normals[:9] = 0
        marked = np.zeros((height, width), np.float32)
        marked[:, ::10] = marked[5::25] = 1
        return Sample(
            image.astype(np.uint8),
            segmentation=(x // 1.3 + 3 * (y // 1.1)).astype(np.uint8),
            boundary=marked,
            depth=(2 + x + rng.random()).astype(np.float32),
            normals=normals.astype(np.float32),
            name=str(index),
        )


class Frames(Photographs):
    """Of which classes alone are known."""

    tasks = ("segmentation",)

    def __getitem__(self, index, /):
        whole = super().__getitem__(index)
        return Sample(whole.image, segmentation=whole.segmentation, name=whole.name)


def mixture(roll=0.0, datasets=(Photographs, Frames)):
    cached = [CachedDataset(of(), longer_side=96) for of in datasets]
    return Mixture(cached, [1.0] * len(cached), 3, (0.8, 1.25), [roll] * len(cached))


def shown(source, view, crop):
    batch = source.seen([view], crop, torch.Generator())
    return {name: getattr(batch, name)[0] for name in vars(batch)}


def augmented(sample, view, crop):
    """The same view by the functions that `augment` is made of, where it lies inside."""
    size = (round(sample.size[0] * view.zoom), round(sample.size[1] * view.zoom))
    side = side_needed(crop, view.degrees) if view.degrees else crop
    left, top = (round(middle - side / 2) for middle in view.centre)
    window = (slice(top, top + side), slice(left, left + side))
    out = refocused(_resample(sample, size, window), view.zoom)
    if view.degrees:
        out = rolled(out, view.degrees, crop)
    return mirror(out) if view.mirrored else out


@pytest.mark.parametrize("mirrored", [False, True])
def test_an_unchanged_view_is_the_sample(mirrored):
    source = ResidentMixture(mixture(), CPU)
    kept = source.mixture.datasets[0][1]
    view = View(1, 1.0, 0.0, (50.0, 40.0), mirrored, PLAIN)
    got = shown(source, view, 32)
    want = augmented(kept, view, 32)
    assert want.boundary is not None and want.depth is not None and want.normals is not None
    np.testing.assert_allclose(got["image"] * 255, want.image.transpose(2, 0, 1), atol=1e-3)
    np.testing.assert_array_equal(got["segmentation"], want.segmentation)
    np.testing.assert_allclose(got["boundary"], want.boundary, atol=1e-6)
    np.testing.assert_allclose(got["depth"], want.depth, rtol=1e-6)
    np.testing.assert_allclose(got["normals"], want.normals.transpose(2, 0, 1), atol=1e-4)


@pytest.mark.parametrize(
    ("zoom", "degrees"), [(1.25, 0.0), (0.75, 0.0), (1.0, 20.0), (1.25, -14.0), (0.75, 9.0)]
)
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_zoomed_and_rolled_view_is_what_augment_shows(zoom, degrees, mirrored):
    source = ResidentMixture(mixture(), CPU)
    kept = source.mixture.datasets[0][0]
    crop = 30
    side = side_needed(crop, degrees) if degrees else crop
    # A crop that begins at a whole pixel, as those of `augment` do.
    centre = (side / 2 + 3, side / 2 + 5)
    view = View(0, zoom, degrees, centre, mirrored, PLAIN)
    got, want = shown(source, view, crop), augmented(kept, view, crop)
    assert want.segmentation is not None and want.boundary is not None
    assert want.depth is not None and want.normals is not None
    difference = np.abs(got["image"].numpy() * 255 - want.image.transpose(2, 0, 1))
    assert difference.mean() < 1.5
    assert (got["segmentation"].numpy() == want.segmentation).mean() > 0.93
    np.testing.assert_allclose(got["depth"], want.depth, rtol=0.03)
    angle = (got["normals"].numpy() * want.normals.transpose(2, 0, 1)).sum(0)
    both = np.abs(want.normals).sum(-1) > 0.5
    known = got["normals"].norm(dim=0).numpy() > 0.5
    assert (known == both).mean() > 0.95
    assert angle[both & known].min() > 0.99
    positive, truth = got["boundary"].numpy() >= 0.3, want.boundary >= 0.3
    assert (maximum_filter(truth, 3) >= positive).mean() > 0.99
    assert (maximum_filter(positive, 3) >= truth).mean() > 0.99
    assert 0.8 < positive.sum() / truth.sum() < 1.5


def test_beyond_the_picture_nothing_is_known_and_the_image_goes_on():
    source = ResidentMixture(mixture(), CPU)
    got = shown(source, View(1, 1.0, 0.0, (0.0, 36.0), False, PLAIN), 32)
    beyond = slice(0, 16)
    assert (got["segmentation"][:, beyond] == 255).all()
    assert (got["boundary"][:, beyond] == -1).all()
    assert not got["depth"][:, beyond].any() and not got["normals"][:, :, beyond].any()
    assert (got["depth"][:, 16:] > 0).all()
    torch.testing.assert_close(got["image"][:, :, :16], got["image"][:, :, 16:].flip(2))


def test_what_a_dataset_does_not_know_is_ignored():
    source = ResidentMixture(mixture(), CPU)
    got = shown(source, View(5, 1.1, 0.0, (50.0, 40.0), False, PLAIN), 32)
    assert (got["boundary"] == -1).all()
    assert not got["depth"].any() and not got["normals"].any()
    assert (got["segmentation"] < 255).all()


def test_a_batch_is_a_function_of_seed_and_step():
    one, other = (ResidentMixture(mixture(roll=15.0), CPU) for _ in range(2))
    first, again, next_one = one.batch(4, 6, 32), other.batch(4, 6, 32), one.batch(5, 6, 32)
    for name in vars(first):
        assert torch.equal(getattr(first, name), getattr(again, name)), name
        assert getattr(first, name).isfinite().all()
    assert not torch.equal(first.image, next_one.image)
    assert first.image.shape == (6, 3, 32, 32) and first.normals.shape == (6, 3, 32, 32)
    assert first.segmentation.dtype == torch.int64
    assert first.image.min() >= 0 and first.image.max() <= 1
    assert (first.boundary >= 0).flatten(1).any(1).sum() == 3  # as many as of the other dataset


def test_views_stay_inside_pictures_that_are_large_enough():
    source = ResidentMixture(mixture(roll=15.0), CPU)
    for step in range(20):
        batch = source.batch(step, 4, 32)
        assert (batch.segmentation < 255).all()


def test_colours_change_as_jitter_changes_them():
    image = Photographs()[1].image
    for seed in range(12):
        drawn = draw_colours(np.random.default_rng(seed))
        if drawn.noise or drawn.blur:
            continue
        want = jitter(image, np.random.default_rng(seed))
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
        got = recoloured(pixels, [drawn], torch.Generator())[0] * 255
        np.testing.assert_allclose(got, want.transpose(2, 0, 1), atol=0.51)


def test_a_blur_is_a_gaussian_of_its_radius():
    image = torch.zeros(2, 3, 21, 21)
    image[:, :, 10, 10] = 1
    radius = torch.tensor([0.5, 1.2])
    spread = blur(image, radius)
    torch.testing.assert_close(spread.sum((2, 3)), torch.ones(2, 3))
    away = torch.arange(21) - 10.0
    for one, r in zip(spread, radius, strict=True):
        variance = (one.sum(1) * away**2).sum(1)
        np.testing.assert_allclose(variance, r.item() ** 2, rtol=0.15)
        ratio = one[0, 10, 11] / one[0, 10, 10]
        assert ratio.item() == pytest.approx(math.exp(-0.5 / r.item() ** 2), rel=1e-3)


def test_noise_has_its_strength():
    drawn = Colours(0.0, 1.0, np.eye(3, dtype=np.float32), np.zeros(3, np.float32), 8.0)
    image = torch.full((2, 3, 64, 64), 0.5)
    noisy = recoloured(image, [drawn, PLAIN], torch.Generator().manual_seed(1))
    assert (noisy[0].std() * 255).item() == pytest.approx(8, rel=0.05)
    assert torch.equal(noisy[1], image[1])


def test_data_goes_where_there_is_room_for_it(monkeypatch: pytest.MonkeyPatch):
    some, gpu = mixture(), torch.device("cuda")
    assert placed(some, CPU) is some
    monkeypatch.setattr(resident, "ResidentMixture", lambda mixture, device: (mixture, device))
    stored = ResidentMixture(some, CPU)
    kept = (stored.image, stored.segmentation, stored.boundary, stored.depth, stored.normals)
    needed = sum(values.nbytes for values in kept)
    assert needed == BYTES * 8 * 72 * 96
    for free, fits in ((needed / ROOM + 1, True), (needed / ROOM - 1, False)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device, free=free: (free, free))
        assert placed(some, gpu) == ((some, gpu) if fits else some)
