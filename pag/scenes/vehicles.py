"""Cars, vans, lorries and buses: 4 m and more along y, front towards -y, wheels on the ground."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from pag.scenes.geometry import Part, Shape, Thing, Vector, box, drum, slab
from pag.scenes.material import Colour, Material, hsv

Rng = np.random.Generator

PAINTS: tuple[Colour, ...] = (
    hsv(0, 0, 0.92), hsv(0, 0, 0.10), hsv(0.6, 0.05, 0.55), hsv(0.6, 0.06, 0.75),
    hsv(0.6, 0.7, 0.45),
    hsv(0.99, 0.85, 0.62), hsv(0.58, 0.55, 0.75), hsv(0.35, 0.5, 0.32), hsv(0.12, 0.75, 0.85),
    hsv(0.08, 0.35, 0.6), hsv(0.06, 0.8, 0.75),
)  # fmt: skip
RUBBER = Material("plain", hsv(0, 0, 0.13))
HUB = Material("plain", hsv(0.6, 0.03, 0.6), gloss=0.2)
GLASS = Material("plain", (0.012, 0.014, 0.017), gloss=0.16)
PLATE = Material("plain", hsv(0.13, 0.1, 0.9))
LAMP = Material("plain", hsv(0.12, 0.05, 0.95), gloss=0.2, emission=0.3)
REAR = Material("plain", hsv(0.0, 0.9, 0.6), gloss=0.1, emission=0.3)
TRIM = Material("plain", hsv(0, 0, 0.09), gloss=0.03)


def tapered(low: Vector, high: Vector, top: tuple[float, float, float, float], m: Material) -> Part:
    """A box between corners whose top face spans shares `top` (x from, to, y from, to)."""
    return replace(slab(low, high, m), shape=Shape.TAPER, profile=top)


def _wheels(parts: list[Part], half_width: float, places: tuple[float, ...], radius: float) -> None:
    for y in places:
        for side in (-1, 1):
            x = side * (half_width - 0.10)
            # The axle along x: local z is the world's x.
            axes = ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
            tyre = drum((x, y, radius), radius, 0.21, RUBBER)
            hub = drum((x + side * 0.012, y, radius), radius * 0.62, 0.205, HUB)
            parts.append(replace(tyre, axes=axes))
            parts.append(replace(hub, axes=axes, casts=False))


def car(rng: Rng) -> Thing:
    """A hatchback, saloon or estate."""
    paint = Material("plain", PAINTS[int(rng.integers(len(PAINTS)))], gloss=0.05)
    length, w = float(rng.uniform(3.7, 4.7)), float(rng.uniform(0.84, 0.93))
    h = length / 2
    belt, roof = float(rng.uniform(0.82, 0.95)), float(rng.uniform(1.40, 1.68))
    kind = int(rng.integers(3))
    front, rear = -h * float(rng.uniform(0.42, 0.52)), (h * 0.93, h * 0.62, h * 0.95)[kind]
    middle, half = (front + rear) / 2, (rear - front) / 2
    windscreen, back = 0.62 / half, (0.30, 0.55, 0.18)[kind] / half
    top = (-0.80, 0.80, -1 + windscreen, 1 - back)
    cabin = tapered((-w + 0.04, front, belt), (w - 0.04, rear, roof - 0.03), top, GLASS)
    skin = tapered(
        (-w * 0.83, middle + half * top[2] - 0.03, roof - 0.05),
        (w * 0.83, middle + half * top[3] + 0.03, roof),
        (-0.9, 0.9, -0.95, 0.95),
        paint,
    )
    parts = [
        tapered((-w, -h + 0.05, 0.22), (w, h - 0.04, 0.62), (-1.0, 1.0, -1.0, 1.0), paint),
        tapered((-w, -h + 0.04, 0.60), (w, h - 0.03, belt), (-0.95, 0.95, -0.93, 0.98), paint),
        cabin,
        skin,
        slab((-w + 0.02, -h, 0.24), (w - 0.02, -h + 0.14, 0.5), paint),
        slab((-w + 0.02, h - 0.14, 0.26), (w - 0.02, h, 0.52), paint),
        slab((-w + 0.05, -h - 0.004, 0.26), (w - 0.05, -h, 0.36), TRIM, casts=False),
        slab((-0.45, -h + 0.02, 0.52), (0.45, -h + 0.06, 0.64), TRIM, casts=False),
        slab((-0.26, -h - 0.012, 0.38), (0.26, -h, 0.48), PLATE, casts=False),
        slab((-0.26, h, 0.42), (0.26, h + 0.012, 0.53), PLATE, casts=False),
        slab((-w + 0.02, -h + 0.08, 0.17), (w - 0.02, h - 0.08, 0.24), TRIM),
    ]
    for side in (-1, 1):
        x = side * (w - 0.2)
        parts.append(
            slab((x - 0.15, -h + 0.01, 0.55), (x + 0.15, -h + 0.12, 0.70), LAMP, casts=False)
        )
        parts.append(
            slab((x - 0.12, h - 0.10, 0.60), (x + 0.14, h - 0.005, 0.78), REAR, casts=False)
        )
        parts.append(
            box(
                (side * (w + 0.06), front + 0.25, belt + 0.05),
                (0.07, 0.05, 0.06),
                paint,
                casts=False,
            )
        )
        pillar = middle + half * 0.05
        slope = tapered(
            (side * (w - 0.05) - 0.02, pillar - 0.04, belt),
            (side * (w - 0.05) + 0.02, pillar + 0.04, roof - 0.05),
            (-side * 7.0 - 1, -side * 7.0 + 1, -1.0, 1.0),
            paint,
        )
        parts.append(replace(slope, casts=False))
        parts.append(
            box(
                (side * w, middle - half * 0.1, belt - 0.12),
                (0.012, 0.09, 0.014),
                TRIM,
                casts=False,
            )
        )
    _wheels(parts, w, (-h * 0.62, h * 0.60), 0.32)
    return Thing("car", tuple(parts))


def van(rng: Rng) -> Thing:
    """A delivery van or, longer, a bus."""
    bus = rng.random() < 0.3
    paint = Material("plain", PAINTS[int(rng.integers(len(PAINTS)))], gloss=0.04)
    if not bus and rng.random() < 0.5:
        paint = paint.dyed(hsv(0, 0, 0.93))
    h, w, top = (
        (5.2, 1.22, 2.95)
        if bus
        else (float(rng.uniform(2.4, 2.9)), 0.98, float(rng.uniform(1.95, 2.4)))
    )
    parts = [
        tapered((-w, -h, 0.30), (w, h, top), (-0.97, 0.97, -0.97 if bus else -0.72, 0.99), paint),
        slab((-w + 0.02, -h - 0.02, 0.28), (w - 0.02, h + 0.02, 0.42), TRIM),
        slab((-0.26, h, 0.6), (0.26, h + 0.014, 0.71), PLATE, casts=False),
        slab((-0.26, -h - 0.03, 0.5), (0.26, -h - 0.01, 0.61), PLATE, casts=False),
    ]
    # The windscreen follows the slope of the front.
    lean = (1 - (0.97 if bus else 0.72)) * h
    screen = tapered(
        (-w * 0.92, -h - 0.012, top * 0.52),
        (w * 0.92, -h + 0.2, top * 0.94),
        (-0.96, 0.96, -1, 1),
        GLASS,
    )
    low, high = (top * 0.52 - 0.3) / (top - 0.3), (top * 0.94 - 0.3) / (top - 0.3)
    a, b = lean * low, lean * high
    parts.append(
        replace(
            screen,
            centre=(0, -h + a - 0.01 + 0.1, top * 0.73),
            profile=(-0.96, 0.96, -1 + (b - a) / 0.1, 1 + (b - a) / 0.1),
            casts=False,
        )
    )
    rows = 7 if bus else 1
    for side in (-1, 1):
        for k in range(rows):
            step = 2 * h * 0.88 / rows if bus else 1.1
            y = -h * 0.85 + step * k + (0 if bus else 0.35)
            z0, z1 = (1.25, 2.35) if bus else (top * 0.56, top * 0.86)
            x = side * w * 0.978
            parts.append(
                slab((x - 0.03, y, z0), (x + 0.03, y + step * 0.9, z1), GLASS, casts=False)
            )
        x = side * (w - 0.2)
        parts.append(
            slab((x - 0.14, -h - 0.02, 0.62), (x + 0.14, -h + 0.05, 0.84), LAMP, casts=False)
        )
        parts.append(
            slab((x - 0.08, h - 0.03, 0.75), (x + 0.14, h + 0.015, 1.1), REAR, casts=False)
        )
    back = slab(
        (-w * 0.8, h - 0.03, top * 0.55), (w * 0.8, h + 0.01, top * 0.85), GLASS, casts=False
    )
    parts.append(back)
    _wheels(parts, w, (-h * 0.66, h * 0.62), 0.46 if bus else 0.35)
    return Thing("car", tuple(parts))


def size_of(thing: Thing) -> tuple[float, float]:
    """Half width and half length of a thing that stands along y, metres."""
    reach = [
        (abs(p.centre[0]) + p.half[0], abs(p.centre[1]) + p.half[1]) for p in thing.parts if p.casts
    ]
    return max(x for x, _ in reach), max(y for _, y in reach)


def facing(direction: float) -> float:
    """Yaw of a vehicle that drives along y: 1 away from the viewer, -1 towards."""
    return math.pi if direction > 0 else 0.0
