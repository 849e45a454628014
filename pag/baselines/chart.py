"""The curves as a picture: a panel per task, over executed multiply-adds and over time.

The only module of `pag` that draws; `pag.baselines.__main__` imports it when a chart is asked
for, so that computing needs no matplotlib.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pag.baselines.compare import MEASURES, Curve, Measure, curves, datasets
from pag.baselines.methods import LEARNED, METHODS
from pag.baselines.report import Report
from pag.errors import InputError
from pag.inference import TASKS

PANEL = (3.6, 3.0)
DPI = 130
X_LABELS = ("executed multiply-adds, share of full", "milliseconds, median")


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
    """One column per task (and data set, should two score it); returns the figure.

    Raises:
        InputError: there is nothing to draw.
    """
    found = panels(report)
    if not found:
        raise InputError("there is no curve to draw; expected budgets below 1")
    width, height = PANEL
    figure = Figure(figsize=(width * len(found), 2 * height + 0.7), layout="constrained")
    axes = figure.subplots(2, len(found), squeeze=False)
    for column, (dataset, measure, drawn) in enumerate(found):
        for row, x_label in enumerate(X_LABELS):
            ax = axes[row, column]
            for curve in drawn:
                _plot(ax, curve, curve.macs if row == 0 else curve.milliseconds)
            better = "higher" if measure.higher else "lower"
            ax.set_xlabel(x_label)
            ax.set_ylabel(f"{measure.name} ({better} is better)")
            ax.set_title(f"{measure.task}, {dataset}" if row == 0 else "")
            ax.grid(alpha=0.3)
            if row == 1 and not ax.lines:
                ax.text(0.5, 0.5, "not timed", ha="center", transform=ax.transAxes)
    shown = {label: h for ax in axes.flat for h, label in zip(*ax.get_legend_handles_labels())}  # noqa: B905
    titles = [title for title in METHODS.values() if title in shown]
    figure.legend([shown[title] for title in titles], titles, loc="outside lower center", ncols=4)
    return figure


def panels(report: Report) -> list[tuple[str, Measure, list[Curve]]]:
    """(data set, headline measure, curves) of every panel, by task."""
    headline = {m.task: m for m in reversed(MEASURES)}
    found = [
        (dataset, headline[task], curves(report, dataset, headline[task]))
        for task in TASKS
        for dataset in datasets(report)
    ]
    return [panel for panel in found if panel[2]]


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
