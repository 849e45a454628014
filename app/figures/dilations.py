"""The pooling field that MultiPool chose at every pixel."""

from __future__ import annotations

import numpy as np
from PIL import Image

from app.content import dilation_name
from app.figures.raster import LegendItem, indexed
from app.palette import dilation_colours
from pag import Inference


def dilation_picture(inference: Inference) -> Image.Image:
    """The choice of every pixel on MultiPool's own grid, (h, w); indices into `dilations`."""
    return indexed(inference.dilation, np.array(dilation_colours(inference.dilations), np.uint8))


def coverage(inference: Inference) -> tuple[float, float]:
    """(height, width) of MultiPool's grid in image sizes; a little over 1 at odd sizes."""
    rows, columns = inference.dilation.shape
    height, width = inference.image.shape[:2]
    return rows * inference.dilation_stride / height, columns * inference.dilation_stride / width


def cell_side(inference: Inference) -> float:
    """The side of one of MultiPool's own cells, in pixels of the working size.

    With the policy ``scaled`` the network saw a smaller picture: a cell covers more of the photo
    than one of the grid that its choice is told on.
    """
    enlarged = max(inference.image.shape[:2]) / max(inference.network_size)
    return inference.dilation_stride * enlarged


def dilation_legend(inference: Inference) -> list[LegendItem]:
    """Every pooling field on offer with its colour and the share of pixels that chose it."""
    colours = dilation_colours(inference.dilations)
    shares = inference.dilation_fractions
    return [
        LegendItem(dilation_name(dilation), colour, shares[dilation])
        for dilation, colour in zip(inference.dilations, colours, strict=True)
    ]


def median_dilation(inference: Inference) -> int:
    """The dilation that at least half of the pixels do not exceed."""
    total = 0.0
    shares = inference.dilation_fractions
    for dilation in sorted(shares):
        total += shares[dilation]
        if total >= 0.5:
            return dilation
    return max(shares)
