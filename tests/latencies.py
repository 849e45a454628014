"""Made-up latency tables: every time that they predict can be worked out by hand."""

from __future__ import annotations

from pag.latency import Latency, Line, Lines
from pag.machine import kinds_of
from pag.network import PAGNet


def made_up(
    net: PAGNet,
    ungated: Line = Line(5.0, 100.0),  # noqa: B008 - frozen
    dense: Line = Line(0.05, 500.0),  # noqa: B008
    sparse: Line = Line(0.06, 550.0, 20.0),  # noqa: B008
) -> Latency:
    """The same lines for every gated layer of `net`."""
    kinds = kinds_of(net)
    return Latency({name: Lines(kind, dense, sparse) for name, kind in kinds.items()}, ungated)
