"""Submanifold convolution: ours, and that of the library spconv where it is installed.

Both are given a row of features per active pixel. Outputs are wanted at these pixels, and what is
not active counts as zero. In the network the neighbours of active pixels are computed, too; ours
then gathers as many rows, from a longer list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from pag import cpu
from pag.macs import Size
from pag.sparse import convolve_at, neighbours

Run = Callable[[], Tensor]


class Library(Protocol):
    """Somebody's submanifold convolution.

    Attributes:
        name: with its version.
    """

    name: str

    def bind(self, weight: Tensor, dilation: int, rows: Tensor, mask: Tensor) -> tuple[Run, Run]:
        """Two calls that convolve; the second one finds the indices of the first one built.

        Args:
            weight: (N, C, 3, 3).
            dilation: of the convolution.
            rows: (n, C), the features of the active pixels in order.
            mask: (B, h, w) bool, n of them active.

        Returns:
            Each call gives (n, N).
        """
        ...


class Ours:
    """`pag.cpu`, or `pag.sparse` where there are no kernels."""

    name = "pag"

    def bind(self, weight: Tensor, dilation: int, rows: Tensor, mask: Tensor) -> tuple[Run, Run]:
        if kernels := cpu.kernels_for(rows):

            def number() -> Tensor:
                found = torch.full((mask.numel(),), -1, dtype=torch.int32)
                found[mask.flatten()] = torch.arange(len(rows), dtype=torch.int32)
                return found.view(mask.shape)

            numbers = number()
            return (
                lambda: kernels.submanifold(weight, dilation, rows, mask, number()),
                lambda: kernels.submanifold(weight, dilation, rows, mask, numbers),
            )
        padded = torch.cat([rows, rows.new_zeros(1, rows.shape[1])])

        def build() -> Tensor:
            size: Size = (mask.shape[1], mask.shape[2])
            active = mask.flatten().nonzero().squeeze(1)
            numbers = torch.full((mask.numel(),), len(active))
            numbers[active] = torch.arange(len(active))
            numbers = numbers.view(mask.shape)
            return neighbours(active, size, numbers, len(active), 1, dilation, dilation)

        def convolve(read: Tensor) -> Tensor:
            out = rows.new_empty(len(rows), len(weight))
            for span, values in convolve_at(padded, read, weight, None):
                out[span] = values
            return out

        kept = build()
        return lambda: convolve(build()), lambda: convolve(kept)


class Spconv:
    """The library spconv, version 2, on a CPU.

    Builds for CPUs have one algorithm, ``Native``: per position of the kernel a gather, a
    product and a scatter. It knows no bias there.
    """

    def __init__(self, spconv: Any, version: str) -> None:
        self.spconv = spconv
        self.name = f"spconv {version}"

    def bind(self, weight: Tensor, dilation: int, rows: Tensor, mask: Tensor) -> tuple[Run, Run]:
        outputs, inputs = weight.shape[:2]
        convolution = self.spconv.SubMConv2d(
            inputs,
            outputs,
            3,
            padding=dilation,
            dilation=dilation,
            bias=False,
            indice_key="mask",
            algo=self.spconv.ConvAlgo.Native,
        ).eval()
        with torch.no_grad():
            convolution.weight.copy_(weight.permute(0, 2, 3, 1))  # its layout: N, 3, 3, C
        batch, *size = mask.shape

        def features() -> Any:
            # `nonzero` gives columns in memory, which spconv would take for rows.
            indices = mask.nonzero().int().contiguous()
            return self.spconv.SparseConvTensor(rows, indices, size, batch)

        known = convolution(features())
        known = known.replace_feature(rows)
        return lambda: convolution(features()).features, lambda: convolution(known).features


def find_spconv() -> Spconv | None:
    """spconv if it can be imported, or None."""
    try:
        import spconv  # pyright: ignore[reportMissingImports]
        import spconv.pytorch as library  # pyright: ignore[reportMissingImports]
    except (ImportError, OSError):
        return None
    return Spconv(library, spconv.__version__)
