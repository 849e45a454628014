"""How nearly the time of a gated layer is proportional to its active pixels."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from pag.break_even import LayerTiming
from pag.macs import Size

LOWEST, HIGHEST = 0.2, 0.8
TOLERANCE = 0.005
"""Active fractions are rounded to whole pixels."""


@dataclass(frozen=True)
class Proportion:
    """One layer, executed sparsely, over active fractions from 20% to 80%.

    Attributes:
        layer, scope, input_size: see `pag.break_even.LayerTiming`.
        slope: the layer's time, in times of dense execution, is about so much times the active
            fraction; 1 is what skipping promises.
        deviation: the largest distance from that line, as a share of the line.
        above: the largest excess of time / dense time over the active fraction.
    """

    layer: str
    scope: str
    input_size: Size
    slope: float
    deviation: float
    above: float


def proportion(points: Sequence[LayerTiming]) -> Proportion:
    """Of the timings of one layer.

    The slope is the middle of the largest and the smallest time per active fraction: of all lines
    through the origin this one has the smallest largest deviation, relative to itself.
    """
    inside = [
        point
        for point in points
        if LOWEST - TOLERANCE <= point.active_fraction <= HIGHEST + TOLERANCE
    ]
    rates = [point.ratio / point.active_fraction for point in inside]
    slope = statistics.fmean((min(rates), max(rates)))
    first = points[0]
    return Proportion(
        layer=first.layer,
        scope=first.scope,
        input_size=first.input_size,
        slope=round(slope, 3),
        deviation=round(max(rates) / slope - 1, 3),
        above=round(max(point.ratio - point.active_fraction for point in inside), 3),
    )
