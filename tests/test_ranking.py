"""The pixels that a layer keeps: nearest to what it may spend, nested, ties by position."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from pag import cpu
from pag.cpu import build
from pag.macs import LayerCost
from pag.ranking import by_sorting, keep_highest, keep_highest_of_each, ranks
from tests.costs import layer


@pytest.fixture(params=["compiled", "uncompiled"])
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """With the kernels and without; where there is no compiler, both are without."""
    if request.param == "compiled":
        yield
    else:
        with cpu.switched_off():
            yield


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_ranks_are_those_of_a_stable_sort(scale: float, dtype: type) -> None:
    values = (np.random.default_rng(0).normal(size=1000) * scale).astype(dtype)
    values[::7] = values[3]
    values[5:9] = [0.0, -0.0, np.inf, -np.inf]
    order = torch.from_numpy(values).argsort(descending=True, stable=True).numpy()
    np.testing.assert_array_equal(ranks(values)[order], np.arange(1000))


LAYERS = [
    layer((9, 11)),
    layer((9, 11), stride=2),
    layer((10, 7), dilation=4),
    layer((9, 11), scope="conv"),
]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("cost", LAYERS, ids=["plain", "strided", "dilated", "conv"])
@pytest.mark.parametrize("kind", ["random", "few values", "equal"])
def test_kept_pixels_come_nearest_and_grow_with_the_target(cost: LayerCost, kind: str) -> None:
    logits = torch.randn(1, 1, *cost.output_size, generator=torch.Generator().manual_seed(0))
    if kind == "few values":
        logits = logits.round()
    elif kind == "equal":
        logits = torch.zeros_like(logits)
    order = logits.flatten().argsort(descending=True, stable=True)
    affordable = []
    for count in range(logits.numel() + 1):
        mask = torch.zeros(logits.numel(), dtype=torch.bool)
        mask[order[:count]] = True
        affordable.append(float(cost.executed(mask.view_as(logits))))
    previous = torch.zeros_like(logits, dtype=torch.bool)
    for target in np.linspace(-0.1, 1.1, 41) * cost.dense:
        mask, spent = keep_highest(cost, logits, float(target))
        assert mask.shape == logits.shape and mask.dtype == torch.bool
        assert spent == float(cost.executed(mask))
        assert abs(spent - target) == pytest.approx(min(abs(a - target) for a in affordable))
        assert not (previous & ~mask).any()
        if mask.any() and not mask.all():
            assert logits[mask].min() >= logits[~mask].max()
        previous = mask
    assert mask.all()


@pytest.mark.skipif(build.compiler() is None, reason="no C compiler")
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("cost", LAYERS, ids=["plain", "strided", "dilated", "conv"])
def test_the_kernel_keeps_what_numpy_keeps(cost: LayerCost, scale: float) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(1, 1, *cost.output_size, generator=generator) * scale
    logits.flatten()[3:9] = torch.tensor([0.0, -0.0, torch.inf, -torch.inf, scale, scale])
    for target in (torch.rand(40, generator=generator) * 1.1 * cost.dense).tolist():
        mask, spent = keep_highest(cost, logits, target)
        with cpu.switched_off():
            expected, wanted = keep_highest(cost, logits, target)
        assert torch.equal(mask, expected) and spent == wanted


@pytest.mark.parametrize("cost", LAYERS, ids=["plain", "strided", "dilated", "conv"])
def test_several_images_at_once_keep_what_each_keeps_alone(cost: LayerCost) -> None:
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(5, 1, *cost.output_size, generator=generator)
    logits[1] = logits[1].round()
    targets = torch.tensor([-0.1, 0.3, 0.55, 0.9, 1.1], dtype=torch.float64) * cost.dense
    masks, spent = keep_highest_of_each(cost, logits, targets)
    for i, target in enumerate(targets.tolist()):
        mask, macs = by_sorting(cost, logits[i : i + 1], target)
        assert torch.equal(masks[i : i + 1], mask) and spent[i] == macs
