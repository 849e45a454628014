"""Photographs on rendered surfaces: what changes, and what must not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pag.data.retexture import SCENES, retexture
from pag.scenes import render_scene


@pytest.fixture(scope="module")
def scene():
    return render_scene(3, "street", "perspective", (96, 128))


def photographs() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (40, 60, 3), dtype=np.uint8) for _ in range(3)]


def papered(scene, seed: int = 0) -> np.ndarray:
    for tries in range(seed, seed + 100):
        image = retexture(scene, photographs(), np.random.default_rng(tries))
        if image is not scene.image:
            return image
    raise AssertionError("no scene was papered")


def test_things_take_a_texture_and_the_sky_stays(scene):
    before = scene.image.copy()
    image = papered(scene)
    assert image.shape == scene.image.shape and image.dtype == np.uint8
    np.testing.assert_array_equal(scene.image, before)
    changed = np.abs(image.astype(int) - before).max(-1) > 2
    share = {i: changed[scene.instances == i].mean() for i in np.unique(scene.instances)}
    assert share[0] == 0
    assert any(s > 0.5 for s in share.values()) and any(s == 0 for s in share.values())


def test_brightness_of_a_thing_stays_about_the_same(scene):
    image = papered(scene)
    sizes = np.bincount(scene.instances.ravel())
    for thing in np.flatnonzero(sizes > 800)[1:]:
        here = scene.instances == thing
        assert 0.6 < (image[here].mean() + 10) / (scene.image[here].mean() + 10) < 1.6


def test_the_same_seed_gives_the_same_picture(scene):
    np.testing.assert_array_equal(papered(scene, 5), papered(scene, 5))
    assert not np.array_equal(papered(scene, 5), papered(scene, 50))


def test_some_scenes_stay_as_rendered(scene):
    kept = sum(
        retexture(scene, photographs(), np.random.default_rng(seed)) is scene.image
        for seed in range(40)
    )
    assert 0 < kept < 40 * (1 - SCENES) * 2


def test_texture_shrinks_with_distance(scene):
    """Far ground shows a photograph that was averaged: less contrast from pixel to pixel."""
    flat = np.full_like(scene.image, 128)
    plain = replace(scene, image=flat)
    largest = np.bincount(scene.instances[scene.depth > 0]).argmax()
    ground = scene.instances == largest
    middle = np.median(scene.depth[ground])
    near, far = ground & (scene.depth < middle), ground & (scene.depth >= middle)
    contrasts = []
    for seed in range(120):
        image = retexture(plain, photographs(), np.random.default_rng(seed))
        if image is not flat and np.ptp(image[ground]) > 0:
            contrasts.append((image[near].std(), image[far].std()))
    nearer, farther = np.mean(contrasts, axis=0)
    assert len(contrasts) > 20 and nearer > 1.2 * farther


def test_a_360_degree_scene():
    scene = render_scene(2, "room", "equirectangular", (48, 96))
    assert papered(scene).shape == (48, 96, 3)
