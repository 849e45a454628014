"""The policy ``scaled``: the budget is spent on a smaller picture first, then on its pixels.

With few of its pixels computed, a network tells less than with most of the pixels of a smaller
picture. Gates skip what matters least, and do that best while there is something to skip; beyond
that, resolution is what can be spared. The smaller picture also saves what no gate switches.
"""

from __future__ import annotations

from pag.images import MIN_WORKING_SIDE, fit_size
from pag.macs import Size
from pag.network import PAGNet

GATED = 0.8
"""Executed / dense of the smaller picture: how much of it the gates keep."""
STEP = 16
"""Pixels; a side is a multiple of the coarsest stride where the aspect ratio allows it."""
MAX_STRETCH = 0.03


def share_out(net: PAGNet, size: Size, tasks: tuple[str, ...], budget: float) -> tuple[Size, float]:
    """The size at which the network sees a picture, and the budget of its gates there.

    Args:
        net: whose multiply-adds count.
        size: (H, W), the working size.
        tasks: heads that run.
        budget: executed / dense, of the network at the working size.

    Returns:
        (h, w), at most `size`, and executed / dense at that size, about `GATED`: together the
        multiply-adds of `budget`. The working size itself where that is as near.
    """
    full = net.cost(size, tasks).dense
    seen, share = size, 1.0
    for longer in range(STEP, max(size), STEP):
        smaller = _snapped(size, longer)
        part = net.cost(smaller, tasks).dense / full
        if budget <= part < 1 and _distance(part, budget) < _distance(share, budget):
            seen, share = smaller, part
    return seen, budget / share


def _distance(part: float, budget: float) -> float:
    return abs(part - budget / GATED)


def _snapped(size: Size, longer: int) -> Size:
    """`size` made smaller to about this longer side."""
    height, width = fit_size(*size, max(longer, MIN_WORKING_SIDE))
    near = [max(STEP, round(side / STEP) * STEP) for side in (height, width)]
    stretch = (near[0] / near[1]) / (size[0] / size[1])
    inside = all(side <= whole for side, whole in zip(near, size, strict=True))
    if inside and max(stretch, 1 / stretch) <= 1 + MAX_STRETCH:
        return near[0], near[1]
    return height, width
