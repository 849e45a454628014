"""What the layers of a network see of an image: real features under learned masks."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pag.backbones import BlockInput, ResidualBlock, opened
from pag.benchmark.network import answer
from pag.benchmark.subject import Subject
from pag.budget import ExactPolicy, check_budget
from pag.execution import DenseExecution, Execution
from pag.inference import TASKS
from pag.macs import LayerCost, network_cost
from pag.multipool import MultiPool


@dataclass(frozen=True, eq=False)
class Seen:
    """One gated layer in one pass.

    Attributes:
        cost: the layer's name and size.
        block: the layer.
        reduced: (B, C, H, W), what its 3x3 convolution reads, computed everywhere.
        logits, mask: (B, 1, h, w) of its gate.
    """

    cost: LayerCost
    block: ResidualBlock
    reduced: Tensor
    logits: Tensor
    mask: Tensor


class Recording(Execution):
    """Dense execution that keeps what its convolutions read."""

    def __init__(self) -> None:
        self.inner = DenseExecution()
        self.blocks: list[tuple[ResidualBlock, Tensor]] = []
        self.pools: list[tuple[MultiPool, Tensor]] = []

    def residual(
        self,
        block: ResidualBlock,
        a: Tensor | BlockInput,
        mask: Tensor,
        scope: str,
        onto: Tensor | None = None,
    ) -> Tensor:
        self.blocks.append((block, block.reduce(opened(a))))
        return self.inner.residual(block, a, mask, scope, onto)

    def pool(self, module: MultiPool, x: Tensor) -> tuple[Tensor, Tensor]:
        self.pools.append((module, x.clone()))
        return self.inner.pool(module, x)


@torch.inference_mode()
def record(
    subject: Subject, image: Tensor, budget: float
) -> tuple[list[Seen], tuple[MultiPool, Tensor]]:
    """One pass over (B, 3, H, W) `image` at a budget.

    Returns:
        Every gated layer in network order; MultiPool and the (B, C, h, w) that it sees.

    Raises:
        BudgetError: a budget out of the network's reach.
    """
    size = (image.shape[2], image.shape[3])
    value = check_budget(budget, network_cost(subject.net, size, TASKS).floor)
    recording = Recording()
    trace = answer(subject.net, image, value, ExactPolicy(subject.table), recording)
    layers = [
        Seen(gate.cost, block, reduced, gate.logits, gate.mask.bool())
        for gate, (block, reduced) in zip(trace.gates, recording.blocks, strict=True)
    ]
    return layers, recording.pools[0]
