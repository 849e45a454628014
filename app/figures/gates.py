"""What every gate let through and what it wished: one small picture on the gate's own grid.

The page lays these over the photo, so that a mask costs a kilobyte and not a photograph.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from app.figures.raster import indexed, unit_interval
from app.palette import DIFFERENCE, PROBABILITY_MAP, colormap_table
from pag import GateRecord

MASK_TABLE = np.array([DIFFERENCE["skipped"], DIFFERENCE["active"]], np.uint8)
"""Red, green, blue and opacity: where the layer was skipped, where it ran."""


def mask_picture(gate: GateRecord) -> Image.Image:
    """Where the layer ran, (h, w) palette picture: index 1 ran, 0 was skipped."""
    return indexed(gate.mask.astype(np.uint8), MASK_TABLE)


def probability_picture(gate: GateRecord) -> Image.Image:
    """The gate's own wish before the budget was enforced, (h, w): dark is 0, bright is 1."""
    places = unit_interval(gate.probability, 0.0, 1.0)
    return indexed(places, colormap_table(PROBABILITY_MAP))


def coverage(gate: GateRecord, size: tuple[int, int]) -> tuple[float, float]:
    """(height, width) of the gate's grid in image sizes; a little over 1 at odd sizes."""
    rows, columns = gate.mask.shape
    return rows * gate.stride / size[0], columns * gate.stride / size[1]
