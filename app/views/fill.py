"""What a panel puts into its slots, on its way to the browser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from app.figures.raster import data_uri


@dataclass(frozen=True)
class Fill:
    """Contents by slot: elements of the page that carry the slot's name in `data-slot`.

    Attributes:
        html: goes inside the element.
        pictures: become the source of an `<img>`; never compressed with loss.
        data: for scripts, ready for JSON.
    """

    html: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, Image.Image] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)

    def message(self) -> dict[str, Any]:
        """Ready for JSON, the pictures as `data:` addresses of PNG files."""
        pictures = {slot: data_uri(picture) for slot, picture in self.pictures.items()}
        return {"html": dict(self.html), "pictures": pictures, "data": dict(self.data)}


def merged(fills: Iterable[Fill]) -> Fill:
    """All of them in one."""
    html: dict[str, str] = {}
    pictures: dict[str, Image.Image] = {}
    data: dict[str, Any] = {}
    for fill in fills:
        html |= fill.html
        pictures |= fill.pictures
        data |= fill.data
    return Fill(html, pictures, data)
