"""People on foot and on bicycles, front towards -y."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from pag.scenes.geometry import Cutout, Part, Shape, Thing, Vector, ball, drum, leaning, rod, slab
from pag.scenes.material import Colour, Material, hsv, near, pick

Rng = np.random.Generator

SKIN: tuple[Colour, ...] = (
    hsv(0.06, 0.35, 0.92),
    hsv(0.06, 0.45, 0.75),
    hsv(0.06, 0.55, 0.5),
    hsv(0.06, 0.6, 0.35),
)
HAIR: tuple[Colour, ...] = (
    hsv(0.07, 0.6, 0.16),
    hsv(0.08, 0.6, 0.32),
    hsv(0.11, 0.5, 0.68),
    hsv(0, 0, 0.6),
)
TROUSERS: tuple[Colour, ...] = (
    hsv(0.6, 0.5, 0.32),
    hsv(0, 0, 0.12),
    hsv(0.1, 0.3, 0.5),
    hsv(0.6, 0.1, 0.4),
)


def _clothes(rng: Rng) -> tuple[Material, Material, Material, Material]:
    """Materials of skin, hair, top and trousers."""
    skin = Material("plain", near(pick(rng, *SKIN), rng, 0.08))
    hair = Material("plain", near(pick(rng, *HAIR), rng, 0.1))
    tone = hsv(float(rng.random()), float(rng.uniform(0.0, 0.8)), float(rng.uniform(0.15, 0.9)))
    kind = "stripes" if rng.random() < 0.12 else "fabric"
    top = Material(kind, tone, hsv(0.1, 0.05, 0.9), scale=0.08, seed=int(rng.integers(99)))
    legs = Material("fabric", near(pick(rng, *TROUSERS), rng), seed=int(rng.integers(99)))
    return skin, hair, top, legs


def _head(at: Vector, s: float, skin: Material, hair: Material, long: bool) -> list[Part]:
    x, y, z = at
    parts = [ball((x, y, z), (0.078 * s, 0.095 * s, 0.115 * s), skin)]
    parts.append(ball((x, y + 0.018 * s, z + 0.03 * s), (0.088 * s, 0.095 * s, 0.098 * s), hair))
    if long:
        parts.append(ball((x, y + 0.06 * s, z - 0.06 * s), (0.085 * s, 0.05 * s, 0.15 * s), hair))
    return parts


def pedestrian(rng: Rng) -> Thing:
    """Someone who walks or stands, 1.5 to 1.9 m tall."""
    s = float(rng.uniform(0.88, 1.08))
    skin, hair, top, legs = _clothes(rng)
    shoe = Material("plain", hsv(0.08, 0.3, float(rng.choice([0.1, 0.3, 0.85]))))
    stride = float(rng.uniform(0.0, 0.28)) * s
    hip, shoulder = 0.90 * s, 1.42 * s
    parts: list[Part] = []
    skirt = rng.random() < 0.2
    for side in (-1, 1):
        foot = side * stride
        knee = (side * 0.095 * s, foot * 0.45 - 0.05 * stride, 0.48 * s)
        ankle = (side * 0.09 * s, foot, 0.09 * s)
        lower = skin if skirt else legs
        parts.append(rod((side * 0.085 * s, 0, hip), knee, 0.082 * s, legs, top=0.72))
        parts.append(rod(knee, ankle, 0.060 * s, lower, top=0.7))
        parts.append(
            ball((ankle[0], foot - 0.05 * s, 0.045 * s), (0.047 * s, 0.13 * s, 0.045 * s), shoe)
        )
        swing = -foot * 0.8
        elbow = (side * 0.245 * s, swing * 0.3 + 0.02, 1.12 * s)
        hand = (side * 0.25 * s, swing - 0.06 * s, 0.86 * s)
        parts.append(
            rod((side * 0.20 * s, 0, shoulder - 0.03 * s), elbow, 0.052 * s, top, top=0.85)
        )
        parts.append(rod(elbow, hand, 0.042 * s, top, top=0.8))
        parts.append(ball(hand, 0.045 * s, skin))
    trunk = slab((-0.16 * s, -0.105 * s, hip - 0.06 * s), (0.16 * s, 0.105 * s, shoulder), top)
    parts.append(replace(trunk, shape=Shape.TAPER, profile=(-1.18, 1.18, -0.95, 0.95)))
    parts.append(ball((0, 0, shoulder - 0.01), (0.205 * s, 0.10 * s, 0.075 * s), top))
    parts.append(ball((0, 0, hip), (0.165 * s, 0.115 * s, 0.13 * s), legs))
    if skirt or rng.random() < 0.2:
        parts.append(drum((0, 0, 0.68 * s), 0.26 * s, 0.5 * s, legs if skirt else top, top=0.62))
    parts.append(drum((0, 0, shoulder + 0.07 * s), 0.05 * s, 0.12 * s, skin))
    parts += _head((0, -0.01, shoulder + 0.22 * s), s, skin, hair, rng.random() < 0.4)
    bag = rng.random()
    if bag < 0.25:
        pack = Material("fabric", hsv(float(rng.random()), 0.5, 0.4))
        parts.append(ball((0, 0.16 * s, 1.2 * s), (0.15 * s, 0.09 * s, 0.21 * s), pack))
    elif bag < 0.45:
        sack = Material("plain", hsv(float(rng.random()), 0.4, 0.35))
        parts.append(slab((0.24 * s, -0.16, 0.5 * s), (0.30 * s, 0.16, 0.82 * s), sack))
    return Thing("pedestrian", tuple(parts))


def bicyclist(rng: Rng) -> Thing:
    """Someone who rides a bicycle, 1.7 m long."""
    skin, hair, top, legs = _clothes(rng)
    frame = Material("plain", hsv(float(rng.random()), 0.7, 0.55), gloss=0.08)
    dark = Material("plain", hsv(0, 0, 0.1))
    parts: list[Part] = []
    axes = ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    for y in (-0.52, 0.52):
        tyre = replace(drum((0, y, 0.34), 0.34, 0.035, dark), axes=axes, cutout=Cutout.WHEEL)
        parts.append(tyre)
    crank, saddle, head = (0, 0.06, 0.30), (0, 0.24, 0.92), (0, -0.38, 0.82)
    for a, b in (
        ((0, 0.52, 0.34), crank), (crank, (0, 0.22, 0.84)), (crank, head), ((0, 0.2, 0.78), head),
        ((0, 0.52, 0.34), (0, 0.21, 0.78)), ((0, -0.52, 0.34), (0, -0.36, 0.98)),
    ):  # fmt: skip
        parts.append(rod(a, b, 0.019, frame))
    parts.append(rod((-0.25, -0.33, 1.0), (0.25, -0.33, 1.0), 0.015, dark))
    parts.append(ball(saddle, (0.07, 0.14, 0.035), dark))
    hip, shoulder = (0.0, 0.20, 1.0), (0.0, -0.10, 1.45)
    spine = slab((-0.16, -0.1, -0.27), (0.16, 0.1, 0.27), top)
    middle = tuple((a + b) / 2 for a, b in zip(hip, shoulder, strict=True))
    trunk = replace(spine, centre=middle, shape=Shape.TAPER, profile=(-1.15, 1.15, -0.9, 0.9))
    parts.append(leaning(trunk, math.atan2(0.30, 0.45)))
    parts.append(ball(hip, (0.16, 0.13, 0.12), legs))
    phase = float(rng.uniform(0, math.pi))
    for side in (-1, 1):
        a = phase + (0 if side < 0 else math.pi)
        foot = (side * 0.11, 0.06 + 0.16 * math.cos(a), 0.32 + 0.16 * math.sin(a))
        knee = (side * 0.12, foot[1] * 0.5 - 0.26, 0.70 + 0.10 * math.sin(a))
        parts.append(rod((side * 0.09, 0.2, 0.98), knee, 0.08, legs, top=0.75))
        parts.append(rod(knee, foot, 0.058, legs, top=0.7))
        parts.append(ball((foot[0], foot[1] - 0.05, foot[2] - 0.03), (0.045, 0.12, 0.045), dark))
        elbow = (side * 0.26, -0.16, 1.20)
        parts.append(rod((side * 0.2, -0.08, 1.42), elbow, 0.05, top, top=0.85))
        parts.append(rod(elbow, (side * 0.23, -0.34, 1.02), 0.04, skin, top=0.85))
    parts.append(drum((0, -0.13, 1.52), 0.05, 0.14, skin))
    parts += _head((0, -0.17, 1.66), 1.0, skin, hair, False)
    if rng.random() < 0.6:
        helmet = Material("plain", hsv(float(rng.random()), 0.6, 0.7), gloss=0.06)
        parts.append(ball((0, -0.15, 1.71), (0.105, 0.13, 0.09), helmet))
    return Thing("bicyclist", tuple(parts))
