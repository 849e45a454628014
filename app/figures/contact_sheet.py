"""Many photographs on one page: each with its four outputs and where the compute went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from app.content import contact_sheet as words
from app.figures import outputs
from app.figures.ponder import mean_ponder, ponder_image
from app.figures.raster import LegendItem
from pag import Inference

CELL = (240, 216)
"""Width and height that a picture is fitted into, pixels."""
GAP = 12
LINE = 16
FONT = ("fonts", "ttf", "DejaVuSans.ttf")
TEXT_SIZE = 12
NAMED = 3  # classes written under a segmentation
SMALLEST = 0.01  # share of a picture from which a class is in the legend
INK, GREY, PAPER = (24, 28, 38), (96, 102, 116), (255, 255, 255)


@dataclass(frozen=True, eq=False)
class SheetRow:
    """One photograph.

    Attributes:
        words: lines below the photograph: what it is, and whose.
        full: at full budget, with all four outputs.
        low: at a lower budget, the same for all rows.
    """

    words: tuple[str, ...]
    full: Inference
    low: Inference


def contact_sheet(rows: Sequence[SheetRow], note: str = "") -> Image.Image:
    """A row of pictures for each photograph, with a legend of the classes seen, as RGB.

    Args:
        rows: at least one.
        note: lines at the foot.
    """
    if not rows:
        raise ValueError("a contact sheet needs at least one row")
    strips = [_strip(_cells(row)) for row in rows]
    heads = [name.format(budget=rows[0].low.budget_requested) for name in words.COLUMNS]
    header = _blank(_width(), LINE + 2 * GAP)
    for column, head in enumerate(heads):
        _write(header, _left(column), GAP, head, INK)
    parts = [header, *strips, _legend(_classes_seen(rows)), _footer(note)]
    sheet = _blank(_width(), sum(part.height for part in parts))
    top = 0
    for part in parts:
        sheet.paste(part, (0, top))
        top += part.height
    return sheet


def _cells(row: SheetRow) -> list[tuple[Image.Image, tuple[str, ...]]]:
    """The pictures of a row, each with the lines below it."""
    near, far = outputs.depth_range(row.full)
    classes = outputs.class_legend(row.full)[:NAMED]
    named = ", ".join(words.CLASS.format(name=i.name, share=i.share) for i in classes)
    spent = words.SPENT.format(mean=mean_ponder(row.low), gates=len(row.low.gates))
    same = words.SAME_CLASS.format(share=outputs.same_class(row.low, row.full))
    return [
        (Image.fromarray(row.full.image), row.words),
        (outputs.segmentation_overlay(row.full), (named,)),
        (outputs.boundary_image(row.full), ()),
        (outputs.depth_image(row.full), (words.METRES.format(near=near, far=far),)),
        (outputs.normals_image(row.full), ()),
        (ponder_image(row.low), (spent, same)),
    ]


def _strip(cells: Sequence[tuple[Image.Image, tuple[str, ...]]]) -> Image.Image:
    pictures = [_fitted(picture) for picture, _ in cells]
    tallest, most = max(p.height for p in pictures), max(len(lines) for _, lines in cells)
    strip = _blank(_width(), tallest + most * LINE + 2 * GAP)
    for column, (picture, (_, lines)) in enumerate(zip(pictures, cells, strict=True)):
        strip.paste(picture, (_left(column), 0))
        for number, line in enumerate(lines):
            _write(strip, _left(column), tallest + 4 + number * LINE, line, GREY, CELL[0])
    return strip


def _fitted(picture: Image.Image) -> Image.Image:
    scale = min(CELL[0] / picture.width, CELL[1] / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def _classes_seen(rows: Sequence[SheetRow]) -> list[LegendItem]:
    """Every class that covers enough of some photograph, the commonest first."""
    total: dict[str, LegendItem] = {}
    for row in rows:
        for item in outputs.class_legend(row.full, SMALLEST):
            share = item.share + (total[item.name].share if item.name in total else 0.0)
            total[item.name] = LegendItem(item.name, item.colour, share)
    return sorted(total.values(), key=lambda item: -item.share)


def _legend(items: Sequence[LegendItem]) -> Image.Image:
    """Swatches with names, in as many lines as they need."""
    places, x, line = [], GAP, 0
    for item in items:
        width = LINE + 6 + round(_font().getlength(item.name)) + GAP
        if x + width > _width() - GAP:
            x, line = GAP, line + 1
        places.append((item, x, line))
        x += width
    legend = _blank(_width(), (line + 1) * (LINE + 6) + GAP)
    draw = ImageDraw.Draw(legend)
    for item, left, row in places:
        top = row * (LINE + 6)
        draw.rectangle((left, top, left + LINE - 2, top + LINE - 2), item.colour)
        _write(legend, left + LINE + 4, top, item.name, INK)
    return legend


def _footer(note: str) -> Image.Image:
    lines = note.splitlines()
    footer = _blank(_width(), len(lines) * LINE + GAP)
    for number, line in enumerate(lines):
        _write(footer, GAP, number * LINE, line, GREY)
    return footer


def _write(
    on: Image.Image, x: int, y: int, text: str, ink: tuple[int, int, int], limit: int | None = None
) -> None:
    font = _font()
    while limit is not None and text and font.getlength(text) > limit:
        text = text[:-2].rstrip(", ") + "…"
    ImageDraw.Draw(on).text((x, y), text, fill=ink, font=font)


@cache
def _font() -> ImageFont.FreeTypeFont:
    # Pillow's own has ASCII letters only.
    return ImageFont.truetype(Path(matplotlib.get_data_path(), *FONT), TEXT_SIZE)


def _left(column: int) -> int:
    return GAP + column * (CELL[0] + GAP)


def _width() -> int:
    return _left(len(words.COLUMNS))


def _blank(width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, height), PAPER)
