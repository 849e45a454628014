"""Houses along a street: the front towards -y, its foot at y = 0, x along the street."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pag.scenes.geometry import Part, Shape, Thing, slab
from pag.scenes.material import Colour, Material, hsv, near

Rng = np.random.Generator

WALLS: tuple[tuple[float, Colour], ...] = (
    (0.0, hsv(0.11, 0.18, 0.92)), (0.0, hsv(0.09, 0.35, 0.85)), (0.0, hsv(0.03, 0.38, 0.75)),
    (0.0, hsv(0.55, 0.15, 0.78)), (0.0, hsv(0.13, 0.45, 0.86)), (0.0, hsv(0.0, 0.0, 0.85)),
    (1.0, hsv(0.03, 0.58, 0.55)), (1.0, hsv(0.045, 0.52, 0.65)), (1.0, hsv(0.02, 0.45, 0.42)),
    (1.0, hsv(0.09, 0.35, 0.7)), (2.0, hsv(0.1, 0.06, 0.62)), (2.0, hsv(0.58, 0.06, 0.5)),
    (3.0, hsv(0.58, 0.12, 0.42)),
)  # fmt: skip
"""Kind of wall (see the facade pattern) and colour."""
ROOFS: tuple[Colour, ...] = (
    hsv(0.03, 0.55, 0.5),
    hsv(0.6, 0.08, 0.35),
    hsv(0.05, 0.4, 0.4),
    hsv(0.08, 0.2, 0.3),
)


def house(rng: Rng, width: float, depth: float, tall: bool) -> Thing:
    """A building `width` along the street: walls with windows, roof, doors, balconies."""
    kind, colour = WALLS[int(rng.integers(len(WALLS)))]
    if not tall and kind == 3.0:
        kind = 0.0
    storey = float(rng.uniform(2.8, 3.5))
    floors = int(rng.integers(4, 9)) if tall else int(rng.integers(2, 4))
    height = storey * floors + 0.35
    bay = float(rng.uniform(1.8, 3.2))
    shop = float(rng.random() < (0.55 if tall else 0.3))
    wide, high = float(rng.uniform(0.36, 0.62)), float(rng.uniform(0.42, 0.62))
    if kind == 3.0:
        wide, high = 0.94, 0.85
    trim = pick_trim(rng)
    wall = Material(
        "facade",
        near(colour, rng),
        trim,
        seed=int(rng.integers(999)),
        numbers=(storey, bay, wide, high, kind, shop),
    )
    w = width / 2
    parts: list[Part] = [slab((-w, 0, 0), (w, depth, height), wall)]
    plain = Material("plaster", trim)
    parts.append(slab((-w - 0.03, -0.18, height - 0.32), (w + 0.03, 0.0, height), plain))
    _roof(rng, parts, w, depth, height, tall)
    _front(rng, parts, w, storey, floors, bay, shop > 0, plain)
    return Thing("building", tuple(parts))


def pick_trim(rng: Rng) -> Colour:
    """Colour of frames and cornices."""
    return near(hsv(0.1, 0.08, float(rng.choice([0.95, 0.85, 0.3]))), rng, 0.08)


def _roof(rng: Rng, parts: list[Part], w: float, depth: float, height: float, tall: bool) -> None:
    tiles = Material(
        "brick",
        near(ROOFS[int(rng.integers(len(ROOFS)))], rng),
        hsv(0, 0, 0.2),
        scale=0.22,
        numbers=(1.0, 0.12),
        seed=int(rng.integers(99)),
    )
    rise = float(rng.uniform(1.6, 3.4))
    style = rng.random()
    if tall and style < 0.6:
        box_ = Material("plaster", hsv(0.1, 0.05, 0.5))
        x = float(rng.uniform(-0.5, 0.5)) * w
        parts.append(
            slab((x - 1.2, depth * 0.4, height), (x + 1.2, depth * 0.7, height + 2.0), box_)
        )
        return
    body = slab((-w - 0.15, -0.35, height), (w + 0.15, depth, height + rise), tiles)
    ridge = (-0.96, 0.96, -0.02, 0.02) if style < 0.8 else (-0.5, 0.5, -0.02, 0.02)
    if tall:
        ridge = (-0.93, 0.93, -0.6, 0.6)
    parts.append(replace(body, shape=Shape.TAPER, profile=ridge))
    for _ in range(int(rng.integers(0, 3))):
        x = float(rng.uniform(-0.8, 0.8)) * w
        stack = Material("brick", hsv(0.03, 0.5, 0.5), hsv(0.1, 0.1, 0.5), scale=0.075)
        y = depth * float(rng.uniform(0.25, 0.5))
        parts.append(
            slab((x - 0.35, y - 0.3, height), (x + 0.35, y + 0.3, height + rise + 0.8), stack)
        )


def _front(
    rng: Rng,
    parts: list[Part],
    w: float,
    storey: float,
    floors: int,
    bay: float,
    shop: bool,
    trim: Material,
) -> None:
    """What stands out from the front: door, steps, awnings, balconies, a downpipe."""
    hue = float(rng.random())
    paint = Material("plain", hsv(hue, 0.55, float(rng.uniform(0.25, 0.6))), gloss=0.03)
    if shop:
        if rng.random() < 0.6:
            cloth = Material("stripes", hsv(hue, 0.6, 0.6), hsv(0.1, 0.05, 0.9), scale=0.5)
            for k in range(max(1, int(2 * w / 4.5))):
                each = 2 * w / max(1, int(2 * w / 4.5))
                x = -w + each * (k + 0.5)
                body = slab(
                    (x - each * 0.42, -1.15, storey * 0.72),
                    (x + each * 0.42, 0.0, storey * 0.84),
                    cloth,
                )
                parts.append(replace(body, shape=Shape.TAPER, profile=(-1.0, 1.0, 0.9, 1.0)))
    else:
        bays = max(1, int(2 * w / bay))
        x = -w + 2 * w * (int(rng.integers(bays)) + 0.5) / bays
        parts.append(slab((x - 0.65, -0.07, 0), (x + 0.65, 0.0, 2.5), trim, casts=False))
        parts.append(slab((x - 0.48, -0.10, 0.1), (x + 0.48, -0.07, 2.25), paint, casts=False))
        parts.append(slab((x - 0.8, -0.6, 0), (x + 0.8, 0.0, 0.14), trim))
        if rng.random() < 0.5:
            parts.append(slab((x - 0.85, -0.8, 2.6), (x + 0.85, 0.0, 2.72), trim))
    if rng.random() < 0.35:
        rail = Material("plain", hsv(0, 0, 0.15))
        bays = max(1, int(2 * w / bay))
        for floor in range(1, min(floors, 5)):
            for k in range(0, bays, 2):
                x = -w + 2 * w * (k + 0.5) / bays
                z = storey * floor + 0.1
                half = bay * 0.42
                parts.append(slab((x - half, -0.9, z), (x + half, 0.0, z + 0.12), trim))
                parts.append(slab((x - half, -0.9, z + 0.12), (x + half, -0.86, z + 0.95), rail))
    if rng.random() < 0.6:
        pipe = Material("plain", hsv(0, 0, float(rng.choice([0.2, 0.5]))))
        x = w - 0.25
        parts.append(slab((x - 0.05, -0.1, 0), (x + 0.05, 0.0, storey * floors), pipe, casts=False))
