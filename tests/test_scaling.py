"""The policy that makes the picture smaller: the budget is met, and all stays in its place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pag.baselines.methods import Setting, build_methods
from pag.images import Picture
from pag.inference import TASKS
from pag.macs import Size
from pag.predictor import Predictor
from pag.records import placed
from pag.scaling import GATES_KEEP, share_out
from tests.checkpoints import random_net

BUDGETS = (0.95, 0.8, 0.7, 0.6, 0.5, 0.4, 0.35)


def photo(height: int = 150, width: int = 200) -> np.ndarray:
    noise = torch.rand(1, 3, 9, 12, generator=torch.Generator().manual_seed(3))
    large = torch.nn.functional.interpolate(noise, (height, width), mode="bicubic")
    return (large[0].permute(1, 2, 0).clamp(0, 1) * 255).byte().numpy()


@pytest.mark.parametrize("size", [(480, 640), (360, 480), (302, 480), (500, 377), (64, 64)])
def test_smaller_picture_and_gates_spend_the_budget_together(size: Size) -> None:
    net = random_net()
    full = net.cost(size, TASKS).dense
    seen_before = size
    for budget in BUDGETS:
        seen, kept = share_out(net, size, TASKS, budget)
        assert kept * net.cost(seen, TASKS).dense == pytest.approx(budget * full)
        assert budget <= kept <= 1
        assert all(side <= whole for side, whole in zip(seen, size, strict=True))
        # The less there is to spend, the smaller, never the other way round.
        assert all(side <= last for side, last in zip(seen, seen_before, strict=True))
        seen_before = seen
        if min(size) > 300:
            assert kept == pytest.approx(max(budget, GATES_KEEP), abs=0.06)


def test_the_aspect_ratio_is_kept_and_whole_cells_are_preferred() -> None:
    net = random_net()
    for size in ((480, 640), (320, 480), (90, 640)):
        for budget in BUDGETS:
            seen, _ = share_out(net, size, TASKS, budget)
            assert seen[0] / seen[1] == pytest.approx(size[0] / size[1], rel=0.012)
    assert share_out(net, (320, 480), TASKS, 0.57)[0] == (288, 432)
    assert share_out(net, (480, 640), TASKS, 0.57)[0] == (432, 576)


def test_where_gates_save_enough_the_picture_stays_as_it_is(predictor: Predictor) -> None:
    for budget in (1.0, 0.98, 0.8, GATES_KEEP):
        scaled, exact = (predictor(photo(), budget, policy=name) for name in ("scaled", "exact"))
        assert scaled.network_size == exact.network_size == (150, 200)
        assert scaled.policy == "scaled"
        assert scaled.depth is not None and exact.depth is not None
        np.testing.assert_array_equal(scaled.depth, exact.depth)
        for ours, theirs in zip(scaled.gates, exact.gates, strict=True):
            np.testing.assert_array_equal(ours.mask, theirs.mask)


@pytest.mark.parametrize("budget", [0.6, 0.5])
def test_record_of_a_smaller_picture_is_that_of_the_working_size(
    predictor: Predictor, budget: float
) -> None:
    scaled, exact = (predictor(photo(), budget, policy=name) for name in ("scaled", "exact"))
    assert scaled.budget_requested == budget
    assert scaled.budget_achieved == pytest.approx(budget, abs=0.005)
    assert scaled.network_size[0] < 150 and scaled.network_size[1] < 200
    assert scaled.macs_dense == pytest.approx(exact.macs_dense, rel=0.01)
    assert scaled.budget_floor == pytest.approx(exact.budget_floor, abs=0.01)
    np.testing.assert_array_equal(scaled.image, exact.image)
    for name in (*TASKS, "dilation", "ponder_layers", "ponder_macs"):
        ours, theirs = getattr(scaled, name), getattr(exact, name)
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype), name
    for ours, theirs in zip(scaled.gates, exact.gates, strict=True):
        assert (ours.name, ours.stride, ours.macs_dense) == (
            theirs.name, theirs.stride, theirs.macs_dense,
        )  # fmt: skip
        assert ours.mask.shape == ours.probability.shape == theirs.mask.shape
        assert 0 <= ours.macs_executed <= ours.macs_dense
    gated = sum(gate.macs_executed for gate in scaled.gates)
    assert scaled.ponder_macs.sum() == pytest.approx(gated, rel=0.1)
    assert scaled.normals is not None
    np.testing.assert_allclose(np.linalg.norm(scaled.normals, axis=2), 1, rtol=1e-4)


def test_what_a_record_keeps_of_a_photograph_gives_the_same_answer(predictor: Predictor) -> None:
    large = photo(600, 800)
    first = predictor(large, 0.5, policy="scaled", size=160)
    kept = Picture(first.image, first.image_size)
    again = predictor(kept, 0.5, policy="scaled", size=160)
    assert first.network_size == again.network_size != first.image.shape[:2]
    for name in TASKS:
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))


def test_the_floor_is_that_of_the_working_size(predictor: Predictor) -> None:
    scaled, exact = (predictor(photo(), 0.5, policy=name) for name in ("scaled", "exact"))
    saved = [
        1 - record.macs_dense / predictor.net.cost((150, 200)).dense for record in (scaled, exact)
    ]
    fixed = predictor.net.cost((150, 200)).floor
    for record, share in zip((scaled, exact), saved, strict=True):
        assert record.budget_floor == pytest.approx((fixed - share) / (1 - share), abs=1e-4)


def test_steering_reaches_the_smaller_picture(predictor: Predictor) -> None:
    steer = np.zeros((2, 2))
    steer[:, 0], steer[:, 1] = 1, -1
    found = predictor(photo(), 0.5, policy="scaled", steer=steer)
    assert found.steered == 1
    assert found.budget_achieved == pytest.approx(0.5, abs=0.005)
    half = found.ponder_layers.shape[1] // 2
    assert found.ponder_layers[:, :half].mean() > 2 * found.ponder_layers[:, half:].mean()


def test_values_are_placed_where_they_belong() -> None:
    seen, size, stride = (96, 128), (120, 160), 8
    rows = np.arange(12)[:, None].repeat(16, 1)
    found = placed(rows, stride, seen, size)
    assert found.shape == (15, 20)
    middles = (np.arange(15) + 0.5) * stride * 96 / 120
    np.testing.assert_array_equal(found[:, 0], (middles // stride).astype(int))
    assert placed(rows, stride, seen, seen) is rows


@pytest.mark.parametrize(("seen", "size"), [((45, 60), (50, 71)), ((30, 31), (64, 65))])
@pytest.mark.parametrize("stride", [1, 4, 16])
def test_placed_grids_have_the_size_of_the_layers(seen: Size, size: Size, stride: int) -> None:
    small, large = ([-(-side // stride) for side in sides] for sides in (seen, size))
    values = np.arange(small[0] * small[1]).reshape(small)
    found = placed(values, stride, seen, size)
    assert list(found.shape) == large
    assert found[0, 0] == 0 and found[-1, -1] == values[-1, -1]


def test_the_baselines_scaled_method_is_the_policy(predictor: Predictor) -> None:
    setting = Setting(predictor, TASKS, "all", 200)
    (_, method) = build_methods(["scaled"], setting).values()
    maps, spent = method.answer(photo(), 0, 0.5)
    record = predictor(photo(), 0.5, policy="scaled", size=200)
    assert spent.macs_executed == record.macs_executed == method.timed(photo(), 0, 0.5)()
    np.testing.assert_array_equal(maps["depth"], record.depth)
