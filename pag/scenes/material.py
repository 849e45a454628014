"""What a surface looks like: a pattern by name and its few numbers."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace

import numpy as np

from pag.errors import InputError

Colour = tuple[float, float, float]

PATTERNS = (
    "plain", "plaster", "wood", "planks", "tiles", "checker", "brick", "carpet", "stripes",
    "ornament", "fabric", "marble", "asphalt", "road", "paving", "grass", "bark", "leaves",
    "facade", "picture", "books", "view", "rug", "sign", "glass",
)  # fmt: skip


@dataclass(frozen=True)
class Material:
    """A surface.

    Attributes:
        pattern: one of `PATTERNS`.
        first, second: linear RGB reflectances, 0 to 1.
        scale: size of the pattern's elements, metres.
        gloss: share of light mirrored at normal incidence, 0 to 1.
        emission: light given off, as a multiple of the colour.
        seed: chooses among patterns of one kind.
        numbers: what else the pattern asks for; see `pag.scenes.texture`.
    """

    pattern: str
    first: Colour
    second: Colour = (0.0, 0.0, 0.0)
    scale: float = 1.0
    gloss: float = 0.0
    emission: float = 0.0
    seed: int = 0
    numbers: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.pattern not in PATTERNS:
            raise InputError(f"no pattern '{self.pattern}', expected one of {', '.join(PATTERNS)}")

    def dyed(self, first: Colour) -> Material:
        """The same in another colour."""
        return replace(self, first=first)


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Linear RGB of a colour given as on a screen: hue in turns, saturation, value 0 to 1."""
    r, g, b = colorsys.hsv_to_rgb(hue % 1.0, min(max(saturation, 0.0), 1.0), min(max(value, 0), 1))
    return (linear(r), linear(g), linear(b))


def linear(value: float) -> float:
    """Linear light of an sRGB value, both 0 to 1 (IEC 61966-2-1)."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def near(colour: Colour, rng: np.random.Generator, spread: float = 0.15) -> Colour:
    """`colour`, each channel changed by up to a share of `spread`, and all by one more."""
    factors = (1 + rng.uniform(-spread, spread)) * (1 + rng.uniform(-spread, spread, 3) / 2)
    r, g, b = (min(float(c * f), 0.95) for c, f in zip(colour, factors, strict=True))
    return (r, g, b)


def pick(rng: np.random.Generator, *choices: Colour) -> Colour:
    """One of the colours."""
    return choices[int(rng.integers(len(choices)))]
