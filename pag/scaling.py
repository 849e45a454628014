"""The policy ``scaled``: gates save as long as that costs little, then a smaller picture does.

With few of its pixels computed, a network tells less than with most of the pixels of a smaller
picture. Gates skip what matters least, and do that best while there is something to skip; beyond
that, resolution is what can be spared. The smaller picture also saves what no gate switches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from pag.images import MIN_WORKING_SIDE, fit_size
from pag.macs import Size
from pag.network import PAGNet

GATES_KEEP = 0.7
"""Executed / dense at the size that the network sees, below which pictures become smaller: down
to there gates alone lose a hundredth or less of mIoU, ODS and delta1
(`assets/results/evaluation.json`)."""
STEP = 16
"""Pixels of the coarsest stride: what is a multiple has no cells that reach past the picture."""
MAX_STRETCH = 0.005
"""Of the aspect ratio, for such sides: depth suffers where things are seen wider than they are."""
UNEVEN = 0.02
"""By how much a size that is no multiple has to be nearer, as a share of the multiply-adds."""


def share_out(net: PAGNet, size: Size, tasks: tuple[str, ...], budget: float) -> tuple[Size, float]:
    """The size at which the network sees a picture, and the budget of its gates there.

    Args:
        net: whose multiply-adds count.
        size: (H, W), the working size.
        tasks: heads that run.
        budget: executed / dense, of the network at the working size.

    Returns:
        (h, w), at most `size`, and executed / dense at that size, near `GATES_KEEP` where the
        picture is smaller: together the multiply-adds of `budget`.
    """
    if budget >= GATES_KEEP:
        return size, budget
    full = net.cost(size, tasks).dense
    shares = {smaller: net.cost(smaller, tasks).dense / full for smaller in _smaller(size)}
    shares = {size: 1.0} | {smaller: share for smaller, share in shares.items() if share >= budget}

    def distance(seen: Size) -> float:
        uneven = seen[0] % STEP or seen[1] % STEP
        return abs(shares[seen] - budget / GATES_KEEP) + (UNEVEN if uneven else 0)

    seen = min(shares, key=distance)
    return seen, budget / shares[seen]


def _smaller(size: Size) -> Iterator[Size]:
    """Sizes of the same aspect ratio, the longer side in steps."""
    for longer in range(MIN_WORKING_SIDE, max(size), STEP):
        height, width = fit_size(*size, longer)
        even = max(STEP, round(height / STEP) * STEP), max(STEP, round(width / STEP) * STEP)
        stretch = abs(math.log(even[0] / even[1] * size[1] / size[0]))
        yield even if stretch <= MAX_STRETCH else (height, width)
