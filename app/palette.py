"""Every colour that carries a meaning, in one place.

Class colours were found by maximising the smallest CIELAB distance between any two of
them, for normal vision and for simulated protanopia, deuteranopia and tritanopia at once,
starting from customary hues (blue sky, green trees). Maps of quantities use matplotlib's
perceptually uniform colormaps, each for one quantity only, so that no two panels that
mean different things look alike.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib import colormaps

RGB = tuple[int, int, int]

STREET_COLOURS: dict[str, RGB] = {
    "sky": (118, 182, 217),
    "building": (128, 45, 18),
    "pole": (191, 250, 229),
    "road": (104, 95, 143),
    "pavement": (250, 138, 155),
    "tree": (14, 124, 73),
    "sign": (237, 224, 13),
    "fence": (186, 148, 46),
    "car": (64, 45, 249),
    "pedestrian": (250, 13, 91),
    "bicyclist": (132, 37, 185),
}

INDOOR_COLOURS: dict[str, RGB] = {
    "ceiling": (224, 198, 220),
    "floor": (105, 62, 44),
    "wall": (159, 167, 240),
    "window": (138, 244, 184),
    "door": (13, 20, 20),
    "table": (187, 44, 13),
    "chair": (85, 45, 143),
    "sofa": (166, 111, 245),
    "bookcase": (34, 76, 103),
    "lamp": (195, 250, 104),
    "clutter": (51, 147, 155),
}
CLASS_COLOURS = STREET_COLOURS | INDOOR_COLOURS

DEPTH_MAP = "viridis"
PONDER_MAP = "inferno"
DILATION_MAP = "YlGnBu"
PROBABILITY_MAP = "cividis"

ACTIVE: RGB = (255, 176, 0)
"""Where a gate is open."""
SKIPPED: RGB = (8, 11, 22)
"""Where a gate is closed."""
DIFFERENCE = {
    "active": (*ACTIVE, 135),
    "skipped": (*SKIPPED, 190),
    "off": (226, 61, 150, 235),
    "on": (64, 188, 240, 235),
}
"""Of two masks: ran at both, skipped at both, switched off, switched on; with opacity."""
POINT_PATH: RGB = (222, 120, 150)
"""MultiPool's 1x1 path, which looks at one pixel only; outside the ordered dilation scale."""
DENSE_BAR = "rgba(128, 134, 152, 0.35)"
EXECUTED_BAR = "#3b6fd4"
CHART_MARK = "#7d8597"
"""Grey of marks that are seen on a white and on a near-black page: figures do not know the theme.
No grey is read on both, so that letters get their colour in the browser (`app/front/charts.js`)."""
CHART_GRID = "rgba(128, 134, 152, 0.25)"


@dataclass(frozen=True)
class Stroke:
    """How a method's curve is drawn; marker and dashes tell it apart without its colour."""

    colour: str
    marker: str
    dash: str
    width: float = 2.0


METHOD_STYLES = {
    "learned": Stroke(EXECUTED_BAR, "circle", "solid", 3.5),
    "scaled": Stroke("#8a5cc2", "star", "solid", 2.5),
    "random": Stroke("#ce7900", "triangle-down", "dot"),
    "random_shares": Stroke("#b07b3c", "triangle-up", "dash"),
    "grid": Stroke("#00936b", "square", "dash"),
    "grid_learned_shares": Stroke("#4a95c2", "diamond", "dash"),
    "whole_layers": Stroke("#8d8a00", "hexagon", "dashdot"),
    "truncated": Stroke("#c8649b", "x", "dot"),
    "lower_resolution": Stroke("#cf4b10", "cross", "solid"),
}
"""Middle tones, which are seen on white and on near-black: 3 to 1 in contrast at the least."""


@cache
def colormap_table(name: str) -> np.ndarray:
    """(256, 3) uint8, read-only: matplotlib's colormap `name` sampled from low to high."""
    table = np.round(colormaps[name](np.linspace(0.0, 1.0, 256))[:, :3] * 255).astype(np.uint8)
    table.setflags(write=False)
    return table


def class_colours(names: Sequence[str]) -> tuple[RGB, ...]:
    """One colour a class. Classes that are in no table get well-spread hues."""
    unknown = [name for name in names if name not in CLASS_COLOURS]
    spare = dict(zip(unknown, _spread(len(unknown)), strict=True))
    return tuple(CLASS_COLOURS.get(name) or spare[name] for name in names)


def dilation_colours(dilations: Sequence[int]) -> tuple[RGB, ...]:
    """One colour a pooling field: light for near, dark for far; the 1x1 path stands apart."""
    table = colormap_table(DILATION_MAP)
    ordered = sorted(d for d in dilations if d > 0)
    places = np.linspace(40, 250, max(len(ordered), 1)).astype(int)
    shades = {d: _rgb(table[place]) for d, place in zip(ordered, places, strict=False)}
    return tuple(shades.get(d, POINT_PATH) for d in dilations)


def css(colour: RGB) -> str:
    """The colour as CSS writes it."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def css_variables() -> str:
    """The colours of masks and maps as a rule of CSS that sets variables for the page's styles."""
    values = {name: css(colour[:3]) for name, colour in DIFFERENCE.items()}
    values |= {"wish": css_gradient(PROBABILITY_MAP, 3), "ponder": css_gradient(PONDER_MAP, 4)}
    lines = "".join(f"  --pag-{name}: {value};\n" for name, value in values.items())
    return f".gradio-container {{\n{lines}}}"


def css_gradient(name: str, steps: int = 12, *, reverse: bool = False) -> str:
    """A colormap as a CSS gradient, low on the left, or on the right if reversed."""
    table = colormap_table(name)[:: -1 if reverse else 1]
    stops = (css(_rgb(table[i])) for i in np.linspace(0, 255, steps).astype(int))
    return f"linear-gradient(to right, {', '.join(stops)})"


def _rgb(row: np.ndarray) -> RGB:
    return int(row[0]), int(row[1]), int(row[2])


def _spread(count: int) -> list[RGB]:
    # Golden-angle hues never come close to each other, and lightness alternates as well.
    colours = []
    for i in range(count):
        rgb = colorsys.hls_to_rgb(i * 0.618034 % 1.0, (0.35, 0.55, 0.75)[i % 3], 0.65)
        colours.append((round(rgb[0] * 255), round(rgb[1] * 255), round(rgb[2] * 255)))
    return colours
