"""Whole layers: tables by hand, budgets met with one layer open in part."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pag.baselines.layers import OpenLayers, TablePolicy, layer_table
from pag.budget import BudgetTable, GatePolicy
from pag.errors import InputError
from pag.network import PAGNet, Trace
from tests.checkpoints import random_net


@pytest.fixture(scope="module")
def net() -> PAGNet:
    return random_net()


@torch.inference_mode()
def run(net: PAGNet, policy: GatePolicy, *budgets: float) -> Trace:
    image = torch.rand(len(budgets), 3, 64, 96, generator=torch.Generator().manual_seed(1))
    _, trace = net(image, torch.tensor(budgets), policy, tasks=("depth",))
    return trace


def fractions(trace: Trace, image: int = 0) -> np.ndarray:
    return np.array([gate.mask[image].float().mean().item() for gate in trace.gates])


def test_a_table_opens_one_layer_after_the_other() -> None:
    table = layer_table(("a", "b", "c"), ("c", "a", "b"))
    assert table.names == ("a", "b", "c")
    assert table.shares == ((0, 0, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1))


@pytest.mark.parametrize("order", [(), ("a",), ("a", "a"), ("a", "c")])
def test_an_order_of_other_layers_is_refused(order: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="expected each of a, b once"):
        layer_table(("a", "b"), order)


@pytest.mark.parametrize("reverse", [False, True])
def test_whole_layers_meet_the_budget_with_one_open_in_part(net: PAGNet, reverse: bool) -> None:
    names = tuple(net.gates)
    order = names[::-1] if reverse else names
    budgets = (0.8, 0.6, 0.5)
    trace = run(net, TablePolicy(layer_table(names, order)), *budgets)
    achieved = trace.macs_executed / trace.macs_dense
    for image, budget in enumerate(budgets):
        assert achieved[image].item() == pytest.approx(budget, abs=0.005)
        opened = dict(zip(names, fractions(trace, image), strict=True))
        shares = [opened[name] for name in order]
        # Open in full, then one in part, then closed.
        assert shares == sorted(shares, reverse=True)
        assert sum(0 < share < 1 for share in shares) <= 1
        assert shares[0] == 1 and shares[-1] == 0


def test_the_layer_that_is_open_in_part_keeps_the_highest_logits(net: PAGNet) -> None:
    names = tuple(net.gates)
    trace = run(net, TablePolicy(layer_table(names, names)), 0.6)
    (gate,) = (gate for gate in trace.gates if 0 < gate.mask.float().mean() < 1)
    assert gate.logits[gate.mask].min() >= gate.logits[~gate.mask].max()


def test_full_budget_opens_everything(net: PAGNet) -> None:
    names = tuple(net.gates)
    trace = run(net, TablePolicy(layer_table(names, names)), 1.0, 0.5)
    assert (fractions(trace, 0) == 1).all() and (fractions(trace, 1) < 1).any()


def test_rounding_is_carried_to_the_next_layer_that_is_open_in_part(net: PAGNet) -> None:
    asked: list[float] = []

    def choose(cost, logits, target):
        asked.append(target / cost.dense)
        return torch.zeros_like(logits, dtype=torch.bool), 0.0

    names = tuple(net.gates)
    run(net, TablePolicy(BudgetTable.uniform(names), choose), 0.6)
    # Nothing is ever spent, so all that came before is offered again.
    assert len(asked) == len(names) and asked[0] < 1 < asked[-1]


def test_open_layers_follow_their_flags_whatever_the_budget(net: PAGNet) -> None:
    flags = tuple(index % 2 == 0 for index in range(len(net.gates)))
    trace = run(net, OpenLayers(flags), 0.4, 1.0)
    for image in (0, 1):
        assert fractions(trace, image).tolist() == [float(flag) for flag in flags]
