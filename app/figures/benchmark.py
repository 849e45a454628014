"""Time against budget, as `python -m pag.benchmark` measured it: a panel per size and batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from app.content import benchmark as words
from app.palette import EXECUTED_BAR, METHOD_STYLES, Stroke

PANEL = (3.9, 3.3)
FOOT = 0.9  # for legend and note, inches
INK, LOSS = "#3c4250", "#f2e6d8"
Point = tuple[float, float]


STROKES = {
    "auto": Stroke(EXECUTED_BAR, "o", "-", 2.4),
    "sparse": Stroke("#00936b", "^", ":", 1.5),
    "dense": Stroke("#6b7080", "s", "--", 1.5),
    "lower_resolution": Stroke(METHOD_STYLES["lower_resolution"].colour, "D", "-.", 1.5),
}
"""By run; markers and dashes are matplotlib's."""


@dataclass(frozen=True)
class Timed:
    """What was measured at one size and batch.

    Attributes:
        size: (H, W) of the images.
        batch: images at once.
        curves: by run, (executed / dense multiply-adds, time / time at full budget) of every
            budget.
    """

    size: tuple[int, int]
    batch: int
    curves: Mapping[str, Sequence[Point]]


def benchmark_figure(timed: Sequence[Timed], note: str) -> Figure:
    """A row for each batch, a column for each size; all panels have the same axes.

    Args:
        timed: at least one.
        note: a line above.
    """
    sizes = sorted({t.size for t in timed}, key=lambda size: size[0] * size[1])
    batches = sorted({t.batch for t in timed})
    size = (max(2, len(sizes)) * PANEL[0], len(batches) * PANEL[1] + FOOT)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(batches), len(sizes), sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for t in timed:
        axes = grid[batches.index(t.batch), sizes.index(t.size)]
        axes.set_axis_on()
        _panel(axes, t)
    points = [point for t in timed for curve in t.curves.values() for point in curve]
    lowest = min(x for x, _ in points)
    grid[0, 0].set_xlim(lowest - 0.03, 1.03)
    grid[0, 0].set_ylim(0, max(1.1, 1.06 * max(y for _, y in points)))
    handles, labels = {}, (*words.RUNS.values(), words.PROPORTIONAL, words.SLOWER)
    for axes in grid.flat:
        found = zip(*axes.get_legend_handles_labels(), strict=True)
        handles |= {label: handle for handle, label in found}
    shown = [label for label in labels if label in handles]
    figure.legend([handles[label] for label in shown], shown, loc="outside lower center", ncols=3)
    for axes in grid[-1]:
        axes.set_xlabel(words.X)
    for axes in grid[:, 0]:
        axes.set_ylabel(words.Y)
    figure.suptitle(note, fontsize=9, color=INK)
    return figure


def _panel(axes: Axes, timed: Timed) -> None:
    axes.axhspan(1, 100, color=LOSS, zorder=0, linewidth=0, label=words.SLOWER)
    axes.axhline(1, color=INK, linewidth=0.8)
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=(0, (1, 3)),
              label=words.PROPORTIONAL)  # fmt: skip
    for name, title in words.RUNS.items():
        if not (curve := sorted(timed.curves.get(name, ()))):
            continue
        stroke = STROKES[name]
        xs, ys = zip(*curve, strict=True)
        axes.plot(xs, ys, color=stroke.colour, linestyle=stroke.dash, linewidth=stroke.width,
                  marker=stroke.marker, markersize=5, label=title)  # fmt: skip
        losses = [point for point in curve if point[1] > 1]
        if losses:
            axes.plot(*zip(*losses, strict=True), color=stroke.colour, linestyle="none",
                      marker=stroke.marker, markersize=5, markerfacecolor="white",
                      zorder=3)  # fmt: skip
    height, width = timed.size
    axes.set_title(words.TITLE.format(width=width, height=height, batch=timed.batch), fontsize=10)
    axes.tick_params(labelbottom=True, labelleft=True)
    axes.grid(alpha=0.3)
