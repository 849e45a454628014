"""How a gated block of a fused network is executed: sparsely, or whichever way is faster."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from pag import cpu, cuda
from pag.backbones import BlockInput, ResidualBlock, opened
from pag.break_even_tables import BreakEven, default_table
from pag.cpu.launch import Listed
from pag.errors import InputError
from pag.execution import DenseExecution, Execution, added
from pag.macs import per_pixel
from pag.sparse import ActivePixels, run_active

EXECUTIONS = ("auto", "sparse", "dense")


class FusedExecution(Execution):
    """Runs the blocks of a network that is fused (`pag.network.fuse_batchnorm`).

    For inference: no gradient flows. Fastest in channels-last layout, where features and kernels
    are matrices without a copy.
    """

    @property
    def where_open(self) -> Execution:
        return Everywhere()

    @torch.no_grad()
    def residual(
        self,
        block: ResidualBlock,
        a: Tensor | BlockInput,
        mask: Tensor,
        scope: str,
        onto: Tensor | None = None,
    ) -> Tensor:
        """See `Execution`.

        Raises:
            InputError: the network is not fused.
        """
        check_fused(block)
        return self._run(block, a, mask.bool(), scope, onto)

    @abstractmethod
    def _run(
        self,
        block: ResidualBlock,
        a: Tensor | BlockInput,
        mask: Tensor,
        scope: str,
        onto: Tensor | None,
    ) -> Tensor:
        """See `residual`; the mask is bool."""


class SparseExecution(FusedExecution):
    """Runs the residual branch of a gated block on active pixels only.

    Equal to masked dense execution up to rounding, for any mask. Exactly the pixels that
    `pag.macs.LayerCost.executed` counts are computed. A mask that is full needs no list of
    pixels, except where tiles are quicker (`everywhere`), and except on a GPU that `pag.cuda`
    serves, where looking whether it is full would mean waiting.
    """

    def _run(
        self,
        block: ResidualBlock,
        a: Tensor | BlockInput,
        mask: Tensor,
        scope: str,
        onto: Tensor | None,
    ) -> Tensor:
        if cuda.serves(map_of(a), block.depthwise):
            return cuda.run_active(block, a, mask, scope, onto)
        if bool(mask.all()):
            return everywhere(block, a, mask, scope, onto)
        return run_listed(block, a, mask, list_pixels(block, a, mask, scope), onto)


class Everywhere(FusedExecution):
    """Every block at every pixel: what the network is without gates.

    Where every gate is open, that is the same, and nobody has to look whether they are, nor to
    list pixels: on a GPU that `pag.cuda` serves, its kernels run without lists, since they add
    biases and sums, open a block and apply its ReLUs in the passes that convolve.
    """

    def _run(
        self,
        block: ResidualBlock,
        a: Tensor | BlockInput,
        mask: Tensor,
        scope: str,
        onto: Tensor | None,
    ) -> Tensor:
        return everywhere(block, a, mask, scope, onto)


def never_dense(block: ResidualBlock, like: Tensor, scope: str) -> bool:
    """Whether `AutoExecution` skips under every mask, whatever its table says."""
    return cuda.serves(like, block.depthwise) or always_sparse(block, like, scope)


def always_sparse(block: ResidualBlock, like: Tensor, scope: str) -> bool:
    """Whether listed pixels take less time than dense execution under every mask, on a CPU.

    So it is where tiles do (`pag.cpu`): they save most where all is active, and a mask that
    leaves none whole has half of the pixels at the most.

    Args:
        block, scope: see `Execution.residual`.
        like: a map of the type and device of its input.
    """
    kernels = cpu.kernels_for(like)
    return kernels is not None and scope == "block" and kernels.tiles(block.conv2)


def everywhere(
    block: ResidualBlock, a: Tensor | BlockInput, mask: Tensor, scope: str, onto: Tensor | None
) -> Tensor:
    """The residual branch at every pixel, under a mask that is full."""
    if cuda.serves(map_of(a), block.depthwise):
        return cuda.run_everywhere(block, a, onto)
    if not always_sparse(block, map_of(a), scope):
        return added(block.branch(opened(a)), onto)
    return run_listed(block, a, mask, list_pixels(block, a, mask, scope), onto)


def map_of(a: Tensor | BlockInput) -> Tensor:
    """A map like that which the block opens with, as to its shape, type and device."""
    return a.x if isinstance(a, BlockInput) else a


def list_pixels(
    block: ResidualBlock, a: Tensor | BlockInput, mask: Tensor, scope: str
) -> Listed | ActivePixels:
    """The pixels that a block on `a` computes under a (B, 1, h, w) bool mask."""
    like = map_of(a)
    size = (like.shape[-2], like.shape[-1])
    if kernels := cpu.kernels_for(like):
        return kernels.list_pixels(mask, block, scope, size)
    return ActivePixels.under(mask, block, scope, size)


def run_listed(
    block: ResidualBlock,
    a: Tensor | BlockInput,
    mask: Tensor,
    pixels: Listed | ActivePixels,
    onto: Tensor | None,
) -> Tensor:
    """The residual branch at listed pixels; see `pag.sparse.run_active`."""
    if isinstance(pixels, ActivePixels):
        return run_active(block, opened(a), mask, pixels, onto)
    kernels = cpu.kernels_for(map_of(a))
    assert kernels is not None, "pixels were listed by kernels"
    return kernels.run_active(block, a, mask, pixels, onto)


def check_fused(block: ResidualBlock) -> None:
    """Raise `InputError` unless the block's BatchNorms are folded into its convolutions."""
    if not block.fused:
        raise InputError(
            "Sparse execution got a network with BatchNorm between its convolutions; "
            "expected one that went through fuse_batchnorm."
        )


class AutoExecution(FusedExecution):
    """Sparse where that is faster, always or by a table, dense elsewhere, layer by layer.

    A mask that is full is computed as `everywhere` does. On devices of another type than the
    table's all runs densely. On a GPU that `pag.cuda` serves nothing does, whatever a table says:
    no sparse pass was found to take longer than a dense one by more than 3%
    (`assets/results/latency_gpu.json`), and counting its pixels would mean waiting.

    Args:
        table: break-even of each family of blocks; `default_table` if None. A width that it
            lacks takes the next smaller one, where skipping pays less.
        device: type of the devices that it was measured on.
    """

    def __init__(self, table: tuple[BreakEven, ...] | None = None, device: str = "cpu") -> None:
        self.table = default_table() if table is None else table
        self.device = device

    def _run(
        self,
        block: ResidualBlock,
        a: Tensor | BlockInput,
        mask: Tensor,
        scope: str,
        onto: Tensor | None,
    ) -> Tensor:
        if cuda.serves(map_of(a), block.depthwise):
            return cuda.run_active(block, a, mask, scope, onto)
        if map_of(a).device.type != self.device:
            return DenseExecution().residual(block, a, mask, scope, onto)
        active = int(mask.sum())
        if active == mask.numel():
            return everywhere(block, a, mask, scope, onto)
        pixels = self._worthwhile(block, a, mask, active, scope)
        if pixels is None:
            return DenseExecution().residual(block, a, mask, scope, onto)
        return run_listed(block, a, mask, pixels, onto)

    def _worthwhile(
        self, block: ResidualBlock, a: Tensor | BlockInput, mask: Tensor, active: int, scope: str
    ) -> Listed | ActivePixels | None:
        """The pixels to compute, or None where computing all is faster."""
        like = map_of(a)
        if always_sparse(block, like, scope):
            return list_pixels(block, a, mask, scope)
        rule = self.rule(scope, block.width, block.stride, block.depthwise)
        if rule is None:
            return None
        per_output, per_input = block.conv2.weight.numel(), 0
        if scope == "block":
            per_output, per_input = per_output + per_pixel(block.conv3), per_pixel(block.conv1)
        inputs = like.shape[0] * like.shape[2] * like.shape[3]
        dense = per_output * mask.numel() + per_input * inputs
        # The halo is never smaller than the active set; finding out how large it is costs time.
        if not rule.favours_sparse((per_output + per_input) * active, dense):
            return None
        pixels = list_pixels(block, a, mask, scope)
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
