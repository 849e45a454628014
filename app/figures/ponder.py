"""Where the compute went: the ponder cost of every pixel over the photo."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from app.content import PONDER_BAR, PONDER_HOVER, layer_count
from app.figures.raster import LegendItem, data_uri, fit_within, luminance, nearest, unit_interval
from app.palette import CHART_TEXT, PONDER_MAP, colormap_table
from pag import Inference

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


def ponder_figure(inference: Inference, opacity: float = OPACITY, height: int = 460) -> go.Figure:
    """Ponder cost as a heatmap to hover over: layers that ran, and MACs spent, at the place.

    The heatmap is sampled to at most `CELLS` cells along the longer side; no values are
    mixed, so the number read is the number of layers that ran at that very pixel.
    """
    size = inference.ponder_layers.shape[:2]
    cells = fit_within((size[0], size[1]), CELLS)
    layers = nearest(inference.ponder_layers, cells)
    kilo_macs = nearest(inference.ponder_macs, cells).astype(np.float32) / 1e3
    step_x, step_y = size[1] / cells[1], size[0] / cells[0]
    heatmap = go.Heatmap(
        z=layers,
        customdata=np.round(kilo_macs, 1),
        x0=step_x / 2,
        dx=step_x,
        y0=step_y / 2,
        dy=step_y,
        zmin=0,
        zmax=len(inference.gates),
        colorscale=PONDER_MAP,
        opacity=opacity,
        hovertemplate=PONDER_HOVER.format(gates=len(inference.gates)),
        colorbar={
            "title": {"text": PONDER_BAR, "side": "top"},
            "orientation": "h",
            "thickness": 10,
            "outlinewidth": 0,
            "tick0": 0,
            "dtick": 3,
            "len": 0.5,
            "y": 1.0,
            "yanchor": "bottom",
        },
    )
    figure = go.Figure(heatmap)
    figure.add_layout_image(
        source=_backdrop(inference.image),
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
        font={"color": CHART_TEXT, "size": 13},
        template=None,
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


def _backdrop(image: np.ndarray) -> str:
    grey = luminance(image)
    height, width = fit_within((grey.shape[0], grey.shape[1]), PHOTO_SIDE)
    dimmed = Image.fromarray(grey).resize((width, height), Image.Resampling.BILINEAR)
    return data_uri(dimmed.point(lambda level: int(level * DIMMED)), "JPEG")
