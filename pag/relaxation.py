"""Gate decisions that gradients pass through: how training draws masks, and learns budgets."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pag.budget import keep_highest
from pag.gate import binary_gumbel, logistic_noise
from pag.macs import NetworkCost


@dataclass(frozen=True)
class StochasticPolicy:
    """Binary Gumbel-softmax with straight-through gradients: the published way to train.

    Images whose budget is 1 have every gate open. See `pag.gate.binary_gumbel`.
    """

    temperature: float
    generator: torch.Generator
    cell: int = 1

    def begin(self, cost: NetworkCost, budget: Tensor) -> _StochasticPass:
        return _StochasticPass(self, budget)


class _StochasticPass:
    def __init__(self, policy: StochasticPolicy, budget: Tensor) -> None:
        self.policy = policy
        self.full = (budget >= 1).view(-1, 1, 1, 1)

    def decide(self, layer: int, logits: Tensor) -> Tensor:
        policy = self.policy
        sample = binary_gumbel(logits, policy.temperature, policy.generator, policy.cell)
        return torch.where(self.full, torch.ones_like(sample), sample)

    def note_pool(self, saved: Tensor) -> None:
        pass


@dataclass(frozen=True)
class RankedPolicy:
    """Keeps the highest logits, as the exact policy will, with a little noise.

    Independent noise that exceeds the logits' own spread makes nearly random masks, to which
    the network then grows indifferent, so that where the gates look matters little. Here the
    masks of training are those of use: every layer gets a share of its multiply-adds and
    spends it on the pixels of the highest logits. Noise is measured in standard deviations of
    the logits, so that it perturbs the order but never drowns it.

    Attributes:
        temperature: of the soft decision that gives the gradient.
        generator: source of the noise, on the CPU.
        cell: side of the squares of pixels that share one noise value.
        noise: standard deviation of the noise, in those of a layer's logits.
        spread: standard deviation, in log-odds, of each layer's share around the one that
            the budget gives, drawn anew for every image and layer, so that the network works
            with any division of the budget among the layers.
    """

    temperature: float
    generator: torch.Generator
    cell: int = 4
    noise: float = 0.3
    spread: float = 0.5

    def begin(self, cost: NetworkCost, budget: Tensor) -> _RankedPass:
        return _RankedPass(self, cost, budget)


class _RankedPass:
    def __init__(self, policy: RankedPolicy, cost: NetworkCost, budget: Tensor) -> None:
        self.policy = policy
        self.layers = cost.layers
        self.full = [b >= 1 for b in budget.tolist()]
        self.shares = gated_share(cost, budget)

    def decide(self, layer: int, logits: Tensor) -> Tensor:
        policy, cost = self.policy, self.layers[layer]
        noise = logistic_noise(logits.shape, policy.generator, policy.cell).to(logits)
        scale = policy.noise * logits.detach().std((1, 2, 3), keepdim=True) / LOGISTIC_STD
        noisy = logits + scale * noise
        offsets = policy.spread * torch.randn(len(logits), generator=policy.generator)
        shares = torch.sigmoid(torch.logit(self.shares.cpu(), 1e-4) + offsets)
        masks = []
        for i, full in enumerate(self.full):
            order = noisy[i : i + 1]
            if full:
                masks.append(torch.ones_like(order))
                continue
            with torch.no_grad():
                hard, _ = keep_highest(cost, order, float(shares[i]) * cost.dense)
            masks.append(straight_through(order, hard, policy.temperature))
        return torch.cat(masks)

    def note_pool(self, saved: Tensor) -> None:
        pass


LOGISTIC_STD = 1.8138
"""Standard deviation of the logistic distribution, pi / sqrt(3)."""


def straight_through(logits: Tensor, hard: Tensor, temperature: float) -> Tensor:
    """The hard mask, with the gradient of a soft one whose number of open pixels is fixed.

    The soft mask is sigmoid((logits - t) / temperature), where t lies between the kept and the
    dropped logits and moves with them so that the sum stays: raising one logit lowers all
    others' soft values. The gradient therefore says where to compute, never how much.

    Args:
        logits: (1, 1, h, w).
        hard: the same shape, bool; True where kept.
        temperature: positive.

    Returns:
        Same shape, values exactly 0 or 1.
    """
    with torch.no_grad():
        lowest = torch.where(hard, logits, torch.inf).amin()
        highest = torch.where(hard, -torch.inf, logits).amax()
        ends = torch.stack([lowest, highest])
        threshold = ends[ends.isfinite()].mean()
        slope = torch.sigmoid((logits - threshold) / temperature)
        slope = slope * (1 - slope)
        slope = slope / slope.sum().clamp_min(1e-12)
    moving = (slope * logits).sum()
    soft = torch.sigmoid((logits - threshold - moving + moving.detach()) / temperature)
    return soft + (hard.to(soft.dtype) - soft).detach()


def gated_share(cost: NetworkCost, budget: Tensor) -> Tensor:
    """Share of the gated compute that each budget leaves, (B,) -> (B,) in 0..1."""
    return ((budget * cost.dense - cost.fixed) / (cost.dense - cost.fixed)).clamp(0, 1)


def divergence(wanted: Tensor, used: Tensor) -> Tensor:
    """KL divergence between Bernoulli distributions, element by element, kept finite."""
    wanted, used = wanted.clamp(1e-3, 1 - 1e-3), used.clamp(1e-4, 1 - 1e-4)
    return wanted * torch.log(wanted / used) + (1 - wanted) * torch.log((1 - wanted) / (1 - used))


def budget_loss(executed: Tensor, cost: NetworkCost, target: float) -> Tensor:
    """KL divergence between the requested and the used share of the gated compute.

    Source: Kong and Fowlkes, WACV 2019, equation 5 in spirit: there one term a layer, here
    one term over the multiply-adds of all layers, so that layers may differ.

    Args:
        executed: (B,) switched multiply-adds of all gated layers, with gradient.
        cost: of the network at this size.
        target: requested budget, executed / dense over the whole network.

    Returns:
        Scalar, 0 when the mean over the images meets the target.
    """
    used = executed.mean() / (cost.dense - cost.fixed)
    return divergence(gated_share(cost, used.new_tensor(target)), used)


def layer_budget_loss(logits: list[Tensor], cost: NetworkCost, target: float) -> Tensor:
    """Mean over the layers of the divergence between requested and mean gate probability.

    Beside `RankedPolicy`, whose gradient leaves the logits' level free, this is what makes a
    gate's own threshold follow the budget.

    Source: Kong and Fowlkes, WACV 2019, equation 5.

    Args:
        logits: of each layer, (B, 1, h, w).
        cost: of the network at this size.
        target: requested budget, executed / dense over the whole network.
    """
    used = torch.stack([torch.sigmoid(layer).mean() for layer in logits])
    return divergence(gated_share(cost, used.new_tensor(target)), used).mean()
