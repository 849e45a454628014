"""How a gated block is executed: densely, sparsely, or whichever is faster.

`DenseExecution` computes everywhere and masks: the reference, and the training form.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from pag import cuda
from pag.backbones import ResidualBlock
from pag.errors import InputError
from pag.macs import per_pixel
from pag.multipool import MultiPool
from pag.sparse import ActivePixels, run_active

EXECUTIONS = ("auto", "sparse", "dense")


class Execution(ABC):
    """Runs the residual branch of a gated block."""

    @abstractmethod
    def residual(self, block: ResidualBlock, a: Tensor, mask: Tensor, scope: str) -> Tensor:
        """The branch's contribution to the residual sum.

        Args:
            block: the gated block.
            a: (B, C, H, W), its gate's input; see `ResidualBlock.preactivation`.
            mask: (B, 1, h, w), bool or float 0/1, one value per output pixel.
            scope: ``block`` or ``conv``; see `PAGConfig.gate_scope`.

        Returns:
            (B, C', h, w).
        """

    def add(
        self, block: ResidualBlock, a: Tensor, mask: Tensor, scope: str, onto: Tensor
    ) -> Tensor:
        """The sum of `onto`, (B, C', h, w), and the branch; see `residual`.

        Where no gradient is wanted, `onto` may be overwritten.
        """
        return self.residual(block, a, mask, scope).add_(onto)

    def pool(self, module: MultiPool, x: Tensor) -> tuple[Tensor, Tensor]:
        """See `MultiPool.forward`."""
        return module(x)


class DenseExecution(Execution):
    """Masked dense execution: compute everywhere, keep where the gate is open."""

    def residual(self, block: ResidualBlock, a: Tensor, mask: Tensor, scope: str) -> Tensor:
        reduced = block.reduce(a)
        spatial = block.spatial(reduced)
        gate = mask.to(spatial.dtype)
        if scope == "block":
            if block.expands_zero:
                return block.expand(masked(spatial, gate))
            return masked(block.expand(spatial), gate)
        skipped = reduced[:, :, :: block.stride, :: block.stride]
        return block.expand(gate * spatial + (1 - gate) * skipped)


def masked(x: Tensor, gate: Tensor) -> Tensor:
    """x * gate; written over x where no gradient is wanted, which spares a map."""
    return x * gate if torch.is_grad_enabled() else x.mul_(gate)


class SparseExecution(Execution):
    """Runs the residual branch of a gated block on active pixels only.

    Equal to masked dense execution up to rounding, for any mask. Exactly the pixels that
    `pag.macs.LayerCost.executed` counts are computed; a mask that is full runs densely, and
    is then equal bit for bit, except on a GPU that `pag.cuda` serves, where looking whether it
    is full would mean waiting. For inference: no gradient flows.

    The network has to be fused (`pag.network.fuse_batchnorm`), and is fastest in
    channels-last layout, where features and kernels are matrices without a copy.
    """

    def residual(self, block: ResidualBlock, a: Tensor, mask: Tensor, scope: str) -> Tensor:
        """See `Execution`.

        Raises:
            InputError: the network is not fused.
        """
        return self._run(block, a, mask, scope, None)

    def add(
        self, block: ResidualBlock, a: Tensor, mask: Tensor, scope: str, onto: Tensor
    ) -> Tensor:
        return self._run(block, a, mask, scope, onto)

    @torch.no_grad()
    def _run(
        self, block: ResidualBlock, a: Tensor, mask: Tensor, scope: str, onto: Tensor | None
    ) -> Tensor:
        check_fused(block)
        mask = mask.bool()
        if cuda.serves(a, block.depthwise):
            return cuda.run_active(block, a, mask, scope, onto)
        if bool(mask.all()):
            branch = block.branch(a)
            return branch if onto is None else branch.add_(onto)
        size = (a.shape[-2], a.shape[-1])
        return run_active(block, a, mask, ActivePixels.under(mask, block, scope, size), onto)

    def pool(self, module: MultiPool, x: Tensor) -> tuple[Tensor, Tensor]:
        if cuda.serves(x, module.groups > 1):
            return cuda.pool(module, x)
        return module(x)


def check_fused(block: ResidualBlock) -> None:
    """Raise `InputError` unless the block's BatchNorms are folded into its convolutions."""
    if not block.fused:
        raise InputError(
            "Sparse execution got a network with BatchNorm between its convolutions; "
            "expected one that went through fuse_batchnorm."
        )


@dataclass(frozen=True)
class BreakEven:
    """When skipping saves time, for one family of blocks.

    Sparse execution of E multiply-adds takes as long as dense execution of
    (E + overhead) / share, where E are the switched multiply-adds that the mask asks for.

    Attributes:
        scope: ``block`` or ``conv``; see `PAGConfig.gate_scope`.
        width: channels inside the block, where its 3x3 is.
        stride: of its 3x3 convolution.
        share: executed / dense multiply-adds below which sparse wins on large maps.
        overhead: multiply-adds that could be done while indices are built.
        depthwise: whether the 3x3 is.
    """

    scope: str
    width: int
    stride: int
    share: float
    overhead: float
    depthwise: bool = False

    def __post_init__(self) -> None:
        if not (0 <= self.share <= 1 and self.overhead >= 0):
            raise InputError(
                f"The break-even share is {self.share} and its overhead {self.overhead}; "
                "expected a share from 0 to 1 and an overhead of at least 0."
            )

    def favours_sparse(self, executed: float, dense: float) -> bool:
        """Whether `executed` multiply-adds done sparsely take less time than `dense` densely."""
        return executed + self.overhead < self.share * dense


BREAK_EVEN = (
    BreakEven("block", 64, 1, share=0.41, overhead=24e6),
    BreakEven("block", 128, 2, share=0.56, overhead=18e6),
    BreakEven("block", 128, 1, share=0.54, overhead=11e6),
    BreakEven("block", 256, 1, share=0.67, overhead=29e6),
    BreakEven("conv", 64, 1, share=0.39, overhead=17e6),
    BreakEven("conv", 128, 2, share=0.51, overhead=13e6),
    BreakEven("conv", 128, 1, share=0.53, overhead=20e6),
    BreakEven("conv", 256, 1, share=0.66, overhead=57e6),
    BreakEven("block", 144, 1, share=0.21, overhead=2.12e6, depthwise=True),
    BreakEven("block", 192, 1, share=0.16, overhead=0.66e6, depthwise=True),
    BreakEven("block", 384, 1, share=0.29, overhead=3.28e6, depthwise=True),
    BreakEven("block", 576, 1, share=0.34, overhead=3.12e6, depthwise=True),
    BreakEven("block", 960, 1, share=0.46, overhead=3.82e6, depthwise=True),
    BreakEven("conv", 144, 1, share=0.14, overhead=0.211e6, depthwise=True),
    BreakEven("conv", 192, 1, share=0.15, overhead=0.0796e6, depthwise=True),
    BreakEven("conv", 384, 1, share=0.14, overhead=0.15e6, depthwise=True),
    BreakEven("conv", 576, 1, share=0.17, overhead=0.26e6, depthwise=True),
    BreakEven("conv", 960, 1, share=0.23, overhead=0.562e6, depthwise=True),
)
"""Of CPUs; from assets/results/break_even.json and, where depthwise, break_even_mobilenetv2.json
(`python -m pag.benchmark --layers --backbone NAME`)."""


class AutoExecution(Execution):
    """Sparse where that is faster, dense elsewhere, layer by layer.

    A mask that is full runs densely and is equal to `DenseExecution` bit for bit. On devices
    of another type than the table's, for which nothing has been measured, all runs densely.

    Args:
        table: break-even of each family of blocks. A width that it lacks takes the next
            smaller one, where skipping pays less.
        device: type of the devices that it was measured on.
    """

    def __init__(self, table: tuple[BreakEven, ...] = BREAK_EVEN, device: str = "cpu") -> None:
        self.table = table
        self.device = device

    def residual(self, block: ResidualBlock, a: Tensor, mask: Tensor, scope: str) -> Tensor:
        """See `Execution`.

        Raises:
            InputError: the network is not fused.
        """
        return self._run(block, a, mask, scope, None)

    def add(
        self, block: ResidualBlock, a: Tensor, mask: Tensor, scope: str, onto: Tensor
    ) -> Tensor:
        return self._run(block, a, mask, scope, onto)

    @torch.no_grad()
    def _run(
        self, block: ResidualBlock, a: Tensor, mask: Tensor, scope: str, onto: Tensor | None
    ) -> Tensor:
        check_fused(block)
        mask = mask.bool()
        if a.device.type != self.device:
            branch = DenseExecution().residual(block, a, mask, scope)
        elif (active := int(mask.sum())) == mask.numel():
            branch = block.branch(a)
        else:
            pixels = self._worthwhile(block, a, mask, active, scope)
            if pixels is not None and cuda.serves(a, block.depthwise):
                return cuda.run_active(block, a, mask, scope, onto)
            if pixels is not None:
                return run_active(block, a, mask, pixels, onto)
            branch = DenseExecution().residual(block, a, mask, scope)
        return branch if onto is None else branch.add_(onto)

    def _worthwhile(
        self, block: ResidualBlock, a: Tensor, mask: Tensor, active: int, scope: str
    ) -> ActivePixels | None:
        """The pixels to compute, or None where computing all is faster."""
        rule = self.rule(scope, block.width, block.stride, block.depthwise)
        if rule is None or a.device.type != self.device:
            return None
        per_output, per_input = block.conv2.weight.numel(), 0
        if scope == "block":
            per_output, per_input = per_output + per_pixel(block.conv3), per_pixel(block.conv1)
        inputs = a.shape[0] * a.shape[2] * a.shape[3]
        dense = per_output * mask.numel() + per_input * inputs
        # The halo is never smaller than the active set; finding out how large it is costs time.
        if not rule.favours_sparse((per_output + per_input) * active, dense):
            return None
        pixels = ActivePixels.under(mask, block, scope, (a.shape[2], a.shape[3]))
        halo = 0 if pixels.inputs is None else len(pixels.inputs)
        faster = rule.favours_sparse(per_output * active + per_input * halo, dense)
        return pixels if faster else None

    def rule(
        self, scope: str, width: int, stride: int, depthwise: bool = False
    ) -> BreakEven | None:
        """The table's entry for a block, or None: dense."""
        kind = (scope, stride, depthwise)
        fitting = [
            entry for entry in self.table
            if (entry.scope, entry.stride, entry.depthwise) == kind and entry.width <= width
        ]  # fmt: skip
        return max(fitting, key=lambda entry: entry.width, default=None)


def build_execution(name: str) -> Execution:
    """``auto``, ``sparse`` or ``dense`` as an `Execution`; `InputError` for other names."""
    if name == "auto":
        return AutoExecution()
    if name == "sparse":
        return SparseExecution()
    if name == "dense":
        return DenseExecution()
    raise InputError(f"execution is {name!r}; expected one of {', '.join(EXECUTIONS)}.")
