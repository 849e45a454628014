"""What every gate let through: a small picture of the mask for each gated layer."""

from __future__ import annotations

import numpy as np
from PIL import Image

from app.content import GATE_CAPTION
from app.figures.raster import fit_within, indexed, luminance, nearest, upsample
from app.palette import ACTIVE
from pag import GateRecord, Inference

THUMBNAIL_SIDE = 320
LEVELS = 128  # shades of grey in each half of the palette: skipped, active


def gate_thumbnails(
    inference: Inference, longest: int = THUMBNAIL_SIDE
) -> list[tuple[Image.Image, str]]:
    """(picture, caption) of every gate in network order.

    The photo is dimmed and grey where the layer was skipped, and tinted where it ran.
    """
    height, width = inference.image.shape[:2]
    size = fit_within((height, width), longest)
    grey = Image.fromarray(luminance(inference.image))
    small = np.asarray(grey.resize((size[1], size[0]), Image.Resampling.BOX))
    return [
        (gate_image(gate, small, (height, width)), gate_caption(gate)) for gate in inference.gates
    ]


def gate_image(gate: GateRecord, grey: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """One mask over `grey`, the photo's luminance (h, w) uint8 at the size of the picture.

    Args:
        gate: the gate to draw.
        grey: (h, w) uint8; the picture has this size.
        size: the working size (H, W) that the gate's grid covers.
    """
    mask = nearest(upsample(gate.mask, gate.stride, size), (grey.shape[0], grey.shape[1]))
    return indexed((grey // 2) + mask.astype(np.uint8) * np.uint8(LEVELS), _mask_table())


def gate_caption(gate: GateRecord) -> str:
    """Name, stride and active fraction, e.g. ``res2_1 · stride 4 · 63% active``."""
    return GATE_CAPTION.format(name=gate.name, stride=gate.stride, active=gate.active_fraction)


def _mask_table() -> np.ndarray:
    grey = np.linspace(0.0, 1.0, LEVELS)[:, None]
    skipped = np.repeat(18.0 + 72.0 * grey, 3, axis=1)
    tint = np.array(ACTIVE, np.float64)[None, :]
    active = tint * (0.30 + 0.70 * grey) + 40.0 * grey
    return np.clip(np.concatenate([skipped, active]), 0, 255).astype(np.uint8)
