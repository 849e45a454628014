"""All gates of a record on one picture, to put into a talk or a report."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from app.content import GATE_ACTIVE
from app.figures.gates import MASK_TABLE
from app.figures.raster import fit_within, luminance, upsample
from pag import GateRecord, Inference

COLUMNS = 5
SIDE = 280  # longer side of one mask, pixels
CAPTION, GAP = 24, 8
PAPER, INK = (255, 255, 255), (30, 34, 45)


def mask_over_photo(inference: Inference, gate: GateRecord) -> Image.Image:
    """Where the layer ran, over the photo in grey, (H, W, 3): the colours of the page."""
    size = inference.image.shape[0], inference.image.shape[1]
    table = MASK_TABLE.astype(np.float32)
    chosen = table[upsample(gate.mask, gate.stride, size).astype(np.uint8)]
    opacity = chosen[..., 3:] / 255.0
    grey = luminance(inference.image)[..., None].astype(np.float32)
    mixed = opacity * chosen[..., :3] + (1.0 - opacity) * grey
    return Image.fromarray(np.round(mixed).astype(np.uint8))


def gates_sheet(inference: Inference) -> Image.Image:
    """Every layer's mask over the photo, with its name and active fraction below, RGB."""
    height, width = fit_within((inference.image.shape[0], inference.image.shape[1]), SIDE)
    columns = min(COLUMNS, len(inference.gates))
    rows = -(-len(inference.gates) // columns)
    step_x, step_y = width + GAP, height + CAPTION + GAP
    sheet = Image.new("RGB", (columns * step_x - GAP, rows * step_y - GAP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for place, gate in enumerate(inference.gates):
        row, column = divmod(place, columns)
        x, y = column * step_x, row * step_y
        small = mask_over_photo(inference, gate).resize((width, height), Image.Resampling.BOX)
        sheet.paste(small, (x, y))
        words = f"{gate.name}   {GATE_ACTIVE.format(active=gate.active_fraction)}"
        draw.text((x + 1, y + height + 4), words, fill=INK, font=font)
    return sheet
