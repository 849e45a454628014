"""Steering a policy by hand: which pixels it prefers changes, how many it may keep does not.

A budget that was met exactly still is, and active sets still grow with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pag.budget import GatePolicy, Pass
from pag.macs import NetworkCost


@dataclass(frozen=True)
class SteeredPolicy:
    """Another policy, which sees the logits as a steering map has changed them.

    Strength is counted in ranks, because every layer has logits of its own scale: a pixel of
    strength s overtakes the share s of its layer's pixels, so that at full strength it comes
    before (or behind) every pixel that was left alone. What the policy sees is

        place among the layer's logits - number of them at or below 0 + 1/2 + s * their number

    which has the order of the logits and, where s is 0, their sign: policies that rank and
    policies with a threshold at 0 are steered alike. The budget moves all logits of a layer
    together and leaves their places as they are, so active sets still grow with it.

    Attributes:
        policy: decides.
        steer: (1, 1, H, W) float32 in -1..1 at the working size. A gate's pixel has the mean
            strength of the image pixels that it covers.
    """

    policy: GatePolicy
    steer: Tensor

    def begin(self, cost: NetworkCost, budget: Tensor) -> Pass:
        return _SteeredPass(self.policy.begin(cost, budget), cost, self.steer)


class _SteeredPass(Pass):
    def __init__(self, inner: Pass, cost: NetworkCost, steer: Tensor) -> None:
        self.inner = inner
        self.layers = cost.layers
        self.steer = steer

    @property
    def all_open(self) -> bool:
        return self.inner.all_open

    def decide(self, layer: int, logits: Tensor) -> Tensor:
        strength = over_cells(self.steer, self.layers[layer].stride)
        return self.inner.decide(layer, steered(logits, strength))

    def note_pool(self, saved: Tensor) -> None:
        self.inner.note_pool(saved)


def over_cells(steer: Tensor, stride: int) -> Tensor:
    """(1, 1, H, W) -> (1, 1, ceil(H / stride), ceil(W / stride)): the mean over each cell."""
    return F.avg_pool2d(steer, stride, ceil_mode=True, count_include_pad=False)


def steered(logits: Tensor, strength: Tensor) -> Tensor:
    """What a policy sees in place of `logits`; see `SteeredPolicy`.

    Args:
        logits: (B, 1, h, w).
        strength: (1, 1, h, w) in -1..1.

    Returns:
        (B, 1, h, w) float64: a half more than a whole number, so exact.
    """
    flat = logits.flatten(1)
    count = flat.shape[1]
    # Of equal logits the first comes first, as where a policy breaks ties itself.
    order = torch.argsort(flat, dim=1, descending=True, stable=True)
    place = torch.empty_like(order)
    falling = torch.arange(count - 1, -1, -1, device=flat.device)
    place.scatter_(1, order, falling.expand_as(order))
    closed = (flat <= 0).sum(1, keepdim=True)
    moved = torch.round(strength.flatten(1).double() * count)
    return (place - closed + 0.5 + moved).view_as(logits)
