"""Weights and biases in the order in which the compiled kernels read them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from pag.cpu.structures import Convolution, at

TILE_PRODUCTS = 16
"""Of a tile, for each pair of channels; ``POSITIONS`` of ``winograd.h``."""


class Arranged:
    """Arranges parameters, each one once for as long as it lives and keeps its values.

    Args:
        panel: output channels that the kernels sum at a time.
    """

    def __init__(self, panel: int) -> None:
        self._panel = panel
        self._kept = WeakTensorKeyDictionary()

    def convolution(
        self,
        weight: Tensor,
        bias: Tensor | None,
        low: float = -torch.inf,
        high: float = torch.inf,
        *,
        tiled: bool = False,
    ) -> Convolution:
        """Of a weight (N, C, k, k), or (C, 1, k, k) of a depthwise one, and a bias (N,).

        Tiled: of a weight (N, C, 3, 3), for 2x2 pixels at once (``winograd.c``).
        """
        outputs, channels, *kernel = weight.shape
        depthwise = channels == 1 < outputs
        packed = self._once(weight, self._turn if tiled else self._pack)
        padded = self._pad(torch.zeros(outputs)) if bias is None else self._once(bias, self._pad)
        made = Convolution(
            at(packed), at(padded), TILE_PRODUCTS if tiled else kernel[0] * kernel[1],
            outputs if depthwise else channels, outputs, depthwise, low, high,
        )  # fmt: skip
        made.read = (packed, padded)  # so that they live as long
        return made

    def _once(self, parameter: Tensor, arrange: Callable[[Tensor], Tensor]) -> Tensor:
        """A parameter as the kernels want it, arranged anew only where its values are others."""
        if parameter.is_inference():  # keeps no count of its versions
            return arrange(parameter)
        state, kind = (parameter.data_ptr(), parameter._version), arrange.__name__
        kept = self._kept.get(parameter)
        if kept is None:
            kept = self._kept[parameter] = {}
        if kind not in kept or kept[kind][0] != state:
            kept[kind] = (state, arrange(parameter.detach()))
        return kept[kind][1]

    def _turn(self, weight: Tensor) -> Tensor:
        """(N, C, 3, 3) -> (panels, 16 * C, panel).

        Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016.
        """
        turned = weight.double()
        for axis in (2, 3):
            first, middle, last = turned.unbind(axis)
            ends = (first + last) / 2
            turned = torch.stack((first, ends + middle / 2, ends - middle / 2, last), axis)
        return self._pack(turned.float())

    def _pack(self, weight: Tensor) -> Tensor:
        """(N, C, k, k) -> (panels, k * k * C, panel); (C, 1, k, k) -> (k * k, C)."""
        outputs, channels = weight.shape[:2]
        rows = weight.permute(0, 2, 3, 1).reshape(outputs, -1)
        if channels == 1 < outputs:
            return rows.t().clone(memory_format=torch.contiguous_format)
        panels = -(-outputs // self._panel)
        padded = rows.new_zeros(panels * self._panel, rows.shape[1])
        padded[:outputs] = rows
        by_panel = padded.view(panels, self._panel, -1).transpose(1, 2)
        return by_panel.clone(memory_format=torch.contiguous_format)

    def _pad(self, bias: Tensor) -> Tensor:
        """(N,) -> whole panels."""
        panels = -(-len(bias) // self._panel)
        padded = bias.new_zeros(panels * self._panel)
        padded[: len(bias)] = bias
        return padded
