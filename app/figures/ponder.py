"""Where the compute went: the ponder cost of every pixel over the photo."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from app.content import PONDER_BARS_TITLES, PONDER_HOVERS, layer_count
from app.figures.raster import LegendItem, data_uri, fit_within, luminance, nearest, unit_interval
from app.palette import PONDER_MAP, colormap_table
from pag import Inference

UNITS = ("layers", "macs")
CELLS = 144  # along the longer side: finer than res4's grid, small enough to send
PHOTO_SIDE = 640
OPACITY = 0.75
DIMMED = 0.7  # the photo's brightness below the colours


def ponder_image(inference: Inference, opacity: float = OPACITY) -> Image.Image:
    """Ponder cost in colours over the dimmed photo, (H, W, 3).

    The colours span 0 to the number of gates, whatever the budget, so that pictures at
    different budgets can be compared.
    """
    places = unit_interval(inference.ponder_layers, 0, len(inference.gates))
    grey = luminance(inference.image)[..., None] * np.float32(DIMMED * (1.0 - opacity))
    mixed = opacity * colormap_table(PONDER_MAP)[places] + grey
    return Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))


def ponder_cells(inference: Inference) -> tuple[np.ndarray, np.ndarray]:
    """Layers that ran (uint8) and thousand MACs spent (float32), at `CELLS` cells or fewer.

    No values are mixed: each cell holds what the record says of the very pixel in its corner.
    """
    height, width = inference.ponder_layers.shape
    cells = fit_within((height, width), CELLS)
    kilo_macs = nearest(inference.ponder_macs, cells).astype(np.float32) / np.float32(1e3)
    return nearest(inference.ponder_layers, cells), kilo_macs


def most_kilo_macs(inference: Inference) -> float:
    """Thousand MACs that the gated layers spend at a pixel where all of them run."""
    spent = (gate.macs_dense / (gate.mask.size * gate.stride**2) for gate in inference.gates)
    return sum(spent) / 1e3


def ponder_figure(
    inference: Inference, unit: str = "layers", opacity: float = OPACITY, height: int = 460
) -> go.Figure:
    """Ponder cost as a heatmap to hover over: layers that ran, and MACs spent, at the place.

    Args:
        inference: the record to draw.
        unit: what the colours count: ``layers`` or ``macs``. They span everything that could
            have been spent, whatever the budget, so that budgets can be compared.
        opacity: of the colours over the photo, 0 to 1.
        height: of the figure in pixels.
    """
    if unit not in UNITS:
        raise ValueError(f"unit is {unit!r}; expected one of {', '.join(UNITS)}")
    size = inference.ponder_layers.shape
    layers, kilo_macs = ponder_cells(inference)
    step_x, step_y = size[1] / layers.shape[1], size[0] / layers.shape[0]
    in_layers = unit == "layers"
    heatmap = go.Heatmap(
        z=layers if in_layers else kilo_macs,
        customdata=kilo_macs if in_layers else layers,
        x0=step_x / 2,
        dx=step_x,
        y0=step_y / 2,
        dy=step_y,
        zmin=0,
        zmax=len(inference.gates) if in_layers else most_kilo_macs(inference),
        colorscale=PONDER_MAP,
        opacity=opacity,
        hovertemplate=PONDER_HOVERS[unit].format(gates=len(inference.gates)),
        colorbar={
            "title": {"text": PONDER_BARS_TITLES[unit], "side": "top"},
            "orientation": "h",
            "thickness": 10,
            "outlinewidth": 0,
            "len": 0.6,
            "y": 1.0,
            "yanchor": "bottom",
        }
        | ({"tick0": 0, "dtick": 3} if in_layers else {}),
    )
    figure = go.Figure(heatmap)
    figure.add_layout_image(
        source=backdrop(inference.image),
        xref="x",
        yref="y",
        x=0,
        y=0,
        sizex=size[1],
        sizey=size[0],
        sizing="stretch",
        layer="below",
    )
    axis = {"visible": False, "constrain": "domain"}
    figure.update_xaxes(range=[0, size[1]], **axis)
    figure.update_yaxes(range=[size[0], 0], scaleanchor="x", **axis)
    figure.update_layout(
        height=height,
        margin={"l": 4, "r": 4, "t": 52, "b": 4},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 13},
        template=None,
        dragmode=False,
        modebar={"remove": ["select2d", "lasso2d", "autoScale2d"], "bgcolor": "rgba(0,0,0,0)"},
    )
    return figure


def ponder_histogram(inference: Inference) -> list[LegendItem]:
    """The share of pixels at which 0, 1, ... all gated layers ran, in the colours of the map."""
    gates = len(inference.gates)
    counts = np.bincount(inference.ponder_layers.ravel(), minlength=gates + 1)
    places = unit_interval(np.arange(gates + 1), 0, gates)
    return [
        LegendItem(layer_count(n), (int(r), int(g), int(b)), float(count / counts.sum()))
        for n, (count, (r, g, b)) in enumerate(
            zip(counts, colormap_table(PONDER_MAP)[places], strict=True)
        )
    ][::-1]


def mean_ponder(inference: Inference) -> float:
    """Layers that ran at the average pixel."""
    return float(inference.ponder_layers.mean())


def backdrop(image: np.ndarray) -> str:
    """The photo in grey and dimmed, as a `data:` address, to lay colours over."""
    grey = luminance(image)
    height, width = fit_within((grey.shape[0], grey.shape[1]), PHOTO_SIDE)
    dimmed = Image.fromarray(grey).resize((width, height), Image.Resampling.BILINEAR)
    return data_uri(dimmed.point(lambda level: int(level * DIMMED)), "JPEG")
