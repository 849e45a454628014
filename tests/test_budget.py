"""From a budget to masks: checking, the calibrated table, the policies."""

from __future__ import annotations

import itertools
import math
from decimal import Decimal

import numpy as np
import pytest
import torch
from torch import Tensor

from pag import budget as budgets
from pag.backbones import BlockInput, ResidualBlock, opened
from pag.budget import (
    AdaptivePolicy,
    BudgetTable,
    ExactPolicy,
    GatePolicy,
    OpenPolicy,
    check_budget,
)
from pag.errors import BudgetError
from pag.execution import Execution, added
from pag.inference import TASKS
from pag.macs import NetworkCost, network_cost
from pag.network import PAGNet
from tests.backbones import variants
from tests.checkpoints import random_net
from tests.costs import tiny_cost

VARIANTS = [
    ("resnet50", 8, "block"),
    ("resnet50", 16, "block"),
    ("resnet50", 16, "conv"),
    ("mobilenetv2", 8, "block"),
]


@pytest.fixture(scope="module", params=variants(*VARIANTS))
def net(request: pytest.FixtureRequest) -> PAGNet:
    return random_net(**request.param)


# ---------------------------------------------------------------- check_budget


@pytest.mark.parametrize("budget", [1, 1.0, 0.25, np.float32(0.5), np.int64(1), 1e-9])
def test_usable_budgets(budget: float) -> None:
    value = check_budget(budget)
    assert type(value) is float and value == float(budget)


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        (math.nan, "The budget is nan; expected a number"),
        (math.inf, "The budget is inf; expected a number"),
        (np.float32("nan"), "The budget is nan"),
        (7, "The budget is 7; expected a share of the full compute"),
        (-1, "The budget is -1; expected a share"),
        (0, "The budget is 0; expected a share"),
        pytest.param(10**400, "The budget is inf", id="huge"),
        (None, "The budget is None; expected a number"),
        ("x", "The budget is 'x'; expected a number"),
        ("0.5", "The budget is '0.5'; expected a number"),
        (True, "The budget is True; expected a number"),
        (Decimal("0.5"), "expected a number"),
        ([0.5], "expected a number"),
    ],
)
def test_unusable_budgets(budget: object, message: str) -> None:
    with pytest.raises(BudgetError, match=message):
        check_budget(budget)


def test_budget_below_the_floor() -> None:
    assert check_budget(0.231, floor=0.231) == 0.231
    with pytest.raises(BudgetError, match=r"needs 0\.231 .* ask for 0\.24 or more"):
        check_budget(0.2, floor=0.231)


# ---------------------------------------------------------------- the table


def uneven(names: tuple[str, ...]) -> BudgetTable:
    """Early layers open late, the last one first; one half of the curve is flat for each."""
    count = len(names)
    middle = tuple(0.05 if i < count // 2 else 1.0 for i in range(count))
    return BudgetTable(names, (tuple([0.0] * count), middle, tuple([1.0] * count)))


@pytest.mark.parametrize(
    "shares",
    [
        ((0.0, 0.0),),
        ((0.0, 0.0), (1.0,)),
        ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        ((0.0, 0.1), (1.0, 1.0)),
        ((0.0, 0.0), (1.0, 0.9)),
        ((0.0, 0.0), (0.6, 0.5), (0.5, 0.6), (1.0, 1.0)),
        ((0.0, 0.0), (0.5, math.nan), (1.0, 1.0)),
        (),
    ],
)
def test_tables_that_do_not_rise_from_closed_to_open(shares: tuple) -> None:
    with pytest.raises(BudgetError, match="table"):
        BudgetTable(("a", "b"), shares)


def test_table_allots_what_the_budget_leaves() -> None:
    cost = tiny_cost()
    names = tuple(layer.name for layer in cost.layers)
    dense = [layer.dense for layer in cost.layers]
    for table in (BudgetTable.uniform(names), uneven(names)):
        for budget in np.linspace(cost.floor, 1, 13):
            macs = table.allot(cost, float(budget))
            assert sum(macs) == pytest.approx(budget * cost.dense - cost.fixed, abs=1e-3)
            assert all(0 <= m <= d * (1 + 1e-12) for m, d in zip(macs, dense, strict=True))


def test_table_is_followed_between_its_rows() -> None:
    cost = tiny_cost()
    names = tuple(layer.name for layer in cost.layers)
    dense = np.array([layer.dense for layer in cost.layers], dtype=float)
    middle = np.array([0.9, 0.5, 0.1])
    table = BudgetTable(names, ((0.0,) * 3, tuple(middle), (1.0,) * 3))
    for part in (0.5, 1.0):
        budget = float(cost.fixed + part * middle @ dense) / cost.dense
        assert np.allclose(np.array(table.allot(cost, budget)) / dense, part * middle)


def last_first(names: tuple[str, ...]) -> BudgetTable:
    """The last layer opens at once, the others follow."""
    middle = (*(0.2 for _ in names[1:]), 1.0)
    return BudgetTable(names, (tuple(0.0 for _ in names), middle, tuple(1.0 for _ in names)))


# ---------------------------------------------------------------- policies without a network


AFTER_POOL = ("res5_3", "stage6_2")
"""The first gated layer behind MultiPool, in either backbone."""


def drive(
    policy: GatePolicy, cost: NetworkCost, budget: float, kind: str = "smooth", points: float = 0.0
) -> tuple[float, list[Tensor]]:
    """Run a policy on made-up logits of one image.

    Args:
        kind: ``smooth`` or ``equal`` logits.
        points: share of pixels that take MultiPool's 1x1 path.

    Returns:
        The budget achieved and the masks.
    """
    generator = torch.Generator().manual_seed(5)
    decisions = policy.begin(cost, torch.tensor([budget]))
    executed, masks, saved = 0.0, [], 0.0
    for index, gated in enumerate(cost.layers):
        if gated.name in AFTER_POOL:
            pixels = gated.output_size[0] * gated.output_size[1]
            saved = float(round(points * pixels) * cost.pool_saving)
            decisions.note_pool(torch.tensor([saved], dtype=torch.float64))
        height, width = gated.output_size
        coarse = torch.randn(1, 1, 4, 4, generator=generator) * (kind == "smooth")
        logits = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
        mask = decisions.decide(index, logits)
        executed += float(gated.executed(mask))
        masks.append(mask)
    return (cost.fixed - saved + executed) / (cost.dense - saved), masks


SIZES = [(480, 360), (240, 321), (480, 64), (64, 480), (64, 64), (97, 131)]


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("kind", ["smooth", "equal"])
def test_exact_policy_meets_every_budget(net: PAGNet, size: tuple[int, int], kind: str) -> None:
    cost = network_cost(net, size, TASKS)
    names = tuple(net.gates)
    points = itertools.cycle((0.0, 1.0, 0.4))
    for table in (BudgetTable.uniform(names), uneven(names), last_first(names)):
        for budget in (cost.floor, max(cost.floor, 0.65), 0.8, 0.95, 0.999):
            achieved, _ = drive(ExactPolicy(table), cost, budget, kind, next(points))
            assert achieved == pytest.approx(budget, abs=0.005)


def test_what_multipool_saves_can_always_be_spent(net: PAGNet) -> None:
    # The last layer is full by the table, and is the only one left when the saving is known.
    cost = network_cost(net, (240, 320), TASKS)
    policy = ExactPolicy(last_first(tuple(net.gates)))
    for budget in (max(cost.floor, 0.5), 0.7, 0.9):
        achieved, _ = drive(policy, cost, budget, points=1.0)
        assert achieved == pytest.approx(budget, abs=0.001)


@pytest.mark.parametrize("points", [0.0, 0.7])
def test_active_sets_grow_with_the_budget(net: PAGNet, points: float) -> None:
    cost = network_cost(net, (97, 131), TASKS)
    policy = ExactPolicy(BudgetTable.uniform(tuple(net.gates)))
    previous = [torch.zeros(1, dtype=torch.bool)] * len(cost.layers)
    for budget in np.linspace(cost.floor, 1, 9):
        _, masks = drive(policy, cost, float(budget), points=points)
        for before, after in zip(previous, masks, strict=True):
            assert not (before & ~after).any()
        previous = masks
    assert all(mask.all() for mask in previous)


def test_shuffled_masks_spend_the_same_on_other_pixels(net: PAGNet) -> None:
    cost = network_cost(net, (128, 160), TASKS)
    table = BudgetTable.uniform(tuple(net.gates))
    _, learned = drive(ExactPolicy(table), cost, 0.7)
    for seed in (0, 1):
        policy = ExactPolicy(table, torch.Generator().manual_seed(seed))
        achieved, drawn = drive(policy, cost, 0.7)
        assert achieved == pytest.approx(0.7, abs=0.005)
        assert any((a != b).any() for a, b in zip(learned, drawn, strict=True))
        learned = drawn


def test_each_image_of_a_batch_is_decided_alone() -> None:
    cost = tiny_cost()
    policy = ExactPolicy(BudgetTable.uniform(("l0", "l1", "l2")))
    budgets = torch.tensor([0.5, 1.0, 0.8])
    logits = [
        torch.randn(3, 1, *c.output_size, generator=torch.Generator().manual_seed(i))
        for i, c in enumerate(cost.layers)
    ]
    together = policy.begin(cost, budgets)
    alone = [policy.begin(cost, budgets[i : i + 1]) for i in range(3)]
    for index, values in enumerate(logits):
        mask = together.decide(index, values)
        parts = [alone[i].decide(index, values[i : i + 1]) for i in range(3)]
        assert torch.equal(mask, torch.cat(parts))


def test_adaptive_policy_is_the_gates_threshold() -> None:
    cost = tiny_cost()
    logits = torch.randn(2, 1, 12, 16, generator=torch.Generator().manual_seed(0))
    mask = AdaptivePolicy().begin(cost, torch.tensor([0.5, 1.0])).decide(1, logits)
    assert torch.equal(mask[0], logits[0] > 0)
    assert mask[1].all()


# ---------------------------------------------------------------- policies in a network


@torch.inference_mode()
def test_exact_policy_in_the_network(net: PAGNet) -> None:
    table = uneven(tuple(net.gates))
    for size, budget in (((64, 96), 0.65), ((100, 65), 0.9)):
        image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1))
        _, trace = net(image, torch.tensor([budget]), ExactPolicy(table))
        achieved = float(trace.macs_executed / trace.macs_dense)
        assert achieved == pytest.approx(budget, abs=0.005)
        for gate in trace.gates:
            assert float(gate.cost.executed(gate.mask)) == float(gate.executed)


class Ungated(Execution):
    """Runs blocks as a network without gates would."""

    def residual(
        self,
        block: ResidualBlock,
        a: Tensor | BlockInput,
        mask: Tensor,
        scope: str,
        onto: Tensor | None = None,
    ) -> Tensor:
        return added(block.expand(block.spatial(block.reduce(opened(a)))), onto)


@torch.inference_mode()
def test_full_budget_is_bit_equal_to_the_ungated_network(net: PAGNet) -> None:
    image = torch.rand(1, 3, 65, 99, generator=torch.Generator().manual_seed(2))
    full = torch.tensor([1.0])
    expected, _ = net(image, full, OpenPolicy(), execution=Ungated())
    table = uneven(tuple(net.gates))
    for policy in (None, OpenPolicy(), ExactPolicy(table), AdaptivePolicy()):
        outputs, trace = net(image, full, policy)
        assert float(trace.macs_executed) == float(trace.macs_dense)
        for task in TASKS:
            assert torch.equal(outputs[task], expected[task])


@torch.inference_mode()
def test_masks_are_the_same_where_all_images_are_decided_together(
    net: PAGNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    image, wanted = torch.rand(3, 3, 64, 96), torch.tensor([0.6, 0.85, 1.0])
    policy = ExactPolicy(BudgetTable.uniform(tuple(net.gates)))
    _, expected = net(image, wanted, policy)
    monkeypatch.setattr(budgets, "decides_there", lambda x: True)
    _, found = net(image, wanted, policy)
    for gate, one_by_one in zip(found.gates, expected.gates, strict=True):
        assert torch.equal(gate.mask, one_by_one.mask)
    assert all(gate.mask[2].all() for gate in found.gates)


def test_numbers_are_copied_to_a_device_once() -> None:
    with torch.inference_mode():
        first = budgets.numbers_on(torch.device("cpu"), (0.1, 2.0))
    assert budgets.numbers_on(torch.device("cpu"), (0.1, 2.0)) is first
    assert first.dtype == torch.float64 and not first.is_inference()
    assert first.tolist() == [0.1, 2.0]
