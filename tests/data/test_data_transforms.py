"""Resizing and augmentation: maps stay in step with the image and with geometry."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from pag.data.normals import normals_from_depth
from pag.data.photometric import jitter
from pag.data.sample import IGNORE, Sample
from pag.data.transforms import augment, mirror, resize_sample
from pag.errors import InputError


def make_sample(height=40, width=60, seed=0) -> Any:
    """Left half: class 3, bright, 2 m, tilted right; right half: class 7, dark, 4 m."""
    rng = np.random.default_rng(seed)
    left = np.broadcast_to(np.arange(width) < width // 2, (height, width))
    image = np.where(left[..., None], 220, 30) + rng.integers(-5, 5, (height, width, 3))
    boundary = np.zeros((height, width), np.float32)
    boundary[:, width // 2] = 0.75
    normals = np.where(left[..., None], [0.6, 0.0, -0.8], [0.0, 0.0, -1.0])
    return Sample(
        image=image.astype(np.uint8),
        segmentation=np.where(left, 3, 7).astype(np.uint8),
        boundary=boundary,
        depth=np.where(left, 2.0, 4.0).astype(np.float32),
        normals=normals.astype(np.float32),
        name="two halves",
    )


def maps(sample):
    return [getattr(sample, f.name) for f in fields(sample) if f.name != "name"]


def rng(seed=0):
    return np.random.default_rng(seed)


def test_sample_refuses_maps_of_another_size():
    with pytest.raises(InputError, match="depth is 3x2 pixels, expected 6x4"):
        Sample(np.zeros((4, 6, 3), np.uint8), depth=np.zeros((2, 3), np.float32))


@pytest.mark.parametrize("side", [13, 30, 60, 97])
def test_resize_keeps_metres_ids_and_thin_boundaries(side):
    source = make_sample()
    out: Any = resize_sample(source, side)
    assert out.size == (round(side * 40 / 60), side) and out.name == source.name
    assert [m.shape[:2] for m in maps(out)] == [out.size] * 5
    assert [m.dtype for m in maps(out)] == [m.dtype for m in maps(source)]
    assert set(np.unique(out.segmentation)) == {3, 7}
    assert set(np.unique(out.depth)) == {2.0, 4.0}
    assert (out.boundary.max(axis=1) == np.float32(0.75)).all()
    bright = out.image[..., 0] > 125
    assert (bright == (out.segmentation == 3)).mean() > 0.9


def test_resize_loses_no_boundary_pixel():
    boundary = np.zeros((50, 50), np.float32)
    spots = rng().integers(0, 50, (12, 2))
    for row, col in spots:
        boundary[:] = 0
        boundary[row, col] = 1
        out: Any = resize_sample(Sample(np.zeros((50, 50, 3), np.uint8), boundary=boundary), 17)
        assert out.boundary is not None and np.count_nonzero(out.boundary) == 1


def test_resize_leaves_missing_maps_missing_and_refuses_nonsense():
    out: Any = resize_sample(Sample(np.zeros((8, 8, 3), np.uint8)), 4)
    assert maps(out)[1:] == [None] * 4
    with pytest.raises(InputError, match="longer side is 0"):
        resize_sample(make_sample(), 0)


def test_mirror_turns_the_picture_and_the_normals_x():
    source = make_sample()
    out: Any = mirror(source)
    np.testing.assert_array_equal(out.image, source.image[:, ::-1])
    np.testing.assert_array_equal(out.segmentation, source.segmentation[:, ::-1])
    np.testing.assert_array_equal(out.boundary, source.boundary[:, ::-1])
    np.testing.assert_allclose(out.normals[0, -1], [-0.6, 0.0, -0.8])
    np.testing.assert_allclose(source.normals[0, 0], [0.6, 0.0, -0.8])
    for first, second in zip(maps(mirror(out)), maps(source), strict=True):
        np.testing.assert_array_equal(first, second)


def test_zoom_divides_depth_and_turns_normals_with_it():
    out: Any = augment(make_sample(), rng(), crop=64, scale=(2.0, 2.0))
    assert set(np.unique(out.depth)) == {1.0, 2.0}
    expected = np.array([0.6, 0.0, 1.6]) / np.hypot(0.6, 1.6)
    found = np.abs(out.normals[out.depth == 1.0])
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=1e-6)


def test_zoomed_normals_are_those_of_the_zoomed_depth():
    focal, centre, normal = 60.0, 19.5, np.array([0.4, -0.3, -0.866])
    rows, cols = (np.mgrid[:40, :40] - centre) / focal
    depth = -2.0 / (cols * normal[0] + rows * normal[1] + normal[2])
    sample = Sample(
        image=np.zeros((40, 40, 3), np.uint8),
        depth=depth.astype(np.float32),
        normals=np.broadcast_to(normal, (40, 40, 3)).astype(np.float32),
    )
    for seed in range(4):
        out: Any = augment(sample, rng(seed), crop=60, scale=(1.5, 1.5))
        fitted = normals_from_depth(out.depth, focal, focal, 29.5, 29.5)
        cosines = np.einsum("hwc,hwc->hw", fitted, out.normals)[fitted.any(axis=-1)]
        assert cosines.size > 3000
        assert np.degrees(np.arccos(min(1.0, cosines.mean()))) < 2.0


@pytest.mark.parametrize("roll", [0.0, 15.0])
def test_augment_keeps_maps_in_step_with_the_image(roll):
    source, seen = make_sample(120, 160), set()
    for seed in range(40):
        out: Any = augment(source, rng(seed), crop=96, roll=roll)
        assert [m.shape[:2] for m in maps(out)] == [(96, 96)] * 5
        assert [m.dtype for m in maps(out)] == [m.dtype for m in maps(source)]
        known = out.segmentation != IGNORE
        np.testing.assert_array_equal(known, out.depth > 0)
        np.testing.assert_array_equal(known, out.boundary >= 0)
        np.testing.assert_array_equal(known, out.normals.any(axis=-1))
        luma = out.image.mean(axis=-1)
        halves = [luma[out.segmentation == k] for k in (3, 7)]
        if all(half.size for half in halves):
            seen.add("edge")
            assert np.percentile(halves[0], 10) > np.percentile(halves[1], 90)
            assert 0.37 < out.boundary.max() <= np.float32(0.75)
            assert roll or out.boundary.max() == np.float32(0.75)
            columns = (out.segmentation == 3).argmax(1)[known.all(1)]
            seen.add("tilted" if len(set(columns.tolist())) > 2 else "level")
        seen.add("padded" if not known.all() else "whole")
        seen.add("mirrored" if out.normals[..., 0].min() < 0 else "straight")
    assert {"edge", "padded", "whole", "mirrored", "straight"} <= seen
    assert ("tilted" in seen) == bool(roll)


def test_augment_is_a_function_of_the_generator_and_leaves_its_input_alone():
    source, untouched = make_sample(), make_sample()
    first, again = (augment(source, rng(5), crop=32) for _ in range(2))
    other = augment(source, rng(6), crop=32)
    for one, two, before, after in zip(
        maps(first), maps(again), maps(untouched), maps(source), strict=True
    ):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(before, after)
    assert (first.image != other.image).any()


def test_augment_pads_what_is_much_smaller_than_the_crop():
    out: Any = augment(make_sample(5, 7), rng(), crop=64, scale=(1.0, 1.0))
    assert out.size == (64, 64)
    assert (out.segmentation != IGNORE).sum() == 35
    assert (out.boundary == -1).sum() == 64 * 64 - 35


@pytest.mark.parametrize("crop, scale", [(0, (1, 1)), (8, (0, 1)), (8, (2, 1))])
def test_augment_refuses_nonsense(crop, scale):
    with pytest.raises(InputError, match="expected crop"):
        augment(make_sample(), rng(), crop, scale)


def test_jitter_keeps_gray_gray_within_a_shade_and_spans_a_range():
    ramp = np.repeat(np.linspace(20, 235, 64, dtype=np.uint8)[None, :, None], 3, axis=2)
    image = np.repeat(ramp, 8, axis=0)
    means = []
    for seed in range(60):
        out = jitter(image, rng(seed))
        assert out.shape == image.shape and out.dtype == np.uint8
        # Hue and saturation cannot colour a gray image; only noise (sigma 8) can.
        spread = np.ptp(out.astype(float).mean(axis=0), axis=-1)
        assert spread.max() < 25
        assert out[:, -8:].mean() > out[:, :8].mean()
        means.append(out.mean())
    assert np.ptp(means) > 40
