"""The sweep as a moving picture: the same photo while the budget falls and rises."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from app.content import SWEEP_CAPTION, SWEEP_KINDS
from app.figures.outputs import boundary_image, depth_image, depth_range, segmentation_overlay
from app.figures.ponder import ponder_image
from app.figures.raster import fit_within
from pag import Inference

SIDE = 320  # longer side of one panel, pixels
CAPTION = 30  # height of the line with the budget, pixels
MILLISECONDS = 350
PAPER, INK, BAR = (18, 21, 30), (236, 239, 244), (59, 111, 212)


def sweep_frame(inference: Inference, span: tuple[float, float] | None = None) -> Image.Image:
    """One budget as four panels with the budget written and drawn above, RGB.

    Ponder cost, then the outputs among segmentation, boundaries and depth that are there.

    Args:
        inference: the record to draw.
        span: metres that the colours of depth span, the same in every frame.
    """
    panels = [ponder_image(inference)]
    if inference.segmentation is not None:
        panels.append(segmentation_overlay(inference))
    if inference.boundary is not None:
        panels.append(boundary_image(inference))
    if inference.depth is not None:
        panels.append(depth_image(inference, span))
    height, width = fit_within((inference.image.shape[0], inference.image.shape[1]), SIDE)
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    frame = Image.new("RGB", (columns * width, CAPTION + rows * height), PAPER)
    for place, panel in enumerate(panels):
        row, column = divmod(place, columns)
        small = panel.convert("RGB").resize((width, height), Image.Resampling.BOX)
        frame.paste(small, (column * width, CAPTION + row * height))
    draw = ImageDraw.Draw(frame)
    reach = round(frame.width * inference.budget_achieved)
    draw.rectangle((0, CAPTION - 4, reach, CAPTION - 2), fill=BAR)
    text = SWEEP_CAPTION.format(
        budget=inference.budget_requested,
        executed=inference.macs_executed / 1e9,
        dense=inference.macs_dense / 1e9,
    )
    draw.text((8, 5), text, fill=INK, font=ImageFont.load_default(14))
    return frame


def sweep_animation(inferences: Sequence[Inference], kind: str = "WebP") -> bytes:
    """An endless animation over the budgets, up and down again.

    Args:
        inferences: one photo at rising budgets.
        kind: ``WebP`` or ``GIF``.

    Returns:
        The file.
    """
    if kind not in SWEEP_KINDS or not inferences:
        raise ValueError(f"kind is {kind!r} of {len(inferences)} records; expected {SWEEP_KINDS}")
    last = inferences[-1]
    span = depth_range(last) if last.depth is not None else None
    rising = [sweep_frame(inference, span) for inference in inferences]
    frames = rising + rising[-2:0:-1]
    if kind == "GIF":
        frames = _one_palette(frames)
    buffer = io.BytesIO()
    options = {"quality": 80, "method": 2} if kind == "WebP" else {"optimize": False, "disposal": 1}
    frames[0].save(
        buffer,
        kind,
        save_all=True,
        append_images=frames[1:],
        duration=MILLISECONDS,
        loop=0,
        **options,
    )
    return buffer.getvalue()


def _one_palette(frames: Sequence[Image.Image]) -> list[Image.Image]:
    """The frames in the 256 colours that serve them best together, so that nothing flickers."""
    small = [np.asarray(frame.resize((frame.width // 3, frame.height // 3))) for frame in frames]
    palette = Image.fromarray(np.concatenate(small)).quantize(256, Image.Quantize.MEDIANCUT)
    return [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
