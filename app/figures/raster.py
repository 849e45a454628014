"""Small raster tools that every picture needs."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from app.palette import RGB

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class LegendItem:
    """One line of a legend: what it is called, its colour, and its share of the picture."""

    name: str
    colour: RGB
    share: float


def luminance(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 to (H, W) uint8, the weights of ITU-R BT.601."""
    return (image @ LUMA).astype(np.uint8)


def indexed(ids: np.ndarray, table: np.ndarray) -> Image.Image:
    """Ids (H, W) uint8 and their colours (n, 3) or (n, 4) uint8, as an 8-bit palette picture.

    A palette picture is a third of the size of RGB and several times faster to compress,
    and it is exact: one colour for one id. A fourth column is opacity.
    """
    picture = Image.fromarray(np.ascontiguousarray(ids))
    picture.putpalette(np.ascontiguousarray(table[:, :3], np.uint8).tobytes(), "RGB")
    if table.shape[1] == 4:
        picture.info["transparency"] = np.ascontiguousarray(table[:, 3], np.uint8).tobytes()
    return picture


def unit_interval(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Floats to uint8 places in a 256-entry colormap: `low` is 0 and `high` is 255."""
    scale = 255.0 / (high - low) if high > low else 0.0
    with np.errstate(invalid="ignore"):
        places = np.nan_to_num((values - low) * scale, nan=0.0, posinf=255.0, neginf=0.0)
    return np.clip(np.round(places), 0, 255).astype(np.uint8)


def upsample(grid: np.ndarray, stride: int, size: tuple[int, int]) -> np.ndarray:
    """A layer's grid (h, w) at the working size (H, W): each value covers its own square."""
    return grid.repeat(stride, axis=0).repeat(stride, axis=1)[: size[0], : size[1]]


def fit_within(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """(H, W) scaled down, never up, so that the longer side is at most `longest`."""
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def nearest(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`array` (H, W, ...) sampled at `size` (h, w), no values mixed."""
    rows = (np.arange(size[0]) * array.shape[0]) // size[0]
    columns = (np.arange(size[1]) * array.shape[1]) // size[1]
    return array[rows[:, None], columns[None, :]]


def data_uri(picture: Image.Image, kind: str = "PNG", quality: int = 80) -> str:
    """The picture as a `data:` address, to put into HTML or a chart."""
    buffer = io.BytesIO()
    # Level 1 costs a third of the default's time for a twentieth more bytes.
    options = {"quality": quality} if kind == "JPEG" else {"compress_level": 1}
    picture.save(buffer, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def packed(array: np.ndarray) -> str:
    """The bytes of an array in base64, little-endian, to be read as a typed array."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
