"""Policies that share the budget out by a table, and the tables that open whole layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pag.budget import AllottedPass, BudgetTable, Pass
from pag.errors import InputError
from pag.macs import LayerCost, NetworkCost
from pag.ranking import keep_highest

Choose = Callable[[LayerCost, Tensor, float], tuple[Tensor, float]]
"""A layer's cost, (1, 1, h, w) logits and multiply-adds to spend -> mask and what it costs."""

_ALL = 1 - 1e-9
"""A layer allotted this share of its multiply-adds runs in full; blending rows rounds."""


@dataclass(frozen=True)
class TablePolicy:
    """Gives each layer what a table allots to it; `choose` picks the pixels.

    A layer that is allotted nothing stays closed and one that is allotted all opens
    everywhere, so that a table of zeros and ones is followed to the letter. What choosing
    whole pixels leaves over, and what MultiPool saves, goes to the next layers that are
    open in part.

    Attributes:
        table: shares of the layers.
        choose: `keep_highest` keeps the pixels with the highest logits.
    """

    table: BudgetTable
    choose: Choose = keep_highest

    def begin(self, cost: NetworkCost, budget: Tensor) -> _TablePass:
        return _TablePass(self, cost, budget)


class _TablePass(AllottedPass):
    def __init__(self, policy: TablePolicy, cost: NetworkCost, budget: Tensor) -> None:
        super().__init__(cost, budget, policy.table.allot)
        self.choose = policy.choose

    def decide(self, layer: int, logits: Tensor) -> Tensor:
        return torch.cat([self._one(layer, i, logits[i : i + 1]) for i in range(len(logits))])

    def _one(self, layer: int, image: int, logits: Tensor) -> Tensor:
        cost, target = self.layers[layer], self.allotted[image][layer]
        if self.budgets[image] >= 1 or target >= _ALL * cost.dense:
            return torch.ones_like(logits, dtype=torch.bool)
        if target <= 0:
            return torch.zeros_like(logits, dtype=torch.bool)
        target += self.carry[image]
        mask, spent = self.choose(cost, logits, target)
        self.carry[image] = target - spent
        return mask


def layer_table(names: Sequence[str], opening_order: Sequence[str]) -> BudgetTable:
    """A table that opens one layer after the other, in full.

    Between two rows one layer is open in part, so that every budget can be met.

    Args:
        names: the gated layers in network order.
        opening_order: the same names, the first to open first.

    Raises:
        InputError: the two do not name the same layers.
    """
    if sorted(names) != sorted(opening_order):
        raise InputError(
            f"the opening order names {', '.join(opening_order) or 'no layer'}; "
            f"expected each of {', '.join(names)} once"
        )
    rows = [
        tuple(float(name in opening_order[:count]) for name in names)
        for count in range(len(names) + 1)
    ]
    return BudgetTable(tuple(names), tuple(rows))


@dataclass(frozen=True)
class OpenLayers:
    """Opens some layers everywhere and closes the others, whatever the budget.

    Attributes:
        open: one flag per gated layer, in network order.
    """

    open: tuple[bool, ...]

    def begin(self, cost: NetworkCost, budget: Tensor) -> _OpenLayersPass:
        return _OpenLayersPass(self.open)


class _OpenLayersPass(Pass):
    def __init__(self, flags: tuple[bool, ...]) -> None:
        self.flags = flags

    def decide(self, layer: int, logits: Tensor) -> Tensor:
        return torch.full_like(logits, float(self.flags[layer])).bool()
