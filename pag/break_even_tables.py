"""Where skipping starts to save time: what was measured, for machines not yet measured."""

from __future__ import annotations

from dataclasses import dataclass

from pag import cpu
from pag.errors import InputError


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


COMPILED = (
    BreakEven("block", 64, 1, share=0.87, overhead=0e6),
    BreakEven("block", 128, 2, share=0.94, overhead=0e6),
    BreakEven("block", 128, 1, share=1, overhead=0e6),
    BreakEven("block", 256, 1, share=1, overhead=0e6),
    BreakEven("conv", 64, 1, share=1, overhead=0e6),
    BreakEven("conv", 128, 2, share=0.94, overhead=0e6),
    BreakEven("conv", 128, 1, share=1, overhead=0e6),
    BreakEven("conv", 256, 1, share=1, overhead=0e6),
    BreakEven("block", 144, 1, share=0.98, overhead=0e6, depthwise=True),
    BreakEven("block", 192, 1, share=0.84, overhead=0e6, depthwise=True),
    BreakEven("block", 384, 1, share=1, overhead=0e6, depthwise=True),
    BreakEven("block", 576, 1, share=1, overhead=0e6, depthwise=True),
    BreakEven("block", 960, 1, share=1, overhead=0e6, depthwise=True),
    BreakEven("conv", 144, 1, share=0.82, overhead=0.451e6, depthwise=True),
    BreakEven("conv", 192, 1, share=0.51, overhead=0e6, depthwise=True),
    BreakEven("conv", 384, 1, share=1, overhead=0.424e6, depthwise=True),
    BreakEven("conv", 576, 1, share=1, overhead=0.0676e6, depthwise=True),
    BreakEven("conv", 960, 1, share=0.93, overhead=0.795e6, depthwise=True),
)
"""Of CPUs with the kernels of `pag.cpu`; from assets/results/break_even.json and, where
depthwise, break_even_mobilenetv2.json (`python -m pag.benchmark --layers --backbone NAME`).
Where tiles (``winograd.c``) always pay, no table is asked (`pag.fused_execution.always_sparse`).
"""

UNCOMPILED = (
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
"""Of CPUs without them; from assets/results/break_even_uncompiled.json and, where depthwise,
break_even_uncompiled_mobilenetv2.json (the same command with ``--uncompiled``).
"""


def default_table() -> tuple[BreakEven, ...]:
    """The table for this machine's kernels."""
    return UNCOMPILED if cpu.kernels() is None else COMPILED
