"""From a compute budget to gate decisions.

A policy decides each layer's mask from its logits, as the network reaches it. Policies are
immutable; `begin` opens a `Pass` that holds what one forward pass has to remember.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from pag.errors import BudgetError
from pag.macs import NetworkCost, area
from pag.ranking import keep_highest, keep_highest_of_each

POLICIES = ("exact", "adaptive", "scaled")
"""By name; the last is `ExactPolicy` on a smaller picture (`pag.scaling`)."""


def check_budget(budget: object, floor: float = 0.0) -> float:
    """A usable budget as a float.

    Raises:
        BudgetError: not a number, not finite, above 1, or below `floor`.
    """
    if isinstance(budget, bool) or not isinstance(budget, int | float | np.floating | np.integer):
        raise BudgetError(f"The budget is {budget!r}; expected a number up to 1.")
    try:
        value = float(budget)
    except OverflowError:  # a whole number too large for a float
        value = math.inf
    if not math.isfinite(value):
        raise BudgetError(f"The budget is {value}; expected a number up to 1.")
    if value > 1 or value <= 0:
        raise BudgetError(
            f"The budget is {value:g}; expected a share of the full compute, "
            "above 0 and up to 1 (0.6 means 60%)."
        )
    if value < floor:
        reachable = math.ceil(floor * 100) / 100
        raise BudgetError(
            f"The budget is {value:g}, but with every layer skipped everywhere this network "
            f"still needs {floor:.3f} of the full compute; ask for {reachable:.2f} or more."
        )
    return value


class Pass(Protocol):
    """One forward pass of a policy."""

    @property
    def all_open(self) -> bool:
        """Whether it is known beforehand that every gate will be open."""
        return False

    def decide(self, layer: int, logits: Tensor) -> Tensor:
        """(B, 1, h, w) logits -> mask of the same shape: bool, or float 0/1 when training."""
        ...

    def note_pool(self, saved: Tensor) -> None:
        """Told once, after MultiPool: (B,) multiply-adds that its 1x1 path saved."""
        return


class GatePolicy(Protocol):
    """How gates are decided: immutable, one for any number of passes."""

    def begin(self, cost: NetworkCost, budget: Tensor) -> Pass:
        """Open a pass over images of one size; `budget` is (B,)."""
        ...


@dataclass(frozen=True)
class BudgetTable:
    """Calibrated shares of compute: how each layer follows the budget.

    Attributes:
        names: the gated layers in network order.
        shares: (K, L) executed / dense multiply-adds of each layer along the calibration
            curve, from all closed (row of 0) to all open (row of 1), non-decreasing.
    """

    names: tuple[str, ...]
    shares: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        widths = {len(row) for row in self.shares}
        if len(self.shares) < 2 or widths != {len(self.names)}:
            raise BudgetError(
                f"A budget table of {len(self.shares)} rows with {sorted(widths)} shares does not "
                f"fit; expected at least 2 rows with a share for each of {len(self.names)} layers."
            )
        array = np.array(self.shares, dtype=np.float64)
        rising = (np.diff(array, axis=0) >= 0).all()  # False where a share is NaN, too
        if not rising or array[0].any() or not (array[-1] == 1).all():
            raise BudgetError("A budget table must rise from 0 to 1 in every layer.")

    @classmethod
    def uniform(cls, names: tuple[str, ...]) -> BudgetTable:
        """Every layer gets the same share: the table of a network not yet calibrated."""
        return cls(names, (tuple(0.0 for _ in names), tuple(1.0 for _ in names)))

    def allot(self, cost: NetworkCost, budget: float) -> list[float]:
        """Multiply-adds for each layer, adding up exactly to what `budget` leaves for them."""
        dense = np.array([layer.dense for layer in cost.layers], dtype=np.float64)
        shares = np.array(self.shares)
        wanted = budget * cost.dense - cost.fixed
        totals = shares @ dense
        position = np.interp(wanted, totals, np.arange(len(totals)))
        low = min(int(position), len(shares) - 2)
        blend = position - low
        return list(((1 - blend) * shares[low] + blend * shares[low + 1]) * dense)


@dataclass(frozen=True)
class OpenPolicy:
    """Every gate open: the ungated network."""

    def begin(self, cost: NetworkCost, budget: Tensor) -> _OpenPass:
        return _OpenPass()


class _OpenPass(Pass):
    @property
    def all_open(self) -> bool:
        return True

    def decide(self, layer: int, logits: Tensor) -> Tensor:
        return torch.ones_like(logits, dtype=torch.bool)


@dataclass(frozen=True)
class AdaptivePolicy:
    """The gate's own threshold decides, as in the paper: easy images cost less."""

    def begin(self, cost: NetworkCost, budget: Tensor) -> _AdaptivePass:
        return _AdaptivePass(budget)


class _AdaptivePass(Pass):
    def __init__(self, budget: Tensor) -> None:
        self.full = (budget >= 1).view(-1, 1, 1, 1)

    def decide(self, layer: int, logits: Tensor) -> Tensor:
        if self.full.device != logits.device:
            numbers = tuple(map(float, self.full.flatten()))
            self.full = numbers_on(logits.device, numbers).view(-1, 1, 1, 1) > 0
        return (logits > 0) | self.full


@dataclass(frozen=True)
class ExactPolicy:
    """Meets the budget in a single pass.

    The table allots multiply-adds to each layer; within a layer the pixels with the highest
    logits are kept, as many as the allotment pays for, halo included. What rounding leaves
    over is carried on to the next layer.

    Attributes:
        table: calibrated with the checkpoint.
        shuffle: draw the kept pixels at random, not by logit, from this generator: the
            baseline that shows what the learned order is worth.
    """

    table: BudgetTable
    shuffle: torch.Generator | None = None

    def begin(self, cost: NetworkCost, budget: Tensor) -> _ExactPass:
        return _ExactPass(self, cost, budget)


class AllottedPass(Pass):
    """A pass that gives every layer its allotment, and carries on what is left over.

    Args:
        cost: of the network on images of this size.
        budget: (B,).
        allot: multiply-adds of each gated layer at one budget.
    """

    def __init__(
        self,
        cost: NetworkCost,
        budget: Tensor,
        allot: Callable[[NetworkCost, float], list[float]],
    ) -> None:
        self.layers = cost.layers
        self.budgets = [float(b) for b in budget]
        self.allotted = [allot(cost, b) for b in self.budgets]
        self.carry = [0.0 for _ in self.budgets]

    @property
    def all_open(self) -> bool:
        return all(budget >= 1 for budget in self.budgets)

    def note_pool(self, saved: Tensor) -> None:
        # The saving lowers executed and dense alike; the budget is a share of the latter.
        for i, (budget, macs) in enumerate(zip(self.budgets, saved.tolist(), strict=True)):
            self.carry[i] += (1 - budget) * macs


class _ExactPass(AllottedPass):
    """On a GPU all images are decided together, and what is left over stays there.

    Looking at it would mean waiting in every layer. A budget of 1 needs no exception there: it
    allots what a layer costs in full, to which nothing is nearer than every pixel.
    """

    def __init__(self, policy: ExactPolicy, cost: NetworkCost, budget: Tensor) -> None:
        super().__init__(cost, budget, lambda c, b: leave_room(policy.table.allot(c, b), c, b))
        self.policy = policy
        self.carried: Tensor | None = None

    def note_pool(self, saved: Tensor) -> None:
        if not decides_there(saved):
            super().note_pool(saved)
            return
        kept = numbers_on(saved.device, tuple(1 - budget for budget in self.budgets)) * saved
        self.carried = kept if self.carried is None else self.carried + kept

    def _decide_there(self, layer: int, logits: Tensor) -> Tensor:
        targets = numbers_on(logits.device, tuple(macs[layer] for macs in self.allotted))
        if self.carried is not None:
            targets = targets + self.carried
        mask, spent = keep_highest_of_each(self.layers[layer], logits, targets)
        self.carried = targets - spent
        return mask

    def decide(self, layer: int, logits: Tensor) -> Tensor:
        if self.all_open:
            return torch.ones_like(logits, dtype=torch.bool)
        if decides_there(logits) and self.policy.shuffle is None:
            return self._decide_there(layer, logits)
        cost = self.layers[layer]
        masks = []
        for i, budget in enumerate(self.budgets):
            if budget >= 1:
                masks.append(torch.ones_like(logits[i : i + 1], dtype=torch.bool))
                continue
            order = logits[i : i + 1]
            if self.policy.shuffle is not None:
                order = torch.rand(order.shape, generator=self.policy.shuffle).to(order)
            target = self.allotted[i][layer] + self.carry[i]
            mask, spent = keep_highest(cost, order, target)
            self.carry[i] = target - spent
            masks.append(mask)
        return torch.cat(masks)


def decides_there(x: Tensor) -> bool:
    """Whether asking for a value of `x` would mean waiting for the device that it is on."""
    return x.device.type != "cpu"


@functools.lru_cache(maxsize=1024)
def numbers_on(device: torch.device, numbers: tuple[float, ...]) -> Tensor:
    """(n,) float64 on a device, copied there once.

    A copy from the host could not be part of a CUDA graph: a pass before makes it.
    """
    with torch.inference_mode(False):
        return torch.tensor(numbers, dtype=torch.float64, device=device)


def leave_room(macs: list[float], cost: NetworkCost, budget: float) -> list[float]:
    """Allotments of the same sum whose last layer can spend whatever MultiPool may save.

    What MultiPool's 1x1 path saves is known when only one gated layer is left to spend it, so
    that layer must not be full; what it gives up goes to where there is room.
    """
    last = cost.layers[-1]
    most = last.dense - (1 - budget) * cost.pool_saving * area(last.output_size)
    excess = macs[-1] - most
    if excess <= 0:
        return macs
    others = list(zip(cost.layers[:-1], macs[:-1], strict=True))
    room = sum(layer.dense - spent for layer, spent in others)
    share = min(1.0, excess / max(1.0, room))
    return [*(spent + share * (layer.dense - spent) for layer, spent in others), most]
