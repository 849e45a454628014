"""Lamps, windows and the sun with soft shadows, and what the surroundings send back.

A shadow is decided by one ray per light and every other pixel. Neighbouring pixels aim at
different points of the light, in a repeating 4x4 arrangement, and the answers are then
averaged over 4x4 pixels of the same surface: interleaved sampling (Keller and Heidrich,
EGWR 2001).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pag.scenes.geometry import Solids, Vector
from pag.scenes.material import Colour
from pag.scenes.trace import blocked
from pag.scenes.vectors import along, dot

TILE = 4
SAMPLES = np.array([0, -1, 5, -1, -1, 3, -1, 6, 4, -1, 1, -1, -1, 7, -1, 2])
"""The light's point that each pixel of the 4x4 arrangement looks at; -1 looks at none."""
PLACES = np.array([(0, 1), (1, 3), (2, 0), (3, 2), (0, 3), (1, 1), (2, 2), (3, 0)]) / 2 - 0.75
"""The 8 points of a light, as shares of its first two half axes."""
LIFT = 2e-3
"""Shadow rays start so many metres above their surface, and 0.02% of the distance more."""


@dataclass(frozen=True)
class Opening:
    """A rectangle in an upright wall through which alone a light reaches the scene.

    Attributes:
        axis: 0 if the wall is at a constant x, 1 if at a constant y.
        at: that coordinate, metres.
        low, high: corners: the other horizontal coordinate, then z.
    """

    axis: int
    at: float
    low: tuple[float, float]
    high: tuple[float, float]


@dataclass(frozen=True)
class Light:
    """A light with an extent.

    Attributes:
        position: its middle, metres.
        colour: irradiance that it gives at 1 m, or anywhere if it does not fall off.
        spread: half axes of its extent, metres.
        falls: whether it weakens with the square of the distance.
        facing: direction of a light that shines to one side only.
        openings: if any, the light must pass through one of them.
    """

    position: Vector
    colour: Colour
    spread: tuple[Vector, ...]
    falls: bool = True
    facing: Vector | None = None
    openings: tuple[Opening, ...] = ()

    @property
    def radius(self) -> float:
        """Distance from the middle to the farthest point, metres."""
        return float(np.sqrt(sum(c * c for axis in self.spread for c in axis)))


def shares(light: Light, position: np.ndarray, normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What of `light` reaches N points if nothing is in the way.

    Returns:
        Irradiance as a share of the light's colour, (N,), and the unit direction to the
        light's middle, (3, N), for points (3, N) with normals (3, N).
    """
    towards = np.array(light.position, dtype=np.float32)[:, None] - position
    squared = dot(towards, towards)
    towards /= np.sqrt(squared)
    cosine = np.maximum(dot(towards, normal), 0)
    if light.facing is not None:
        cosine = cosine * np.maximum(-along(light.facing, towards), 0)
    if light.falls:
        cosine = cosine / (squared + np.float32(0.08))
    return cosine, towards


def visibility(
    solids: Solids,
    light: Light,
    share: np.ndarray,
    position: np.ndarray,
    normal: np.ndarray,
    distance: np.ndarray,
    surfaces: np.ndarray,
) -> np.ndarray:
    """How much of `light` each pixel's surface sees: (H, W) float32, 0 to 1.

    Args:
        solids: what throws shadows.
        light: the light.
        share: (N,) of `shares`; where it is 0 no ray is cast.
        position, normal: (3, N) float32 of the N pixels that see a surface, row by row.
        distance: (N,) metres from the eye, for the precision of single numbers.
        surfaces: (H, W) int, equal where pixels see one surface, -1 where they see none.
    """
    height, width = surfaces.shape
    index = np.flatnonzero(surfaces.ravel() >= 0)
    row, column = np.divmod(index, width)
    sample = SAMPLES[row % TILE * TILE + column % TILE]
    wanted = np.ones(surfaces.shape, dtype=bool)
    same = surfaces[:, 1:] == surfaces[:, :-1]
    wanted[:, 1:] &= ~same
    wanted[:, :-1] &= ~same
    # A surface one pixel wide may have no neighbour that looks: it looks itself.
    lone = wanted.ravel()[index] & (sample < 0)
    sample = np.where(lone, (row + 3 * column) % len(PLACES), sample)
    looks = np.zeros(surfaces.size, dtype=np.float32)
    looks[index[sample >= 0]] = 1.0

    lit = np.flatnonzero((share > 1e-4) & (sample >= 0))
    start = position[:, lit] + normal[:, lit] * (LIFT + 2e-4 * distance[lit])
    middle = np.array(light.position, dtype=np.float32)
    end = middle[:, None] + _offsets(light)[:, sample[lit]]
    if light.openings:
        passing = np.zeros(len(lit), dtype=bool)
        for opening in light.openings:
            passing |= _passes(opening, start, end)
        lit, start, end = lit[passing], start[:, passing], end[:, passing]
    seen = np.zeros(surfaces.size, dtype=np.float32)
    dark = blocked(solids, middle, start, end - start, light.radius)
    seen[index[lit[~dark]]] = 1.0
    total, count = (_gathered(values.reshape(height, width), surfaces) for values in (seen, looks))
    return total / np.maximum(count, 1.0)


def _offsets(light: Light) -> np.ndarray:
    """The light's sample points relative to its middle: (3, 8) float32."""
    depth = np.arange(len(PLACES))[:, None] * 3 % len(PLACES) / 4 - 0.875
    places = np.concatenate([PLACES, depth], axis=1)
    axes = np.array(light.spread, dtype=np.float64).reshape(-1, 3)
    return np.einsum("ka,ac->ck", places[:, : len(axes)], axes).astype(np.float32)


def _passes(opening: Opening, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    way = end - start
    reach = way[opening.axis]
    reach = np.where(np.abs(reach) < 1e-9, np.float32(1e-9), reach)
    t = (opening.at - start[opening.axis]) / reach
    side = start[1 - opening.axis] + t * way[1 - opening.axis]
    up = start[2] + t * way[2]
    (a0, b0), (a1, b1) = opening.low, opening.high
    return (t > 0) & (side > a0) & (side < a1) & (up > b0) & (up < b1)


def _gathered(values: np.ndarray, surface: np.ndarray) -> np.ndarray:
    """Sum over 4x4 pixels of the same surface, (H, W) float32."""
    for axis in (0, 1):
        total = values.copy()
        for step in (-2, -1, 1):
            here: list[slice] = [slice(None), slice(None)]
            there: list[slice] = [slice(None), slice(None)]
            here[axis] = slice(max(0, -step), -step if step > 0 else None)
            there[axis] = slice(max(0, step), step if step < 0 else None)
            a, b = tuple(here), tuple(there)
            total[a] += values[b] * (surface[a] == surface[b])
        values = total
    return values
