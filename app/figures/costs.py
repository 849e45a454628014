"""What a pass cost: multiply-adds for each gated layer, and the totals."""

from __future__ import annotations

from typing import Any

from app.content import COST_AXIS, COST_DENSE, COST_EXECUTED, COST_HOVER
from app.palette import CHART_GRID, DENSE_BAR, EXECUTED_BAR
from pag import Inference

LAYOUT: dict[str, Any] = {
    "barmode": "overlay",
    "bargap": 0.22,
    "height": 360,
    "margin": {"l": 56, "r": 12, "t": 34, "b": 56},
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"size": 13},
    "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    "modebar": {"remove": ["select2d", "lasso2d", "autoScale2d", "zoom2d", "pan2d"]},
    "xaxis": {"tickangle": -45, "fixedrange": True},
    "yaxis": {
        "title": {"text": COST_AXIS},
        "gridcolor": CHART_GRID,
        "zeroline": False,
        "fixedrange": True,
    },
}


def cost_figure(inference: Inference) -> dict[str, Any]:
    """Multiply-adds of each gated layer: dense behind, executed in front, in network order.

    Returns:
        The data and layout of a Plotly figure as plain values. It is drawn for every step of
        the slider, and building it from `plotly.graph_objects`, which checks every value, took
        as long as all other figures together.
    """
    names = [gate.name for gate in inference.gates]
    dense = [gate.macs_dense / 1e6 for gate in inference.gates]
    executed = [gate.macs_executed / 1e6 for gate in inference.gates]
    share = [e / d if d else 0.0 for e, d in zip(executed, dense, strict=True)]
    behind = {"name": COST_DENSE, "y": dense, "marker": {"color": DENSE_BAR}, "hoverinfo": "skip"}
    in_front = {
        "name": COST_EXECUTED,
        "y": executed,
        "width": 0.52,
        "marker": {"color": EXECUTED_BAR},
        "customdata": list(zip(dense, share, strict=True)),
        "hovertemplate": COST_HOVER,
    }
    bars = [{"type": "bar", "x": names, **bar} for bar in (behind, in_front)]
    return {"data": bars, "layout": LAYOUT}


def ungated_macs(inference: Inference) -> int:
    """Multiply-adds that no gate can switch off: stem, MultiPool, decoder, heads."""
    return inference.macs_executed - sum(gate.macs_executed for gate in inference.gates)
