"""Every picture of the page as a file: coloured as it is shown, or the raw values."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
from PIL import Image

from app.figures import outputs, ponder
from app.figures.png16 import png16
from app.figures.raster import indexed, upsample
from app.figures.sheet import gates_sheet
from app.palette import dilation_colours
from pag import Inference, at_image_size

PICTURES = ("segmentation", "boundary", "depth", "normals", "ponder", "dilation", "gates")
FORMATS = ("coloured", "png", "npy")
MILLIMETRES = 1000.0


def coloured(inference: Inference, name: str, first: Inference | None = None) -> Image.Image:
    """A picture in the colours of the page, at the working size; the gates all on one sheet.

    Args:
        inference: the record to draw.
        name: of `PICTURES`.
        first: the scene's first answer, whose span of depth the colours follow.
    """
    match name:
        case "segmentation":
            return outputs.segmentation_image(inference)
        case "boundary":
            return outputs.boundary_image(inference)
        case "depth":
            return outputs.depth_image(inference, outputs.depth_range(first or inference))
        case "normals":
            return outputs.normals_image(inference)
        case "ponder":
            return ponder.ponder_image(inference)
        case "dilation":
            size = inference.image.shape[0], inference.image.shape[1]
            table = np.array(dilation_colours(inference.dilations), np.uint8)
            return indexed(upsample(inference.dilation, inference.dilation_stride, size), table)
        case "gates":
            return gates_sheet(inference)
    raise ValueError(f"the picture is {name!r}; expected one of {PICTURES}")


def file_of(
    inference: Inference, name: str, kind: str, first: Inference | None = None
) -> tuple[str, bytes]:
    """One picture as (the ending of its name, the file).

    Raw values are at the size of the image that was handed in, each gate's on its own grid.

    Args:
        inference: the record to write.
        name: of `PICTURES`.
        kind: of `FORMATS`.
        first: see `coloured`.

    Raises:
        ValueError: an unknown name or kind.
    """
    if kind not in FORMATS or name not in PICTURES:
        raise ValueError(f"{name!r} as {kind!r}; expected one of {PICTURES} as one of {FORMATS}")
    if kind == "coloured":
        return "png", _png(coloured(inference, name, first))
    if name == "gates":
        return ("zip", _masks_png(inference)) if kind == "png" else ("npz", _masks_npz(inference))
    values = at_image_size(inference)[name]
    if kind == "png":
        levels = raw_levels(name, values)
        is_small = levels.dtype == np.uint8
        return "png", _png(Image.fromarray(levels)) if is_small else png16(levels)
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return "npy", buffer.getvalue()


def raw_levels(name: str, values: np.ndarray) -> np.ndarray:
    """The whole numbers that a raw PNG holds.

    Boundary strength 0..1 and the normal's -1..1 become 0..65535, metres become millimetres,
    at most 65535; class ids, ponder cost and dilation stay as they are, 8 bits.
    """
    if name == "boundary":
        values = values * 65535.0
    elif name == "depth":
        values = values * MILLIMETRES
    elif name == "normals":
        values = (values + 1.0) * 32767.5
    else:
        return values.astype(np.uint8)
    return np.rint(np.clip(np.nan_to_num(values), 0, 65535)).astype(np.uint16)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _masks_png(inference: Inference) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for gate in inference.gates:
            mask = Image.fromarray(gate.mask.astype(np.uint8) * np.uint8(255))
            archive.writestr(f"{gate.name}.png", _png(mask))
    return buffer.getvalue()


def _masks_npz(inference: Inference) -> bytes:
    buffer = io.BytesIO()
    masks: dict[str, Any] = {gate.name: gate.mask for gate in inference.gates}
    np.savez_compressed(buffer, **masks)
    return buffer.getvalue()
