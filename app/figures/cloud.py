"""Depth in space: what the browser needs to place the photo's pixels before a camera."""

from __future__ import annotations

import math
from typing import Any

from PIL import Image

from app.figures.raster import data_uri
from pag import Inference

FOCAL = 585.0 / 640.0
"""Focal length in units of the picture's longer side: that of the one camera that depth in
metres is learned for (`pag.data.canonical.FOCAL`). Of another camera they are off by a factor."""
POINTS = 20_000
"""At most so many: as many as a canvas turns smoothly without a graphics card."""


def cloud_grid(size: tuple[int, int], points: int = POINTS) -> tuple[int, int]:
    """(rows, columns) of a grid over an (H, W) picture, of its shape, of at most `points`."""
    scale = min(1.0, math.sqrt(points / (size[0] * size[1])))
    return max(1, math.floor(size[0] * scale)), max(1, math.floor(size[1] * scale))


def cloud_scene(inference: Inference) -> dict[str, Any]:
    """The grid, the camera's focal length, and the photo at the grid's size, ready for JSON."""
    height, width = inference.image.shape[:2]
    rows, columns = cloud_grid((height, width))
    photo = Image.fromarray(inference.image).resize((columns, rows), Image.Resampling.BOX)
    return {
        "rows": rows,
        "columns": columns,
        "focal": FOCAL,
        "photo": data_uri(photo, "JPEG", quality=88),
    }
