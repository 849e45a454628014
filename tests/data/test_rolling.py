"""A rolled camera: maps stay in step with the picture and with geometry."""

from typing import Any

import numpy as np
import pytest

from pag.data.normals import normals_from_depth
from pag.data.rolling import rolled, side_needed
from pag.data.sample import IGNORE, Sample
from pag.errors import InputError
from pag.losses import BOUNDARY_CONSENSUS


def noise(side: int = 62) -> Any:
    rng = np.random.default_rng(3)
    normals = rng.normal(size=(side, side, 3)).astype(np.float32)
    return Sample(
        image=rng.integers(0, 256, (side, side, 3), np.uint8),
        segmentation=rng.integers(0, 5, (side, side)).astype(np.uint8),
        boundary=rng.random((side, side), np.float32),
        depth=rng.random((side, side), np.float32) + 1,
        normals=normals / np.linalg.norm(normals, axis=-1, keepdims=True),
        name="noise",
    )


def middle(array: np.ndarray, side: int) -> np.ndarray:
    edge = (len(array) - side) // 2
    return array[edge : edge + side, edge : edge + side]


@pytest.mark.parametrize("quarters", [0, 1, 2, 3, -1])
def test_quarter_turns_are_exact(quarters):
    source = noise()
    out: Any = rolled(source, 90 * quarters, 40)
    for name in ("image", "segmentation", "boundary", "depth"):
        turned = middle(np.rot90(getattr(source, name), quarters), 40).astype(float)
        cut_off = 1 if name == "image" else 1e-4  # filtered pixels lose their fractions
        np.testing.assert_allclose(getattr(out, name), turned, atol=cut_off)
        assert getattr(out, name).dtype == getattr(source, name).dtype
    # Anticlockwise on the screen, where y points down: (1, 0) becomes (0, -1).
    x, y, z = np.moveaxis(middle(np.rot90(source.normals, quarters), 40), -1, 0)
    for _ in range(quarters % 4):
        x, y = y, -x
    np.testing.assert_allclose(out.normals, np.stack([x, y, z], -1), atol=1e-5)
    assert out.name == source.name


@pytest.mark.parametrize("degrees", [-25.0, 7.0, 40.0])
def test_normals_are_those_of_the_rolled_depth(degrees):
    focal, side, normal = 90.0, 120, np.array([0.4, -0.3, -0.866])
    rows, cols = (np.mgrid[:side, :side] - (side - 1) / 2) / focal
    depth = -2.0 / (cols * normal[0] + rows * normal[1] + normal[2])
    source = Sample(
        image=np.zeros((side, side, 3), np.uint8),
        depth=depth.astype(np.float32),
        normals=np.broadcast_to(normal, (side, side, 3)).astype(np.float32),
    )
    out: Any = rolled(source, degrees, 64)
    fitted = normals_from_depth(out.depth, focal, focal, 31.5, 31.5)
    known = fitted.any(axis=-1)
    mean = fitted[known].mean(0) / np.linalg.norm(fitted[known].mean(0))
    assert known.sum() > 3000
    assert np.degrees(np.arccos(min(1.0, float(mean @ out.normals[32, 32])))) < 1.0
    assert out.boundary is None and out.segmentation is None


@pytest.mark.parametrize("degrees", [3.0, -15.0, 30.0])
def test_thin_boundaries_stay_whole(degrees):
    boundary = np.zeros((100, 100), np.float32)
    boundary[:, 50] = 1
    out: Any = rolled(Sample(np.zeros((100, 100, 3), np.uint8), boundary=boundary), degrees, 50)
    marked = out.boundary >= BOUNDARY_CONSENSUS
    assert marked.any(axis=1).all()
    assert marked.sum() < 3 * 50 and out.boundary.min() == 0


def test_what_is_unknown_stays_unknown():
    source = noise()
    source.boundary[:, :31], source.segmentation[:, :31] = -1, IGNORE
    out: Any = rolled(source, 12.0, 40)
    assert np.isin(out.boundary < 0, [True, False]).all() and (out.boundary < 0).any()
    np.testing.assert_array_equal(out.boundary < 0, out.segmentation == IGNORE)
    assert (out.boundary[out.boundary < 0] == -1).all()


@pytest.mark.parametrize("degrees", [0.0, 10.0, 45.0, -170.0])
def test_the_square_needed_is_enough_and_asked_for(degrees):
    side = side_needed(30, degrees)
    flat = Sample(np.full((side, side, 3), 200, np.uint8))
    assert (rolled(flat, degrees, 30).image == 200).all()
    with pytest.raises(InputError, match=f"expected at least {side} each way"):
        rolled(Sample(np.zeros((side - 1, side, 3), np.uint8)), degrees, 30)
