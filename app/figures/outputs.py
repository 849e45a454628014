"""The four predictions as pictures: classes, boundaries, depth, surface normals."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image

from app.figures.raster import LegendItem, indexed, luminance, unit_interval
from app.palette import DEPTH_MAP, class_colours, colormap_table
from pag import Inference

DEPTH_PERCENTILES = (1.0, 99.0)
SKY = "sky"
FEWEST_LEVELS = 12  # shades of the photo below a class colour; fewer would show as steps


def segmentation_image(inference: Inference) -> Image.Image:
    """Class ids as flat colours, (H, W) palette picture whose indices are the ids."""
    ids = _asked_for(inference.segmentation, "segmentation")
    return indexed(ids, np.array(class_colours(inference.classes), np.uint8))


def segmentation_overlay(inference: Inference, opacity: float = 0.65) -> Image.Image:
    """Class colours over the photo in grey, (H, W).

    A colour is mixed with the photo's luminance; with few enough classes in sight the mix
    is a palette picture, which reaches the browser several times sooner than RGB.
    """
    ids = _asked_for(inference.segmentation, "segmentation")
    colours = np.array(class_colours(inference.classes), np.float32)
    grey = luminance(inference.image)
    seen = np.flatnonzero(np.bincount(ids.ravel(), minlength=len(colours)))
    levels = 256 // len(seen)
    if levels < FEWEST_LEVELS:
        mixed = opacity * colours[ids] + (1.0 - opacity) * grey[..., None]
        return Image.fromarray(mixed.astype(np.uint8))
    shades = np.linspace(0.0, 255.0, levels)
    table = opacity * colours[seen, None, :] + (1.0 - opacity) * shades[None, :, None]
    first = np.zeros(len(colours), np.uint8)  # of each class, its first place in the table
    first[seen] = np.arange(len(seen)) * levels
    places = first[ids] + ((grey.astype(np.uint16) * (levels - 1) + 127) // 255).astype(np.uint8)
    return indexed(places, np.round(table.reshape(-1, 3)).astype(np.uint8))


def class_legend(inference: Inference, smallest: float = 0.002) -> list[LegendItem]:
    """The classes seen, the largest first; those below `smallest` of the picture are left out."""
    colours = dict(zip(inference.classes, class_colours(inference.classes), strict=True))
    shares = sorted(inference.class_fractions.items(), key=lambda item: -item[1])
    return [LegendItem(name, colours[name], share) for name, share in shares if share >= smallest]


def same_class(one: Inference, other: Inference) -> float:
    """Share of pixels to which both records give the same class, 0..1."""
    ids, others = (_asked_for(record.segmentation, "segmentation") for record in (one, other))
    return float(np.mean(ids == others))


def boundary_image(inference: Inference) -> Image.Image:
    """Boundary strength as ink on paper, (H, W) 8-bit grey: black is 1, white is 0."""
    strength = _asked_for(inference.boundary, "boundary")
    return Image.fromarray(255 - unit_interval(strength, 0.0, 1.0))


def depth_range(inference: Inference) -> tuple[float, float]:
    """(nearest, farthest) metres that the colours span, above 0; the outermost 1% are clipped.

    The sky does not count, unless there is nothing else: it has no depth.
    """
    depth = _asked_for(inference.depth, "depth")[::2, ::2]
    counted = np.isfinite(depth) & (depth > 0)
    if inference.segmentation is not None and SKY in inference.classes:
        below = counted & (inference.segmentation[::2, ::2] != inference.classes.index(SKY))
        counted = below if below.any() else counted
    if not counted.any():
        return 0.5, 1.0
    near, far = np.percentile(depth[counted], DEPTH_PERCENTILES)
    return float(near), float(max(far, 1.001 * near))


def depth_levels(span: tuple[float, float]) -> np.ndarray:
    """The metres that each colour of the map stands for, (256,), nearest first.

    Each step is the same factor: a metre more matters at two metres, not at fifty.
    """
    return np.geomspace(*span, 256)


def depth_image(inference: Inference, span: tuple[float, float] | None = None) -> Image.Image:
    """Metric depth in colours, (H, W): near is bright, far is dark.

    Args:
        inference: the record to draw.
        span: (nearest, farthest) metres that the colours span; None: see `depth_range`.
    """
    near, far = np.log(span or depth_range(inference))
    metres = _asked_for(inference.depth, "depth")
    places = unit_interval(np.log(np.maximum(metres, 1e-3)), near, far)
    return indexed(places, colormap_table(DEPTH_MAP)[::-1])


def normals_image(inference: Inference) -> Image.Image:
    """Surface normals in the usual colours, (H, W, 3).

    Red grows to the right, green upwards, blue towards the camera, each from -1 to 1.
    """
    return Image.fromarray(_normal_colours(_asked_for(inference.normals, "normals")))


@cache
def normals_key(size: int = 96) -> Image.Image:
    """The legend of `normals_image`: a ball seen from the front, (size, size) RGBA."""
    axis = (np.arange(size) + 0.5) / size * 2.0 - 1.0
    x, y = np.meshgrid(axis, axis)
    radius = np.hypot(x, y)
    z = -np.sqrt(np.clip(1.0 - radius**2, 0.0, None))
    colours = _normal_colours(np.stack([x, y, z], axis=-1))
    alpha = np.clip((1.0 - radius) * size / 2.0, 0.0, 1.0) * 255
    return Image.fromarray(np.dstack([colours, alpha.astype(np.uint8)]))


def _normal_colours(normals: np.ndarray) -> np.ndarray:
    # The record's frame is x right, y down, z forward; the picture's is right, up, to the viewer.
    flipped = normals * np.array([1.0, -1.0, -1.0], np.float32)
    return np.clip(np.round((flipped + 1.0) * 127.5), 0, 255).astype(np.uint8)


def _asked_for(array: np.ndarray | None, task: str) -> np.ndarray:
    if array is None:
        raise ValueError(f"this record has no {task}: the task was not asked for")
    return array
