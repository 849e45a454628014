"""What a pass cost: multiply-adds for each gated layer, and the totals."""

from __future__ import annotations

import plotly.graph_objects as go

from app.content import COST_AXIS, COST_DENSE, COST_EXECUTED, COST_HOVER
from app.palette import CHART_GRID, CHART_TEXT, DENSE_BAR, EXECUTED_BAR
from pag import Inference


def cost_figure(inference: Inference, height: int = 360) -> go.Figure:
    """Multiply-adds of each gated layer: dense behind, executed in front, in network order."""
    names = [gate.name for gate in inference.gates]
    dense = [gate.macs_dense / 1e6 for gate in inference.gates]
    executed = [gate.macs_executed / 1e6 for gate in inference.gates]
    share = [e / d if d else 0.0 for e, d in zip(executed, dense, strict=True)]
    figure = go.Figure(
        [
            go.Bar(name=COST_DENSE, x=names, y=dense, marker_color=DENSE_BAR, hoverinfo="skip"),
            go.Bar(
                name=COST_EXECUTED,
                x=names,
                y=executed,
                width=0.52,
                marker_color=EXECUTED_BAR,
                customdata=list(zip(dense, share, strict=True)),
                hovertemplate=COST_HOVER,
            ),
        ]
    )
    figure.update_layout(
        barmode="overlay",
        bargap=0.22,
        height=height,
        margin={"l": 56, "r": 12, "t": 34, "b": 56},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": CHART_TEXT, "size": 13},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        template=None,
        modebar={"remove": ["select2d", "lasso2d", "autoScale2d", "zoom2d", "pan2d"]},
    )
    figure.update_xaxes(tickangle=-45, fixedrange=True)
    figure.update_yaxes(
        title={"text": COST_AXIS}, gridcolor=CHART_GRID, zeroline=False, fixedrange=True
    )
    return figure


def ungated_macs(inference: Inference) -> int:
    """Multiply-adds that no gate can switch off: stem, MultiPool, decoder, heads."""
    return inference.macs_executed - sum(gate.macs_executed for gate in inference.gates)
