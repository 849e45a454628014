"""Trees, poles, signs and fences beside the road, standing around the origin."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from pag.scenes.geometry import Cutout, Part, Shape, Thing, ball, box, drum, leaning, rod, slab
from pag.scenes.material import Material, hsv, near

Rng = np.random.Generator

STEEL = Material("plain", hsv(0.6, 0.04, 0.45), gloss=0.05)
RED, BLUE, GREEN = hsv(0.99, 0.85, 0.75), hsv(0.6, 0.8, 0.65), hsv(0.4, 0.8, 0.45)


def tree(rng: Rng, height: float) -> Thing:
    """A broad-leaved tree or a conifer; some are bare."""
    trunk = Material(
        "bark", near(hsv(0.08, 0.4, 0.42), rng), hsv(0.09, 0.4, 0.22), seed=int(rng.integers(99))
    )
    hue = float(rng.uniform(0.19, 0.33)) if rng.random() < 0.85 else float(rng.uniform(0.04, 0.14))
    leaf = Material(
        "leaves",
        near(hsv(hue, 0.62, 0.30), rng),
        near(hsv(hue - 0.02, 0.6, 0.55), rng),
        seed=int(rng.integers(99)),
    )
    radius = height * float(rng.uniform(0.018, 0.03))
    style = rng.random()
    if style < 0.15:
        parts = [drum((0, 0, height * 0.15), radius, height * 0.3, trunk)]
        for k in range(5):
            z, r = height * (0.25 + 0.15 * k), height * 0.2 * (1 - 0.17 * k)
            cone = drum((0, 0, z), r, height * 0.26, leaf, top=0.25)
            parts.append(replace(cone, cutout=Cutout.LEAVES))
        return Thing("tree", tuple(parts))
    fork = height * float(rng.uniform(0.3, 0.42))
    parts = [
        rod(
            (0, 0, 0),
            (float(rng.normal(0, 0.1)), float(rng.normal(0, 0.1)), fork),
            radius,
            trunk,
            top=0.8,
        )
    ]
    bare = style > 0.93
    count = int(rng.integers(8, 14))
    for k in range(count):
        a = 2.4 * k + float(rng.uniform(-0.4, 0.4))
        out = height * float(rng.uniform(0.08, 0.27))
        z = height * float(rng.uniform(0.48, 0.88))
        out *= 1.25 - 0.6 * abs(z / height - 0.6) / 0.3
        tip = (out * math.cos(a), out * math.sin(a), z)
        if bare or k % 2 == 0:
            parts.append(rod((0, 0, fork * 0.97), tip, radius * 0.5, trunk, top=0.4))
        if bare:
            for _ in range(3):
                end = tuple(t + float(rng.normal(0, 0.1)) * height for t in tip)
                parts.append(
                    rod(tip, (end[0], end[1], max(end[2], z)), radius * 0.2, trunk, top=0.3)
                )
            continue
        r = height * float(rng.uniform(0.11, 0.17))
        clump = ball(tip, (r, r, r * float(rng.uniform(0.7, 0.95))), leaf)
        parts.append(replace(clump, cutout=Cutout.LEAVES))
    return Thing("tree", tuple(parts))


def hedge(rng: Rng, length: float, height: float) -> Thing:
    """A hedge along y."""
    leaf = Material("leaves", near(hsv(0.28, 0.65, 0.26), rng), near(hsv(0.27, 0.6, 0.45), rng))
    parts = []
    for k in range(max(1, round(length / 1.2))):
        y = -length / 2 + length * (k + 0.5) / max(1, round(length / 1.2))
        size = (0.42, 0.72, height * float(rng.uniform(0.47, 0.54)))
        parts.append(replace(ball((0, y, height / 2 - 0.04), size, leaf), cutout=Cutout.LEAVES))
    core = slab((-0.3, -length / 2, 0), (0.3, length / 2, height * 0.85), leaf)
    return Thing("tree", (core, *parts))


def lamp_post(rng: Rng, side: float) -> Thing:
    """A street lamp whose arm points to `side` (-1 left, 1 right)."""
    h = float(rng.uniform(4.5, 8.0))
    m = STEEL if rng.random() < 0.6 else Material("plain", hsv(0.4, 0.3, 0.16))
    glass = Material("plain", hsv(0.12, 0.1, 0.95), emission=0.3)
    parts = [drum((0, 0, 0.5), 0.11, 1.0, m), rod((0, 0, 0.9), (0, 0, h), 0.07, m, top=0.7)]
    if rng.random() < 0.6:
        out = side * float(rng.uniform(1.0, 1.9))
        parts.append(rod((0, 0, h - 0.02), (out, 0, h + 0.25), 0.045, m))
        parts.append(box((out + side * 0.2, 0, h + 0.26), (0.36, 0.13, 0.06), m))
        parts.append(box((out + side * 0.2, 0, h + 0.19), (0.30, 0.10, 0.02), glass, casts=False))
    else:
        parts.append(drum((0, 0, h + 0.2), 0.14, 0.42, glass, top=1.6))
        parts.append(drum((0, 0, h + 0.47), 0.26, 0.14, m, top=0.2))
    return Thing("pole", tuple(parts))


def bollard(rng: Rng) -> Thing:
    """A short post."""
    m = Material("plain", hsv(0.6, 0.1, float(rng.choice([0.15, 0.5]))), gloss=0.03)
    band = Material("plain", hsv(0, 0, 0.9))
    parts = (
        drum((0, 0, 0.45), 0.06, 0.9, m),
        drum((0, 0, 0.75), 0.063, 0.1, band),
        ball((0, 0, 0.9), 0.06, m),
    )
    return Thing("pole", parts)


def sign_post(rng: Rng) -> tuple[Thing, Thing]:
    """A post and the traffic sign on it, which faces -y."""
    z = float(rng.uniform(2.1, 2.7))
    kind = rng.random()
    post = Thing("pole", (drum((0, 0, (z + 0.3) / 2), 0.032, z + 0.3, STEEL),))
    colour = (RED, BLUE, GREEN, hsv(0.13, 0.85, 0.9))[int(rng.integers(4))]
    seed = int(rng.integers(999))
    if kind < 0.45:
        seed = seed // 4 * 4 + (0 if rng.random() < 0.6 else 1)
        m = Material("sign", RED if rng.random() < 0.75 else BLUE, seed=seed)
        plate = leaning(drum((0, -0.05, z), 0.33, 0.02, m), math.pi / 2)
        return post, Thing("sign", (plate,))
    if kind < 0.65:
        rim = Material("plain", RED)
        face = Material("plain", hsv(0.1, 0.03, 0.92))
        outer = replace(
            slab((-0.40, -0.06, z - 0.35), (0.40, -0.04, z + 0.35), rim),
            shape=Shape.TAPER,
            profile=(-0.03, 0.03, -1, 1),
        )
        inner = replace(
            slab((-0.26, -0.065, z - 0.27), (0.26, -0.06, z + 0.19), face, casts=False),
            shape=Shape.TAPER,
            profile=(-0.03, 0.03, -1, 1),
        )
        mark = Material("plain", hsv(0, 0, 0.08))
        dot = slab((-0.03, -0.07, z - 0.2), (0.03, -0.065, z + 0.06), mark, casts=False)
        return post, Thing("sign", (outer, inner, dot))
    w, h = float(rng.uniform(0.3, 0.75)), float(rng.uniform(0.25, 0.4))
    m = Material("sign", colour, seed=seed // 4 * 4 + int(rng.integers(2, 4)))
    return post, Thing("sign", (slab((-w, -0.06, z - h), (w, -0.04, z + h), m),))


def traffic_light(rng: Rng) -> tuple[Thing, Thing]:
    """A pole and its signal head, which faces -y; heads count as signs, as in CamVid."""
    black = Material("plain", hsv(0, 0, 0.08), gloss=0.03)
    parts: list[Part] = [box((0, -0.12, 2.75), (0.16, 0.12, 0.45), black)]
    lit = int(rng.integers(3))
    for k, tone in enumerate((hsv(0.99, 0.95, 0.95), hsv(0.11, 0.95, 0.95), hsv(0.42, 0.9, 0.85))):
        glow = 2.5 if k == lit else 0.0
        colour = tone if k == lit else (tone[0] * 0.15, tone[1] * 0.15, tone[2] * 0.15)
        lens = leaning(
            drum((0, -0.245, 3.02 - 0.27 * k), 0.1, 0.02, Material("plain", colour, emission=glow)),
            math.pi / 2,
        )
        parts.append(replace(lens, casts=False))
    return Thing("pole", (drum((0, 0, 1.6), 0.06, 3.2, STEEL),)), Thing("sign", tuple(parts))


def fence(rng: Rng, length: float) -> Thing:
    """A fence along y: pickets, railings or boards, with posts."""
    h = float(rng.uniform(0.9, 1.7))
    kind = rng.random()
    tone = (
        hsv(0.09, 0.4, float(rng.uniform(0.35, 0.7)))
        if kind < 0.6
        else hsv(0, 0, float(rng.choice([0.9, 0.1])))
    )
    m = Material("wood", tone, near(tone, rng, 0.3), seed=int(rng.integers(99)))
    post = replace(m, pattern="plain")
    # Its length is the local x, so that pickets follow one another along it.
    axes = ((0.0, 1.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    panel = box((0, 0, h / 2 + 0.05), (length / 2, 0.015, h / 2), m)
    panel = replace(panel, axes=axes, cutout=Cutout.PICKETS if kind > 0.25 else Cutout.NONE)
    parts = [panel]
    count = max(2, round(length / 2.2) + 1)
    for k in range(count):
        y = -length / 2 + length * k / (count - 1)
        parts.append(slab((-0.05, y - 0.05, 0), (0.05, y + 0.05, h + 0.12), post))
    return Thing("fence", tuple(parts))
