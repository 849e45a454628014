"""Quality against compute: one photo's agreement with full budget, and held-out scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import plotly.graph_objects as go

from app.content import outputs as words
from app.palette import CHART_GRID, CHART_MARK, EXECUTED_BAR, METHOD_STYLES, Stroke

ERRORS = ("depth", "normals")
"""Tasks whose measure is an error: their axes point down, so that up is better everywhere."""
TIME = "time"
"""The chart beside those of the tasks: milliseconds, from 0 up."""
HEIGHT = 230
OUTLIER = 5.0
"""A method that loses more than so many times what the first one loses runs out of its chart."""
SMALL = 0.02
"""Share of a score below which a loss of the first one is no measure for others."""


class Line(Protocol):
    """One method's scores; see `app.heldout.Curve`."""

    @property
    def method(self) -> str: ...
    @property
    def macs(self) -> tuple[float, ...]: ...
    @property
    def scores(self) -> tuple[float, ...]: ...


def agreement_figure(task: str, height: int = HEIGHT) -> go.Figure:
    """The chart of one task, without values: a curve, and a ring for the budget shown.

    Args:
        task: one of the four, or ``time``.
        height: in pixels.
    """
    _, axis, _ = words.QUALITY_TITLES[task]
    curve = go.Scatter(
        x=[],
        y=[],
        mode="lines+markers",
        line={"color": EXECUTED_BAR, "width": 2},
        marker={"color": EXECUTED_BAR, "size": 7},
        hovertemplate=words.QUALITY_HOVER_TIME if task == TIME else words.QUALITY_HOVER,
    )
    ring = go.Scatter(
        x=[],
        y=[],
        mode="markers",
        name=words.QUALITY_NOW,
        marker={"symbol": "circle-open", "size": 15, "color": CHART_MARK, "line": {"width": 3}},
        hoverinfo="skip",
    )
    figure = _styled(go.Figure([curve, ring]), task, words.QUALITY_X, axis, height)
    if task == TIME:
        figure.update_yaxes(rangemode="tozero")
    return figure.update_xaxes(tickformat=".1f")


def budget_range(floor: float) -> list[float]:
    """What the axis of budgets shows where `floor` is the lowest one."""
    margin = 0.03 * (1.0 - floor)
    return [floor - margin, 1.0 + margin]


def heldout_figure(task: str, curves: Sequence[Line], height: int = HEIGHT) -> go.Figure:
    """The held-out scores of one task on one data set, a line a method.

    Colour, marker and dashes tell methods apart, the first one drawn last and heaviest. The
    scale is for those that are near it; what falls far behind runs out of the chart.
    """
    measure = words.HELDOUT_MEASURES[task][0]
    traces = []
    for curve in reversed(curves):
        stroke = METHOD_STYLES.get(curve.method, Stroke(CHART_MARK, "circle", "solid"))
        title = words.HELDOUT_METHODS.get(curve.method, curve.method)
        traces.append(
            go.Scatter(
                x=list(curve.macs),
                y=list(curve.scores),
                name=title,
                mode="lines+markers",
                line={"color": stroke.colour, "dash": stroke.dash, "width": stroke.width},
                marker={"color": stroke.colour, "symbol": stroke.marker, "size": 8},
                hovertemplate=f"{words.HELDOUT_HOVER.format(measure=measure)}"
                f"<extra>{title}</extra>",
            )
        )
    figure = _styled(go.Figure(traces), task, words.HELDOUT_X, measure, height)
    low, high = _scale(task, curves)
    limits = (high, low) if task in ERRORS else (low, high)
    figure.update_yaxes(autorange=False, range=limits)
    return figure.update_xaxes(tickformat=".0%")


def _scale(task: str, curves: Sequence[Line]) -> tuple[float, float]:
    """The lowest and the highest score that a chart shows."""
    sign = -1.0 if task in ERRORS else 1.0
    best = max(sign * score for score in curves[0].scores)

    def loss(curve: Line) -> float:
        return best - min(sign * score for score in curve.scores)

    bearable = OUTLIER * max(loss(curves[0]), SMALL * abs(best))
    kept = [s for curve in curves if loss(curve) <= bearable for s in curve.scores]
    margin = 0.08 * (max(kept) - min(kept)) or SMALL * abs(best)
    return min(kept) - margin, max(kept) + margin


def _styled(figure: go.Figure, task: str, x: str, y: str, height: int) -> go.Figure:
    direction: Any = "reversed" if task in ERRORS else True
    figure.update_layout(
        height=height,
        margin={"l": 58, "r": 10, "t": 8, "b": 44},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 12},
        showlegend=False,
        hovermode="closest",
        template=None,
        modebar={"remove": ["select2d", "lasso2d", "autoScale2d", "zoom2d", "pan2d"]},
    )
    figure.update_xaxes(
        title={"text": x, "standoff": 6}, gridcolor=CHART_GRID, zeroline=False, fixedrange=True
    )
    return figure.update_yaxes(
        title={"text": y},
        gridcolor=CHART_GRID,
        zeroline=False,
        fixedrange=True,
        autorange=direction,
        nticks=5,
        automargin=True,
    )
