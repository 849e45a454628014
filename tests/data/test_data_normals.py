"""Normals from depth against planes whose normal is known."""

import numpy as np
import pytest

from pag.data.normals import normals_from_depth

CAMERA = (60.0, 60.0, 32.0, 24.0)
SHAPE = (48, 64)


def plane_depth(normal, distance=2.0, camera=CAMERA):
    """Depth of the plane normal . P = -distance, as a camera sees it."""
    fx, fy, cx, cy = camera
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    rays = np.stack([(cols - cx) / fx, (rows - cy) / fy, np.ones(SHAPE)], axis=-1)
    return (-distance / (rays @ normal)).astype(np.float32)


def unit(*vector):
    return np.array(vector) / np.linalg.norm(vector)


def degrees(normals, expected):
    return np.degrees(np.arccos(np.clip(normals @ expected, -1, 1)))


@pytest.mark.parametrize(
    "normal", [unit(0, 0, -1), unit(0.6, 0, -1), unit(-0.3, 0.4, -1), unit(0, -1, -0.8)]
)
def test_slanted_plane_within_a_degree_and_facing_the_camera(normal):
    depth = plane_depth(normal)
    noise = np.random.default_rng(0).normal(0, 5e-4, SHAPE)
    depth = (1 / (1 / depth + noise)).astype(np.float32)
    found = normals_from_depth(depth, *CAMERA)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1, atol=1e-5)
    assert degrees(found, normal).max() < 1.0


def test_unknown_depth_gives_no_normal_and_does_not_disturb_neighbours():
    normal = unit(0.3, -0.2, -1)
    depth = plane_depth(normal)
    depth[20:28, 30:38] = 0
    depth[5, 5] = np.nan
    found = normals_from_depth(depth, *CAMERA)
    known = np.isfinite(depth) & (depth > 0)
    assert not found[~known].any()
    assert degrees(found[known], normal).max() < 0.1


def test_depth_step_does_not_bend_the_normals():
    near, far = unit(0, 0, -1), unit(0, 0.5, -1)
    left = np.less(np.arange(SHAPE[1]), 30)
    depth = np.where(left, plane_depth(near, 1.0), plane_depth(far, 3.0))
    found = normals_from_depth(depth, *CAMERA)
    given = np.any(found != 0, axis=-1)
    assert given.mean() > 0.95
    assert degrees(found[given & left], near).max() < 1.0
    assert degrees(found[given & ~left], far).max() < 1.0


def test_rough_and_lonely_pixels_are_left_out():
    depth = np.random.default_rng(1).uniform(1, 3, SHAPE).astype(np.float32)
    assert not normals_from_depth(depth, *CAMERA).any()
    lonely = np.zeros(SHAPE, dtype=np.float32)
    lonely[10, 10] = 2.0
    assert not normals_from_depth(lonely, *CAMERA).any()
    assert not normals_from_depth(np.zeros(SHAPE, dtype=np.float32), *CAMERA).any()
