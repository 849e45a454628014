"""Gate decisions with a gradient: what training draws, and the losses of the budget."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pag.gate import PixelGate, binary_gumbel
from pag.macs import NetworkCost
from pag.ranking import keep_highest
from pag.relaxation import (
    RankedPolicy,
    StochasticPolicy,
    budget_loss,
    gated_share,
    layer_budget_loss,
    layer_shares,
    straight_through,
)
from tests.costs import layer, tiny_cost


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# ---------------------------------------------------------------- sampled masks


def test_stochastic_policy_draws_and_opens_all_at_full_budget() -> None:
    cost = tiny_cost()
    logits = torch.zeros(3, 1, 12, 16, requires_grad=True)
    policy = StochasticPolicy(0.8, generator())
    mask = policy.begin(cost, torch.tensor([0.5, 1.0, 0.3])).decide(1, logits)
    assert set(mask[0].unique().tolist()) == {0.0, 1.0}
    assert (mask[1] == 1).all()
    mask.sum().backward()
    assert logits.grad is not None
    assert (logits.grad[[0, 2]] != 0).any() and (logits.grad[1] == 0).all()


# ---------------------------------------------------------------- ranked masks


LEVEL = torch.zeros(3)


def budget_of(cost: NetworkCost, share: float) -> float:
    """The budget that leaves the gated layers this share of their multiply-adds."""
    return (cost.fixed + share * (cost.dense - cost.fixed)) / cost.dense


def test_without_noise_the_highest_logits_are_kept_within_the_layers_share() -> None:
    cost = tiny_cost()
    logits = torch.randn(2, 1, 12, 16, generator=generator())
    policy = RankedPolicy(1.0, generator(), LEVEL, noise=0, spread=0)
    shares = (0.3, 0.8)
    budget = torch.tensor([budget_of(cost, s) for s in shares])
    for index, one in enumerate(cost.layers):
        masks = policy.begin(cost, budget).decide(index, logits)
        for i, share in enumerate(shares):
            expected, _ = keep_highest(one, logits[i : i + 1], share * one.dense)
            assert torch.equal(masks[i : i + 1].bool(), expected)
            assert set(masks[i].unique().tolist()) == {0.0, 1.0}


def test_full_budget_opens_every_gate_and_passes_no_gradient() -> None:
    cost = tiny_cost()
    logits = torch.randn(2, 1, 12, 16, generator=generator(), requires_grad=True)
    mask = (
        RankedPolicy(1.0, generator(), LEVEL)
        .begin(cost, torch.tensor([1.0, 0.6]))
        .decide(1, logits)
    )
    assert (mask[0] == 1).all() and not (mask[1] == 1).all()
    (mask * torch.randn(mask.shape, generator=generator(1))).sum().backward()
    assert logits.grad is not None
    assert (logits.grad[0] == 0).all() and (logits.grad[1] != 0).any()


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_noise_is_measured_by_the_logits_own_spread(scale: float) -> None:
    cost = tiny_cost()
    logits = torch.randn(1, 1, 12, 16, generator=generator())
    budget = torch.tensor([budget_of(cost, 0.5)])

    def masks(noise: float, logits: Tensor) -> Tensor:
        policy = RankedPolicy(1.0, generator(3), LEVEL, noise=noise, spread=0)
        return policy.begin(cost, budget).decide(1, logits)

    assert torch.equal(masks(0.3, logits), masks(0.3, logits * scale))
    calm = (masks(0, logits) != masks(0.1, logits)).float().mean()
    wild = (masks(0, logits) != masks(3.0, logits)).float().mean()
    assert 0 < calm < wild


def test_shares_differ_from_layer_to_layer_around_the_budgets() -> None:
    cost = tiny_cost()
    logits = torch.randn(64, 1, 12, 16, generator=generator())
    budget = torch.full((64,), budget_of(cost, 0.5))
    drawn = RankedPolicy(1.0, generator(), LEVEL, spread=0.5).begin(cost, budget)
    shares = [cost.layers[i].executed(drawn.decide(i, logits)) for i in (1, 2)]
    first, second = (s / cost.layers[i].dense for s, i in zip(shares, (1, 2), strict=True))
    assert first.std() > 0.05 and not torch.allclose(first, second, atol=0.02)
    assert first.mean() == pytest.approx(0.5, abs=0.06)


def test_gradient_moves_pixels_against_each_other_and_never_the_level() -> None:
    logits = torch.randn(1, 1, 12, 16, generator=generator(), requires_grad=True)
    hard = logits > 0.2
    mask = straight_through(logits, hard, torch.tensor(0.4), 0.7)
    assert torch.equal(mask, hard.float())
    worth = torch.randn(mask.shape, generator=generator(1))
    (mask * worth).sum().backward()
    assert logits.grad is not None
    assert logits.grad.sum().item() == pytest.approx(0, abs=1e-5)
    near = (logits.detach() - 0.2).abs() < 0.5
    best, worst = worth[near].argmax(), worth[near].argmin()
    assert logits.grad[near][best] > 0 > logits.grad[near][worst]


@pytest.mark.parametrize("kept", [True, False])
def test_masks_of_one_kind_have_finite_gradients(kept: bool) -> None:
    logits = torch.randn(1, 1, 4, 4, generator=generator(), requires_grad=True)
    hard = torch.full_like(logits, kept, dtype=torch.bool)
    mask = straight_through(logits, hard, torch.tensor(float(kept)), 0.5)
    assert (mask == float(kept)).all()
    mask.square().sum().backward()
    assert logits.grad is not None and logits.grad.isfinite().all()


def test_a_shares_gradient_is_what_the_pixels_at_the_margin_are_worth() -> None:
    logits = torch.linspace(-1, 1, 100).view(1, 1, 10, 10)
    share = torch.tensor(0.5, requires_grad=True)
    # Each pixel near the threshold is worth 3, the others nothing.
    worth = 3.0 * (logits.abs() < 0.5)
    (straight_through(logits, logits > 0, share, 0.02) * worth).sum().backward()
    assert share.grad is not None and share.grad.item() == pytest.approx(300, rel=1e-3)


def test_shares_meet_the_budget_whatever_the_levels() -> None:
    cost = tiny_cost()
    dense = torch.tensor([one.dense for one in cost.layers])
    budget = torch.tensor([budget_of(cost, share) for share in (0.02, 0.5, 0.97)])
    even = layer_shares(torch.zeros(3), cost, budget)
    assert torch.allclose(even, torch.tensor([0.02, 0.5, 0.97])[:, None].expand(3, 3), atol=1e-4)
    for levels in (torch.tensor([3.0, 0.0, -3.0]), torch.tensor([-1.0, 5.0, 0.5])):
        shares = layer_shares(levels, cost, budget)
        spent = cost.fixed + (shares * dense).sum(1)
        assert torch.allclose(spent / cost.dense, budget, atol=1e-4)
        assert (shares.argsort(1) == levels.argsort()).all()
        assert (shares.diff(dim=0) > 0).all()


def test_a_layers_level_takes_its_share_from_the_others() -> None:
    cost = tiny_cost()
    dense = torch.tensor([float(one.dense) for one in cost.layers])
    levels = torch.tensor([0.5, -0.2, 1.0], requires_grad=True)
    budget = torch.tensor([budget_of(cost, 0.4)])
    shares = layer_shares(levels, cost, budget)[0]
    (gradient,) = torch.autograd.grad(shares[1], levels, retain_graph=True)
    assert gradient[1] > 0 > gradient[0] and gradient[2] < 0
    (gradient,) = torch.autograd.grad((shares * dense).sum(), levels)
    assert torch.allclose(gradient, torch.zeros(3), atol=1e-3 * float(dense.sum()))
    step = 1e-2
    moved = levels.detach() + step * torch.tensor([0.0, 1.0, 0.0])
    numeric = (layer_shares(moved, cost, budget)[0] - shares.detach()) / step
    exact = torch.stack(
        [
            torch.autograd.grad(s, levels, retain_graph=True)[0][1]
            for s in layer_shares(levels, cost, budget)[0]
        ]
    )
    assert torch.allclose(numeric, exact, atol=2e-3)


def test_levels_learn_which_layer_is_worth_more() -> None:
    cost = tiny_cost()
    levels = torch.nn.Parameter(torch.zeros(3))
    policy = RankedPolicy(1.0, generator(), levels)
    budget = torch.full((2,), budget_of(cost, 0.5))
    optimizer = torch.optim.Adam([levels], lr=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        decisions = policy.begin(cost, budget)
        logits = torch.randn(2, 1, 12, 16, generator=generator(1))
        loss = -decisions.decide(1, logits).mean() + decisions.decide(2, logits).mean()
        loss.backward()
        optimizer.step()
    assert levels[1] > 0.5 and levels[2] < -0.5


def test_ranked_masks_teach_a_gate_where_to_look() -> None:
    torch.manual_seed(0)
    gate = PixelGate(8, smoothing=0)
    features = torch.randn(2, 8, 12, 16)
    worth = features[:, 3:4] - features[:, 5:6]
    cost = tiny_cost()
    policy = RankedPolicy(1.0, generator(), LEVEL)
    budget = torch.full((2,), budget_of(cost, 0.4))
    optimizer = torch.optim.Adam(gate.parameters(), lr=0.05)
    for _ in range(40):
        optimizer.zero_grad()
        mask = policy.begin(cost, budget).decide(1, gate(features, budget))
        (-(mask * worth).mean()).backward()
        optimizer.step()
    mask = gate(features, budget).detach()
    mask = mask > mask.quantile(0.6)
    assert worth[mask].mean() > 0.9 and worth[~mask].mean() < -0.4


# ---------------------------------------------------------------- the loss


def test_budget_loss_pulls_towards_the_target() -> None:
    cost = tiny_cost()
    gated = cost.dense - cost.fixed
    for target in (0.5, 0.7, 0.95):
        wanted = target * cost.dense - cost.fixed
        for used in (0.5 * wanted, wanted, min(1.5 * wanted, 0.99 * gated)):
            executed = torch.full((3,), used, dtype=torch.float64, requires_grad=True)
            loss = budget_loss(executed, cost, target)
            loss.backward()
            assert executed.grad is not None and loss.isfinite()
            if used == wanted:
                assert loss.item() == pytest.approx(0, abs=1e-9)
                assert executed.grad.abs().max() * gated < 1e-6
            else:
                assert loss.item() > 0
                assert (executed.grad.sign() == math.copysign(1, used - wanted)).all()


@pytest.mark.parametrize("used", [0.0, 1.0])
def test_budget_loss_is_finite_at_the_ends(used: float) -> None:
    cost = tiny_cost()
    executed = torch.tensor([used * (cost.dense - cost.fixed)], dtype=torch.float64)
    for target in (cost.floor, 0.6, 1.0):
        loss = budget_loss(executed, cost, target)
        assert loss.isfinite() and loss.item() >= 0


@pytest.mark.parametrize("scope", ["block", "conv"])
@pytest.mark.parametrize("target", [0.2, 0.9])
def test_budget_loss_teaches_a_gate(scope: str, target: float) -> None:
    torch.manual_seed(0)
    gate = PixelGate(8)
    features = torch.randn(2, 8, 12, 16)
    cost = NetworkCost(1000, (layer((12, 16), scope=scope),), 0)
    optimizer = torch.optim.Adam(gate.parameters(), lr=0.15)
    noise = generator(1)

    def used() -> Tensor:
        logits = gate(features, torch.full((2,), 0.5))
        return cost.layers[0].executed(binary_gumbel(logits, 1.0, noise))

    for step in range(30):
        optimizer.zero_grad()
        budget_loss(used(), cost, target).backward()
        if step == 0:
            weight = gate.project.weight.grad
            assert weight is not None and weight.abs().max() > 0
        optimizer.step()
    achieved = (cost.fixed + used().mean().item()) / cost.dense
    assert achieved == pytest.approx(target, abs=0.1)


def test_layer_budget_loss_is_zero_where_each_layer_meets_its_share() -> None:
    shares = torch.tensor([[0.2, 0.5, 0.9], [0.1, 0.3, 0.8]])
    images = [2, 1]
    each = shares.repeat_interleave(torch.tensor(images), 0)
    logits = [torch.logit(share).view(-1, 1, 1, 1).expand(-1, 1, 4, 4) for share in each.T]
    assert layer_budget_loss(logits, shares, images).item() == pytest.approx(0, abs=1e-6)
    # The mean over all layers is right here, but not that of each.
    assert layer_budget_loss(logits[::-1], shares, images).item() > 0.1
    # And here that over all images.
    assert layer_budget_loss(logits, shares.flip(0), [1, 2]).item() > 0.01


def test_gated_share_runs_from_the_floor_to_all() -> None:
    cost = tiny_cost()
    budget = torch.tensor([cost.floor / 2, cost.floor, 1.0])
    assert gated_share(cost, budget).tolist() == pytest.approx([0, 0, 1], abs=1e-6)
