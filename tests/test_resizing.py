"""Maps stay in place with the image, whatever its size."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pag.resizing import between, resize, size_of, stride_between


def places(count: int, stride: int) -> Tensor:
    """Where in the image the middle of each of `count` rows or columns of a layer lies."""
    return (torch.arange(count) + 0.5) * stride - 0.5


@pytest.mark.parametrize(
    ("count", "wanted", "stride"),
    [
        (23, 45, 2), (22, 44, 2), (68, 270, 4), (1, 1, 1), (1, 3, 4), (17, 270, 16),
        (40, 40, 1), (40, 20, 0.5), (3, 10, 4), (2, 7, 4), (30, 100, 100 / 30),
    ],
)  # fmt: skip
def test_strides_are_powers_of_two_where_they_can_be(
    count: int, wanted: int, stride: float
) -> None:
    assert stride_between(count, wanted) == pytest.approx(stride)


@pytest.mark.parametrize("size", [(45, 60), (44, 59), (47, 61), (48, 64), (5, 4)])
@pytest.mark.parametrize("stride", [2, 4])
def test_a_map_that_reaches_past_the_image_is_not_squeezed(
    size: tuple[int, int], stride: int
) -> None:
    down, across = (-(-side // stride) for side in size)
    rows = places(down, stride)[:, None].expand(down, across)
    columns = places(across, stride)[None].expand(down, across)
    finer = resize(torch.stack([rows, columns])[None], size)
    assert size_of(finer) == size
    for found, side, count in ((finer[0, 0], size[0], down), (finer[0, 1].T, size[1], across)):
        # Before the first and after the last middle there is nothing to mix: the value stays.
        expected = places(side, 1).clamp(places(count, stride)[0], places(count, stride)[-1])
        assert torch.allclose(found, expected[:, None].expand_as(found), atol=1e-4)


@pytest.mark.parametrize("size", [(48, 64), (20, 30), (50, 71)])
def test_other_sizes_are_stretched(size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, 12, 16, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(x, size, mode="bilinear", align_corners=False)
    assert torch.equal(resize(x, size), expected)


@pytest.mark.parametrize(("count", "wanted"), [(23, 45), (23, 46), (17, 270), (30, 100), (2, 7)])
def test_neighbours_are_those_that_are_mixed(count: int, wanted: int) -> None:
    values = torch.rand(count, generator=torch.Generator().manual_seed(1))
    low, high, share = between(count, wanted, values.device)
    mixed = torch.lerp(values[low], values[high], share)
    expected = resize(values.view(1, 1, count, 1), (wanted, 1)).flatten()
    assert torch.allclose(mixed, expected, atol=1e-5)


@pytest.mark.parametrize("size", [(360, 480), (45, 61), (53, 60)])
def test_what_a_smaller_picture_gave_lies_where_it_belongs(size: tuple[int, int]) -> None:
    seen, stride = (45, 60), 4
    rows = places(-(-seen[0] // stride), stride)
    found = resize(rows.view(1, 1, -1, 1).expand(1, 1, -1, 15), size, seen)
    assert size_of(found) == size
    scale = seen[0] / size[0]
    expected = ((torch.arange(size[0]) + 0.5) * scale - 0.5).clamp(rows[0], rows[-1])
    assert torch.allclose(found[0, 0, :, 0], expected, atol=1e-4)
    low, high, share = between(len(rows), size[0], rows.device, seen[0])
    assert torch.allclose(torch.lerp(rows[low], rows[high], share), expected, atol=1e-4)
