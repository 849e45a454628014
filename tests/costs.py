"""Made-up layer costs, small enough to count by hand."""

from __future__ import annotations

from pag.macs import LayerCost, NetworkCost, halved


def tiny_cost(count: int = 3) -> NetworkCost:
    """`count` made-up layers on 12 x 16 pixels, the first with stride 2."""
    layers, size = [], (24, 32)
    for index in range(count):
        stride = 2 if index == 0 else 1
        out = halved(size) if stride == 2 else size
        layers.append(
            LayerCost(f"l{index}", 8, "block", 20, 90 * (index + 1), 40, size, out, stride, 1)
        )
        size = out
    return NetworkCost(fixed=50_000, layers=tuple(layers), pool_saving=0)


def layer(
    size: tuple[int, int], stride: int = 1, dilation: int = 1, scope: str = "block"
) -> LayerCost:
    out = halved(size) if stride == 2 else size
    return LayerCost("x", 8, scope, 30, 90, 40, size, out, stride, dilation)
