"""The pooling field that MultiPool chose at every pixel."""

from __future__ import annotations

import numpy as np
from PIL import Image

from app.content import dilation_name
from app.figures.raster import LegendItem, indexed, luminance, upsample
from app.palette import dilation_colours
from pag import Inference

OPACITY = 0.78


def dilation_image(inference: Inference) -> Image.Image:
    """The dilation chosen, in discrete colours over the photo in grey, (H, W)."""
    height, width = inference.image.shape[:2]
    index = upsample(inference.dilation, inference.dilation_stride, (height, width))
    colours = np.array(dilation_colours(inference.dilations), np.float64)
    levels = 256 // len(colours)
    shade = (luminance(inference.image).astype(np.uint16) * (levels - 1) + 127) // 255
    grey = np.linspace(0.0, 255.0, levels)
    table = OPACITY * colours[:, None, :] + (1.0 - OPACITY) * grey[None, :, None]
    places = (index * np.uint16(levels) + shade).astype(np.uint8)
    return indexed(places, np.round(table.reshape(-1, 3)).astype(np.uint8))


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
