"""Gate decisions that gradients pass through: how training draws masks, and learns budgets."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pag.budget import Pass
from pag.gate import binary_gumbel, logistic_noise
from pag.macs import NetworkCost
from pag.ranking import keep_highest_of_each


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


class _StochasticPass(Pass):
    def __init__(self, policy: StochasticPolicy, budget: Tensor) -> None:
        self.policy = policy
        self.full = (budget >= 1).view(-1, 1, 1, 1)

    def decide(self, layer: int, logits: Tensor) -> Tensor:
        policy = self.policy
        sample = binary_gumbel(logits, policy.temperature, policy.generator, policy.cell)
        return torch.where(self.full, torch.ones_like(sample), sample)


@dataclass(frozen=True)
class RankedPolicy:
    """Keeps the highest logits, as the exact policy will, with a little noise.

    Independent noise that exceeds the logits' own spread makes nearly random masks, to which
    the network then grows indifferent, so that where the gates look matters little. Here the
    masks of training are those of use: every layer gets a share of its multiply-adds and
    spends it on the pixels of the highest logits. Noise is measured in standard deviations of
    the logits, so that it perturbs the order but never drowns it.

    How the budget is divided among the layers is learned too: a layer's level raises its share
    against the others', and the gradient reaches it through the pixels at the margin.

    Attributes:
        temperature: of the soft decision that gives the gradient.
        generator: source of the noise, on the CPU.
        levels: (L,) float32 on the CPU, one per gated layer; see `layer_shares`.
        cell: side of the squares of pixels that share one noise value.
        noise: standard deviation of the noise, in those of a layer's logits.
        spread: standard deviation, in log-odds, of each layer's share around the one that
            the budget gives, drawn anew for every image and layer, so that the network works
            with other divisions of the budget as well.
    """

    temperature: float
    generator: torch.Generator
    levels: Tensor
    cell: int = 4
    noise: float = 0.3
    spread: float = 0.5

    def begin(self, cost: NetworkCost, budget: Tensor) -> _RankedPass:
        return _RankedPass(self, cost, budget)


class _RankedPass(Pass):
    def __init__(self, policy: RankedPolicy, cost: NetworkCost, budget: Tensor) -> None:
        self.policy = policy
        self.layers = cost.layers
        self.full = (budget >= 1).view(-1, 1, 1, 1)
        odds = torch.logit(layer_shares(policy.levels, cost, budget.cpu()), 1e-4)
        noise = torch.randn(odds.shape, generator=policy.generator)
        # All layers' at once: each way between CPU and GPU is a wait, in the gradient as well.
        self.shares = torch.sigmoid(odds + policy.spread * noise).to(budget.device)

    def decide(self, layer: int, logits: Tensor) -> Tensor:
        policy, cost, share = self.policy, self.layers[layer], self.shares[:, layer]
        noise = logistic_noise(logits.shape, policy.generator, logits.device, policy.cell)
        scale = policy.noise * logits.detach().std(MAP, keepdim=True) / LOGISTIC_STD
        noisy = logits + scale * noise
        hard, _ = keep_highest_of_each(cost, noisy, share.detach().double() * cost.dense)
        masks = straight_through(noisy, hard, share, policy.temperature)
        return torch.where(self.full, torch.ones_like(masks), masks)


MAP = (1, 2, 3)
"""Axes of one image's values."""

LOGISTIC_STD = 1.8138
"""Standard deviation of the logistic distribution, pi / sqrt(3)."""


def straight_through(logits: Tensor, hard: Tensor, share: Tensor, temperature: float) -> Tensor:
    """Hard masks, with the gradient of soft ones that open a given share of their pixels.

    The soft mask is sigmoid((logits - t) / temperature), where t lies between the kept and the
    dropped logits and moves so that the sum stays at the share: raising one logit lowers all
    others' soft values, raising the share raises those near t. The logits' gradient therefore
    says where to compute, and the share's how much that is worth.

    Args:
        logits: (B, 1, h, w).
        hard: the same shape, bool; True where kept.
        share: (B,) in 0..1; only its gradient matters.
        temperature: positive.

    Returns:
        Same shape, values exactly 0 or 1.
    """
    with torch.no_grad():
        lowest = torch.where(hard, logits, torch.inf).amin(MAP, keepdim=True)
        highest = torch.where(hard, -torch.inf, logits).amax(MAP, keepdim=True)
        # Where all or none are kept, there is one end.
        lowest = torch.where(lowest.isfinite(), lowest, highest)
        highest = torch.where(highest.isfinite(), highest, lowest)
        threshold = (lowest + highest) / 2
        slope = torch.sigmoid((logits - threshold) / temperature)
        slope = slope * (1 - slope)
        slope = slope / slope.sum(MAP, keepdim=True).clamp_min(1e-12)
    moving = (slope * logits).sum(MAP, keepdim=True)
    soft = torch.sigmoid((logits - threshold - moving + moving.detach()) / temperature)
    worth = (share - share.detach()).view(-1, 1, 1, 1)
    soft = soft + slope * logits[0].numel() * worth
    return soft + (hard.to(soft.dtype) - soft).detach()


def layer_shares(levels: Tensor, cost: NetworkCost, budget: Tensor) -> Tensor:
    """Share of each gated layer's multiply-adds at each budget: sigmoid(level + c).

    The number c, one for each budget, is the one that makes the sum over the layers meet it.

    Args:
        levels: (L,).
        cost: of the network.
        budget: (B,), executed / dense over the whole network.

    Returns:
        (B, L) in 0..1, differentiable in the levels.
    """
    dense = torch.tensor([layer.dense for layer in cost.layers], dtype=torch.float64)
    weight = (dense / dense.sum()).to(levels)
    target = gated_share(cost, budget).to(levels).clamp(1e-4, 1 - 1e-4)[:, None]
    with torch.no_grad():
        low, high = torch.full_like(target, -40.0), torch.full_like(target, 40.0)
        for _ in range(40):
            middle = (low + high) / 2
            above = (torch.sigmoid(levels + middle) * weight).sum(1, keepdim=True) > target
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    shares = torch.sigmoid(levels + middle)
    slope = (shares * (1 - shares) * weight).sum(1, keepdim=True).detach().clamp_min(1e-9)
    shift = ((shares * weight).sum(1, keepdim=True) - target) / slope
    # One step of Newton's method: no change in value, but the gradient of c.
    return torch.sigmoid(levels + middle - shift)


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


def layer_budget_loss(logits: list[Tensor], shares: Tensor, images: list[int]) -> Tensor:
    """Mean over the layers of the divergence between a share and the mean gate probability.

    Beside `RankedPolicy`, whose gradient leaves the logits' level free, this is what makes a
    gate's own threshold follow the budget.

    Source: Kong and Fowlkes, WACV 2019, equation 5.

    Args:
        logits: of each layer, (B, 1, h, w).
        shares: (N, L), how much of each layer should be open at each of N budgets.
        images: how many of the B images there are at each, one budget after the other.
    """
    opened = torch.stack([torch.sigmoid(layer).mean(MAP) for layer in logits], 1)
    used = torch.stack([part.mean(0) for part in opened.split(images)])
    return divergence(shares.to(used), used).mean()
