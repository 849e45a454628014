"""How a gated bottleneck is executed.

`DenseExecution` computes everywhere and masks: the reference, and the training form.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from pag.backbones import Bottleneck


class Execution(Protocol):
    """Runs the residual branch of a gated bottleneck."""

    def residual(self, block: Bottleneck, a: Tensor, mask: Tensor, scope: str) -> Tensor:
        """The branch's contribution to the residual sum.

        Args:
            block: the bottleneck.
            a: (B, C, H, W), its pre-activated input.
            mask: (B, 1, h, w), bool or float 0/1, one value per output pixel.
            scope: ``block`` or ``conv``; see `PAGConfig.gate_scope`.

        Returns:
            (B, C', h, w).
        """
        ...


class DenseExecution:
    """Masked dense execution: compute everywhere, keep where the gate is open."""

    def residual(self, block: Bottleneck, a: Tensor, mask: Tensor, scope: str) -> Tensor:
        reduced = block.reduce(a)
        spatial = block.spatial(reduced)
        gate = mask.to(spatial.dtype)
        if scope == "block":
            return block.expand(spatial) * gate
        skipped = reduced[:, :, :: block.stride, :: block.stride]
        return block.expand(gate * spatial + (1 - gate) * skipped)
