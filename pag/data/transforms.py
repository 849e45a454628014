"""Resizing and random augmentation of samples, all maps kept in step with the image."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from PIL import Image

from pag.config import ZOOM
from pag.data.canonical import refocused
from pag.data.photometric import jitter
from pag.data.rolling import rolled, side_needed
from pag.data.sample import IGNORE, Sample
from pag.errors import InputError

Window = tuple[slice, slice]
"""Rows and columns of a resized image that are wanted."""


def resize_sample(sample: Sample, longer_side: int) -> Sample:
    """Resize so that the longer side has `longer_side` pixels; metres stay metres.

    The image is filtered, ids, depth and normals take the nearest pixel, and boundaries
    the strongest pixel that falls into the new one, so that thin lines survive shrinking.
    """
    if longer_side < 1:
        raise InputError(f"longer side is {longer_side} pixels, expected at least 1")
    height, width = sample.size
    factor = longer_side / max(height, width)
    if factor == 1.0:
        return sample
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    return _resample(sample, size, (slice(0, size[0]), slice(0, size[1])))


def augment(
    sample: Sample,
    rng: np.random.Generator,
    crop: int,
    scale: tuple[float, float] = ZOOM,
    roll: float = 0.0,
) -> Sample:
    """Random zoom, roll, crop of `crop` x `crop` pixels, mirror, and photometric jitter.

    A zoom by s with the same camera looks like the scene squeezed along the optical axis:
    every point keeps its x and y in metres, and its depth is divided by s (Eigen and
    Fergus, ICCV 2015). So depth is divided by s, and normals become (x, y, s*z),
    normalised. A mirror negates the normals' x. Where the zoomed image is smaller than the
    crop, the image continues by reflection and every map is "ignore" (boundary: -1).

    Args:
        sample: of any size; left unchanged.
        rng: the only source of randomness.
        crop: side of the result in pixels.
        scale: smallest and largest zoom, drawn evenly in its logarithm.
        roll: largest roll of the camera to either side, degrees; see `pag.data.rolling`.
    """
    low, high = scale
    if crop < 1 or not 0 < low <= high:
        raise InputError(f"crop {crop} and scale {scale}: expected crop >= 1, 0 < low <= high")
    zoom = math.exp(rng.uniform(math.log(low), math.log(high)))
    height, width = (max(1, round(n * zoom)) for n in sample.size)
    degrees, side = 0.0, crop
    if roll:
        degrees = rng.uniform(-roll, roll)
        side = side_needed(crop, degrees)
    rows, above, below = _place(height, side, rng)
    cols, left, right = _place(width, side, rng)
    out = refocused(_resample(sample, (height, width), (rows, cols)), zoom)
    if above or below or left or right:
        out = _padded(out, ((above, below), (left, right)))
    if roll:
        out = rolled(out, degrees, crop)
    if rng.random() < 0.5:
        out = mirror(out)
    return replace(out, image=jitter(out.image, rng))


def mirror(sample: Sample) -> Sample:
    """Flip left and right; the normals' x changes sign."""

    def flip(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else np.ascontiguousarray(array[:, ::-1])

    normals = flip(sample.normals)
    if normals is not None:
        normals[..., 0] *= -1.0
    return Sample(
        image=np.ascontiguousarray(sample.image[:, ::-1]),
        segmentation=flip(sample.segmentation),
        boundary=flip(sample.boundary),
        depth=flip(sample.depth),
        normals=normals,
        name=sample.name,
    )


def _place(size: int, crop: int, rng: np.random.Generator) -> tuple[slice, int, int]:
    """Draw where a crop lies along one axis: the pixels taken, padding before and after."""
    if size >= crop:
        start = int(rng.integers(size - crop + 1))
        return slice(start, start + crop), 0, 0
    before = int(rng.integers(crop - size + 1))
    return slice(0, size), before, crop - size - before


def _resample(sample: Sample, size: tuple[int, int], window: Window) -> Sample:
    """The `window` of the sample resized to `size`; only that part is computed."""
    (height, width), (rows, cols) = sample.size, window
    fy, fx = height / size[0], width / size[1]
    box = (cols.start * fx, rows.start * fy, cols.stop * fx, rows.stop * fy)
    image = Image.fromarray(sample.image).resize(
        (cols.stop - cols.start, rows.stop - rows.start), Image.Resampling.BILINEAR, box=box
    )
    from_rows, from_cols = _nearest(height, size[0], rows), _nearest(width, size[1], cols)

    def pick(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else array[from_rows].take(from_cols, axis=1)

    boundary = sample.boundary
    if boundary is not None:
        boundary = _strongest(boundary, size[0], rows, axis=0)
        boundary = _strongest(boundary, size[1], cols, axis=1)
    return Sample(
        image=np.array(image),
        segmentation=pick(sample.segmentation),
        boundary=boundary,
        depth=pick(sample.depth),
        normals=pick(sample.normals),
        name=sample.name,
    )


def _nearest(source: int, target: int, span: slice) -> np.ndarray:
    """Source index whose centre is nearest to each target pixel of `span`."""
    at = (np.arange(span.start, span.stop) + 0.5) * (source / target)
    return np.minimum(at.astype(np.intp), source - 1)


def _strongest(array: np.ndarray, target: int, span: slice, axis: int) -> np.ndarray:
    """Resize one axis to `target`, each new pixel the maximum of those that fall into it."""
    source = array.shape[axis]
    if target >= source:
        return np.take(array, _nearest(source, target, span), axis=axis)
    edges = np.arange(span.start, span.stop + 1) * source // target
    part = array[edges[0] : edges[-1]] if axis == 0 else array[:, edges[0] : edges[-1]]
    return np.maximum.reduceat(part, edges[:-1] - edges[0], axis=axis)


def _padded(sample: Sample, pad: tuple[tuple[int, int], tuple[int, int]]) -> Sample:
    def constant(array: np.ndarray | None, value: float) -> np.ndarray | None:
        if array is None:
            return None
        widths = (*pad, (0, 0))[: array.ndim]
        return np.pad(array, widths, constant_values=value)

    return Sample(
        image=np.pad(sample.image, (*pad, (0, 0)), mode="symmetric"),
        segmentation=constant(sample.segmentation, IGNORE),
        boundary=constant(sample.boundary, -1.0),
        depth=constant(sample.depth, 0.0),
        normals=constant(sample.normals, 0.0),
        name=sample.name,
    )
