"""Steering by hand: what is painted outranks what is not, and the budget stays what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pag import InputError, Predictor, summary
from pag.budget import AdaptivePolicy, BudgetTable, ExactPolicy
from pag.inference import Inference
from pag.steered import SteeredPolicy, over_cells, steered
from pag.steering import check_steering, read_steering, steering_at
from tests.costs import tiny_cost
from tests.test_predictor import photo

TASKS = ("segmentation", "boundary", "depth", "normals")


def grid(*rows: list[float]) -> Tensor:
    return torch.tensor(rows)[None, None]


# ---------------------------------------------------------------- what a policy sees


def test_without_strength_order_and_sign_are_those_of_the_logits() -> None:
    seen = steered(grid([-3.0, 0.5], [9.0, -0.1]), grid([0, 0], [0, 0]))
    # Places from below: 0, 2, 3, 1; two are at or below 0.
    assert seen.flatten().tolist() == [-1.5, 0.5, 1.5, -0.5]


def test_strength_is_counted_in_ranks() -> None:
    logits = grid([-3.0, 0.5], [9.0, -0.1])
    half = steered(logits, grid([0.5, 0], [0, 0]))
    assert half.flatten().tolist() == [0.5, 0.5, 1.5, -0.5]  # past half of four: the third
    full = steered(logits, grid([1, 0], [-1, 0]))
    assert full.flatten().tolist() == [2.5, 0.5, -2.5, -0.5]
    assert full.flatten().argsort(descending=True).tolist() == [0, 1, 3, 2]


def test_equal_logits_keep_their_order() -> None:
    seen = steered(torch.zeros(1, 1, 2, 3), torch.zeros(1, 1, 2, 3)).flatten()
    assert seen.argsort(descending=True).tolist() == list(range(6))
    assert (seen < 0).all()  # a logit of 0 is closed


def test_the_images_of_a_batch_are_ranked_alone() -> None:
    logits = torch.tensor([[1.0, 2.0], [20.0, -1.0]]).view(2, 1, 1, 2)
    seen = steered(logits, torch.zeros(1, 1, 1, 2))
    assert seen.flatten().tolist() == [0.5, 1.5, 0.5, -0.5]


def test_a_gate_pixel_has_the_mean_of_what_it_covers() -> None:
    painted = torch.zeros(1, 1, 5, 6)
    painted[0, 0, :2, :3] = 1.0
    painted[0, 0, 4, 5] = -1.0
    cells = over_cells(painted, 4)
    # 6 of 16 image pixels; 0 of 8; 0 of 4; 1 of 2: what lies outside the image does not count.
    assert cells.shape == (1, 1, 2, 2)
    assert cells.flatten().tolist() == [6 / 16, 0, 0, -1 / 2]


def test_a_map_is_laid_over_the_image_cell_by_cell() -> None:
    coarse = np.array([[1, 0, -1]], np.float32)
    assert steering_at(coarse, (2, 6)).tolist() == [[1, 1, 0, 0, -1, -1]] * 2
    assert steering_at(coarse, (1, 4)).tolist() == [[1, 0, 0, -1]]
    fine = np.kron(np.array([[1, -1], [0, 1]], np.float32), np.ones((8, 8), np.float32))
    assert steering_at(fine, (2, 2)).tolist() == [[1, -1], [0, 1]]
    # A map enlarged by a whole number says the same.
    some = np.random.default_rng(0).integers(-1, 2, (13, 17)).astype(np.float32)
    assert np.array_equal(
        steering_at(some, (40, 55)), steering_at(some.repeat(8, 0).repeat(8, 1), (40, 55))
    )


# ---------------------------------------------------------------- policies


COST = tiny_cost()
LAYER = 1
ROWS, COLUMNS = COST.layers[LAYER].output_size
TABLE = BudgetTable.uniform(("l0", "l1", "l2"))
BUDGETS = np.linspace(COST.floor, 1, 9)


def image_map(strength: float) -> Tensor:
    """The left third of the image is painted."""
    painted = torch.zeros(1, 1, 8 * ROWS, 8 * COLUMNS)
    painted[..., : 8 * 5] = strength
    return painted


def logits_of(layer: int, budget: float = 0.5) -> Tensor:
    """The logits of a gate: the budget moves all of them together."""
    drawn = torch.randn(1, 1, ROWS, COLUMNS, generator=torch.Generator().manual_seed(layer))
    return drawn + float(np.log(budget / (1.02 - budget)))


def decide(policy: SteeredPolicy | ExactPolicy | AdaptivePolicy, budget: float) -> list[Tensor]:
    decisions = policy.begin(COST, torch.tensor([budget]))
    return [decisions.decide(i, logits_of(i, budget)) for i in range(len(COST.layers))]


@pytest.mark.parametrize("strength", [-1.0, -0.4, 0.3, 1.0])
def test_the_exact_budget_is_met_whatever_is_painted(strength: float) -> None:
    policy = SteeredPolicy(ExactPolicy(TABLE), image_map(strength))
    for budget in BUDGETS:
        masks = decide(policy, float(budget))
        spent = sum(float(c.executed(m)) for c, m in zip(COST.layers, masks, strict=True))
        assert (COST.fixed + spent) / COST.dense == pytest.approx(budget, abs=0.01)


@pytest.mark.parametrize("inner", [ExactPolicy(TABLE), AdaptivePolicy()], ids=["exact", "adaptive"])
@pytest.mark.parametrize("strength", [-1.0, -0.4, 0.3, 1.0])
def test_steered_active_sets_grow_with_the_budget(
    inner: ExactPolicy | AdaptivePolicy, strength: float
) -> None:
    policy = SteeredPolicy(inner, image_map(strength))
    previous = [torch.zeros(1, 1, ROWS, COLUMNS, dtype=torch.bool)] * 3
    for budget in BUDGETS:
        masks = decide(policy, float(budget))
        for before, after in zip(previous, masks, strict=True):
            assert not (before & ~after).any()
        previous = masks
    assert all(mask.all() for mask in previous)


def test_full_strength_comes_before_everything_else() -> None:
    share = 5 / COLUMNS
    for sign in (1, -1):
        policy = SteeredPolicy(ExactPolicy(TABLE), image_map(sign))
        for budget in BUDGETS[1:-1]:
            for mask in decide(policy, float(budget)):
                inside, outside = mask[..., :5], mask[..., 5:]
                first, then = (inside, outside) if sign > 0 else (outside, inside)
                assert first.all() or not then.any()
    assert 0.2 < share < 0.4  # so that both cases have occurred


def test_more_strength_never_spends_less_there() -> None:
    counts = [
        sum(int(mask[..., :5].sum()) for mask in decide(
            SteeredPolicy(ExactPolicy(TABLE), image_map(strength)), 0.5))
        for strength in (-1.0, -0.5, 0.0, 0.5, 1.0)
    ]  # fmt: skip
    assert counts == sorted(counts) and counts[0] < counts[2] < counts[3] < counts[4]


def test_no_strength_decides_as_the_policy_itself() -> None:
    for inner in (ExactPolicy(TABLE), AdaptivePolicy()):
        for budget in BUDGETS:
            pairs = zip(
                decide(SteeredPolicy(inner, image_map(0.0)), float(budget)),
                decide(inner, float(budget)),
                strict=True,
            )
            assert all(torch.equal(a, b) for a, b in pairs)


def test_at_full_strength_the_threshold_is_overruled() -> None:
    spend = SteeredPolicy(AdaptivePolicy(), image_map(1.0)).begin(COST, torch.tensor([0.5]))
    closed = spend.decide(LAYER, logits_of(LAYER) - 100)
    assert closed[..., :5].all() and not closed[..., 5:].any()
    skip = SteeredPolicy(AdaptivePolicy(), image_map(-1.0)).begin(COST, torch.tensor([0.5]))
    open_ = skip.decide(LAYER, logits_of(LAYER) + 100)
    assert not open_[..., :5].any() and open_[..., 5:].all()


# ---------------------------------------------------------------- in the predictor


def painted_left(value: float, rows: int = 9, columns: int = 12) -> np.ndarray:
    steer = np.zeros((rows, columns), np.float32)
    steer[:, : columns // 3] = value
    return steer


def same(a: Inference, b: Inference) -> bool:
    maps = all(np.array_equal(getattr(a, task), getattr(b, task)) for task in TASKS)
    gates = zip(a.gates, b.gates, strict=True)
    return maps and all(np.array_equal(x.mask, y.mask) for x, y in gates)


@pytest.mark.parametrize("policy", ["exact", "adaptive"])
def test_a_map_of_zeros_changes_nothing_bit_for_bit(predictor: Predictor, policy: str) -> None:
    plain = predictor(photo(96, 128), 0.6, policy=policy, size=128)
    zeros = predictor(photo(96, 128), 0.6, policy=policy, size=128, steer=painted_left(0))
    assert same(plain, zeros)
    assert plain.steered == zeros.steered == 0


def test_full_budget_is_bit_equal_whatever_is_painted(predictor: Predictor) -> None:
    plain = predictor(photo(96, 128), 1.0, size=128)
    for policy in ("exact", "adaptive"):
        painted = predictor(photo(96, 128), 1.0, policy=policy, size=128, steer=painted_left(-1))
        assert same(plain, painted)


def test_compute_goes_where_it_is_asked_for_at_the_same_cost(predictor: Predictor) -> None:
    records = {
        value: predictor(photo(97, 130), 0.6, size=130, steer=painted_left(value))
        for value in (-1.0, 0.0, 1.0)
    }
    inside = [float(r.ponder_layers[:, :40].mean()) for r in records.values()]
    assert inside[0] + 2 < inside[1] < inside[2] - 2
    for record in records.values():
        assert record.budget_achieved == pytest.approx(0.6, abs=0.005)
        assert record.policy == "exact"
    assert records[1.0].steered == pytest.approx(1 / 3, abs=0.01)
    assert summary(records[1.0])["steered"] == records[1.0].steered
    assert summary(records[0.0])["steered"] == 0
    # What the gates themselves wished in the first layer, nobody has changed.
    first = [record.gates[0].probability for record in records.values()]
    assert np.array_equal(first[0], first[1]) and np.array_equal(first[1], first[2])


def test_sparse_and_dense_execution_agree_when_steered(predictor: Predictor) -> None:
    sparse, dense = (
        predictor(photo(96, 128), 0.6, execution=e, size=128, steer=painted_left(1))
        for e in ("sparse", "dense")
    )
    assert sparse.depth is not None and dense.depth is not None
    assert np.allclose(sparse.depth, dense.depth, rtol=1e-3)


# ---------------------------------------------------------------- what is handed in


@pytest.mark.parametrize(
    ("steer", "words"),
    [
        ([[0, 1]], "is list; expected an array"),
        ("left", "is str; expected an array"),
        (np.array([["a"]]), "expected an array of numbers"),
        (np.zeros((2, 2), bool), "is bool; expected an array of numbers"),
        (np.zeros(4), r"shape \(4,\); expected \(height, width\)"),
        (np.zeros((2, 2, 3)), r"shape \(2, 2, 3\)"),
        (np.zeros((0, 5)), r"shape \(0, 5\)"),
        (np.array([[0.0, 1.5]]), r"0\.\.1\.5; expected -1 \(skip\) to 1 \(spend\)"),
        (np.array([[0.0, np.nan]]), "expected -1"),
        (np.array([[-np.inf, 0.0]]), "expected -1"),
        (np.full((2, 2), 128, np.uint8), r"128\.\.128; expected -1"),
    ],
)
def test_maps_that_cannot_be_used_are_explained(
    predictor: Predictor, steer: object, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        predictor(photo(96, 128), 0.6, size=128, steer=steer)  # type: ignore[arg-type]


def test_a_map_is_not_changed_and_whole_numbers_are_numbers() -> None:
    steer = np.array([[1, 0], [-1, 0]], np.int8)
    checked = check_steering(steer)
    assert checked is not None and checked.dtype == np.float32
    assert checked.tolist() == steer.tolist()
    assert check_steering(np.zeros((3, 3))) is None
    assert check_steering(None) is None


def test_a_grey_picture_is_read_as_a_map(tmp_path: Path) -> None:
    levels = np.full((20, 30), 128, np.uint8)
    levels[:5], levels[5:10, :10], levels[19, 29] = 255, 0, 1
    Image.fromarray(levels).save(tmp_path / "map.png")
    steer = read_steering(tmp_path / "map.png")
    assert steer.shape == (20, 30)
    assert (steer[:5] == 1).all() and (steer[5:10, :10] == -1).all() and steer[19, 29] == -1
    assert (steer[10:19] == 0).all()


def test_a_picture_in_colour_is_no_map(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20), (200, 10, 10)).save(tmp_path / "map.png")
    with pytest.raises(InputError, match="in colour; expected grey: 128 is neutral"):
        read_steering(tmp_path / "map.png")
