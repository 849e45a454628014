"""How a gated block is executed: what every way of doing it offers, and the dense ones.

`DenseExecution` computes everywhere and masks: the reference, and the training form. Those that
skip are in `pag.fused_execution`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from pag import cpu, cuda
from pag.backbones import BlockInput, ResidualBlock, opened
from pag.errors import InputError
from pag.multipool import MultiPool


class Execution(ABC):
    """Runs the residual branch of a gated block."""

    @abstractmethod
    def residual(
        self,
        block: ResidualBlock,
        a: Tensor | BlockInput,
        mask: Tensor,
        scope: str,
        onto: Tensor | None = None,
    ) -> Tensor:
        """The branch's contribution to the residual sum, or that sum.

        Args:
            block: the gated block.
            a: (B, C, H, W), its gate's input, as `ResidualBlock.preactivation` gives it, or
                still to be opened.
            mask: (B, 1, h, w), bool or float 0/1, one value per output pixel.
            scope: ``block`` or ``conv``; see `PAGConfig.gate_scope`.
            onto: (B, C', h, w) to add the branch to, such as the shortcut. Where no gradient
                is wanted, it may be overwritten.

        Returns:
            (B, C', h, w).
        """

    @property
    def where_open(self) -> Execution:
        """What runs the blocks of a pass in which every gate is known to be open."""
        return self

    def pool(self, module: MultiPool, x: Tensor) -> tuple[Tensor, Tensor]:
        """See `MultiPool.forward`."""
        if not torch.is_grad_enabled() and cuda.serves(x, module.groups > 1):
            return cuda.pool(module, x)  # which does not wait for the GPU
        kernels = None if torch.is_grad_enabled() else cpu.kernels_for(x)
        return module(x) if kernels is None else kernels.pool(module, x)


class DenseExecution(Execution):
    """Masked dense execution: compute everywhere, keep where the gate is open."""

    def residual(
        self,
        block: ResidualBlock,
        a: Tensor | BlockInput,
        mask: Tensor,
        scope: str,
        onto: Tensor | None = None,
    ) -> Tensor:
        reduced = block.reduce(opened(a))
        spatial = block.spatial(reduced)
        gate = mask.to(spatial.dtype)
        if scope == "block":
            if block.expands_zero:
                return added(block.expand(masked(spatial, gate)), onto)
            return added(masked(block.expand(spatial), gate), onto)
        skipped = reduced[:, :, :: block.stride, :: block.stride]
        return added(block.expand(gate * spatial + (1 - gate) * skipped), onto)


class OneField(DenseExecution):
    """Dense execution in which every pixel takes the same pooling field, whatever it chose.

    Args:
        dilation: one that the network offers.
    """

    def __init__(self, dilation: int) -> None:
        self.dilation = dilation

    def pool(self, module: MultiPool, x: Tensor) -> tuple[Tensor, Tensor]:
        """See `MultiPool.forward`.

        Raises:
            InputError: the network does not offer the dilation.
        """
        if self.dilation not in module.dilations:
            raise InputError(f"the dilation is {self.dilation}; expected one of {module.dilations}")
        batch, _, height, width = x.shape
        index = module.dilations.index(self.dilation)
        choice = torch.full((batch, height, width), index, device=x.device)
        return module.branch(x, self.dilation), choice


def added(branch: Tensor, onto: Tensor | None) -> Tensor:
    """The branch, written over with its sum with `onto` if there is one."""
    return branch if onto is None else branch.add_(onto)


def masked(x: Tensor, gate: Tensor) -> Tensor:
    """x * gate; written over x where no gradient is wanted, which spares a map."""
    return x * gate if torch.is_grad_enabled() else x.mul_(gate)
