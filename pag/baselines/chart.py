"""The curves as a picture: a column per task, over executed multiply-adds and over time.

The only module of `pag` that draws; `pag.baselines.__main__` imports it when a chart is asked
for, so that computing needs no matplotlib.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pag.baselines.compare import Curve, Measure, curves, datasets
from pag.baselines.methods import LEARNED, METHODS
from pag.baselines.report import Report
from pag.baselines.tally import HEADLINES
from pag.errors import InputError
from pag.inference import TASKS

PANEL = (3.6, 3.0)
DPI = 130
RENDERED = "scenes"
FAR = ("grid", "grid_learned_shares", "truncated")
"""Methods that do not come near: panels are scaled to the others."""
NOTE = "Panels are scaled to the methods that come near; lines that leave them end far away."
X_LABELS = ("executed multiply-adds, share of full", "milliseconds, median")


Panel = tuple[str, Measure, list[Curve]]


@dataclass(frozen=True)
class Style:
    """How a method's curve looks; marker and dashes tell it apart without its colour."""

    colour: str
    marker: str
    dashes: str


# Okabe and Ito's palette, made for all kinds of colour vision.
STYLES = dict(
    zip(
        METHODS,
        (
            Style("#000000", "o", "-"),
            Style("#7F3FBF", "*", "-"),
            Style("#56B4E9", "v", ":"),
            Style("#E69F00", "s", "--"),
            Style("#0072B2", "D", "--"),
            Style("#009E73", "^", "-."),
            Style("#CC79A7", "X", ":"),
            Style("#D55E00", "P", "-"),
        ),
        strict=True,
    )
)


def draw(report: Report) -> Figure:
    """A column per task; returns the figure.

    The first two rows show the task's first data set, photographs before rendered scenes, over
    executed multiply-adds and over time. Below, over multiply-adds alone, are the others.

    Raises:
        InputError: there is nothing to draw.
    """
    columns = list(panels(report).values())
    if not columns:
        raise InputError("there is no curve to draw; expected budgets below 1")
    (width, height), rows = PANEL, 1 + max(map(len, columns))
    figure = Figure(figsize=(width * len(columns), rows * height + 0.7), layout="constrained")
    axes = figure.subplots(rows, len(columns), squeeze=False)
    for column, found in enumerate(columns):
        _panel(axes[0, column], found[0], timed=False)
        _panel(axes[1, column], found[0], timed=True)
        for row in range(2, rows):
            if row <= len(found):
                _panel(axes[row, column], found[row - 1], timed=False)
            else:
                axes[row, column].set_axis_off()
    shown = {label: h for ax in axes.flat for h, label in zip(*ax.get_legend_handles_labels())}  # noqa: B905
    titles = [title for title in METHODS.values() if title in shown]
    figure.legend(
        [shown[title] for title in titles],
        titles,
        loc="outside lower center",
        ncols=4,
        title=NOTE if any(METHODS[name] in shown for name in FAR) else None,
    )
    return figure


def panels(report: Report) -> dict[str, list[Panel]]:
    """Of every task (data set, headline measure, curves), photographs before rendered scenes."""
    names = sorted(datasets(report), key=lambda name: name == RENDERED)  # stable
    found = {
        task: [
            (name, HEADLINES[task], drawn)
            for name in names
            if (drawn := curves(report, name, HEADLINES[task]))
        ]
        for task in TASKS
    }
    return {task: those for task, those in found.items() if those}


def _panel(ax: Axes, panel: Panel, timed: bool) -> None:
    dataset, measure, drawn = panel
    for curve in drawn:
        _plot(ax, curve, curve.milliseconds if timed else curve.macs)
    if near := [score for curve in drawn if curve.method not in FAR for score in curve.scores]:
        low, high = min(near), max(near)
        room = 0.08 * (high - low) or 0.08 * abs(high) or 1.0
        ax.set_ylim(low - room, high + room)
    better = "higher" if measure.higher else "lower"
    ax.set_xlabel(X_LABELS[timed])
    ax.set_ylabel(f"{measure.name} ({better} is better)")
    ax.set_title("" if timed else f"{measure.task}, {dataset}")
    ax.grid(alpha=0.3)
    if timed and not ax.lines:
        ax.text(0.5, 0.5, "not timed", ha="center", transform=ax.transAxes)


def save_chart(report: Report, path: Path) -> None:
    """Draw a report and write it as PNG, whatever the file is called."""
    figure = draw(report)
    FigureCanvasAgg(figure)
    figure.savefig(path, format="png", dpi=DPI)


def _plot(ax: Axes, curve: Curve, xs: tuple[float | None, ...]) -> None:
    points = [(x, y) for x, y in zip(xs, curve.scores, strict=True) if x is not None]
    if points:
        style = STYLES[curve.method]
        ax.plot(
            *zip(*points, strict=True),
            color=style.colour,
            marker=style.marker,
            linestyle=style.dashes,
            markersize=5,
            linewidth=2.2 if curve.method == LEARNED else 1.4,
            label=METHODS[curve.method],
        )
