"""Small things, and what hangs on walls: all of the class clutter, fronts towards -y."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from pag.scenes.geometry import Cutout, Part, Thing, ball, box, drum, rod, slab, turned
from pag.scenes.material import Material, hsv, near

Rng = np.random.Generator


def glazed(rng: Rng) -> Material:
    """Shiny ceramic or plastic of any colour."""
    colour = hsv(float(rng.random()), float(rng.uniform(0.05, 0.8)), float(rng.uniform(0.3, 0.95)))
    return Material("plain", colour, gloss=0.05, seed=int(rng.integers(99)))


def plant(rng: Rng, height: float) -> Thing:
    """A pot plant: leaves in clumps on stems."""
    r = height * float(rng.uniform(0.11, 0.16))
    pot = height * 0.22
    green = near(hsv(float(rng.uniform(0.22, 0.36)), 0.6, 0.42), rng)
    light = near(hsv(float(rng.uniform(0.2, 0.3)), 0.6, 0.65), rng)
    leaf = Material("leaves", green, light, seed=int(rng.integers(99)))
    stem = Material("bark", hsv(0.1, 0.4, 0.4), hsv(0.12, 0.4, 0.3))
    parts = [drum((0, 0, pot / 2), r, pot, glazed(rng), top=1.25)]
    for _ in range(int(rng.integers(5, 9))):
        a, out = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0.05, 0.24)) * height
        z = height * float(rng.uniform(0.45, 0.88))
        tip = (out * math.cos(a), out * math.sin(a), z)
        parts.append(rod((0, 0, pot * 0.9), tip, 0.008, stem))
        size = height * float(rng.uniform(0.09, 0.16))
        clump = ball(tip, (size, size, size * float(rng.uniform(0.7, 1.3))), leaf)
        parts.append(replace(clump, cutout=Cutout.LEAVES))
    return Thing("clutter", tuple(parts))


def small(rng: Rng) -> Thing:
    """Something that stands on a table or shelf: vase, bowl, cup, books, box, fruit, laptop."""
    kind = int(rng.integers(7))
    m = glazed(rng)
    parts: list[Part]
    if kind == 0:
        h = float(rng.uniform(0.14, 0.3))
        parts = [ball((0, 0, h * 0.4), (h * 0.28, h * 0.28, h * 0.4), m)]
        parts.append(drum((0, 0, h * 0.85), h * 0.1, h * 0.3, m, top=1.5))
        return Thing("clutter", tuple(parts))
    if kind == 1:
        parts = [drum((0, 0, 0.04), 0.07, 0.08, m, top=1.9)]
        return Thing("clutter", tuple(parts))
    if kind == 2:
        parts = [
            drum((0, 0, 0.05), 0.04, 0.1, m),
            turned(box((0.05, 0, 0.05), (0.015, 0.006, 0.03), m), 0.4),
        ]
        return Thing("clutter", tuple(parts))
    if kind == 3:
        parts, z = [], 0.0
        for _ in range(int(rng.integers(2, 5))):
            t = float(rng.uniform(0.02, 0.045))
            cover = Material("plain", hsv(float(rng.random()), 0.55, float(rng.uniform(0.2, 0.8))))
            book = box(
                (0, 0, z + t / 2),
                (float(rng.uniform(0.08, 0.12)), float(rng.uniform(0.11, 0.15)), t / 2),
                cover,
            )
            parts.append(turned(book, float(rng.uniform(-0.5, 0.5))))
            z += t
        return Thing("clutter", tuple(parts))
    if kind == 4:
        w, d, h = rng.uniform(0.06, 0.14), rng.uniform(0.06, 0.12), rng.uniform(0.05, 0.16)
        return Thing("clutter", (box((0, 0, float(h)), (float(w), float(d), float(h)), m),))
    if kind == 5:
        parts = [drum((0, 0, 0.02), 0.09, 0.04, m, top=1.5)]
        fruit = hsv(float(rng.choice([0.0, 0.08, 0.13, 0.25])), 0.8, 0.8)
        for k in range(4):
            a = k * 1.6
            x, y = 0.05 * math.cos(a), 0.05 * math.sin(a)
            parts.append(
                ball((x, y, 0.065), 0.037, Material("plain", near(fruit, rng), gloss=0.04))
            )
        return Thing("clutter", tuple(parts))
    grey = Material("plain", hsv(0.6, 0.03, float(rng.uniform(0.3, 0.8))), gloss=0.08)
    screen = Material("picture", (0.1, 0.1, 0.1), emission=0.5, seed=int(rng.integers(999)))
    parts = [slab((-0.16, -0.11, 0), (0.16, 0.11, 0.018), grey)]
    parts.append(slab((-0.16, 0.105, 0.018), (0.16, 0.115, 0.23), grey))
    parts.append(slab((-0.15, 0.102, 0.03), (0.15, 0.105, 0.22), screen, casts=False))
    return Thing("clutter", tuple(parts))


def television(rng: Rng, width: float, on: bool) -> Thing:
    """A flat screen on a foot, or a desk's monitor if small."""
    dark = Material("plain", hsv(0, 0, 0.09), gloss=0.06)
    glow = 0.8 if on else 0.0
    screen = Material("picture", (0.1, 0.1, 0.1), emission=glow, seed=int(rng.integers(999)))
    face = screen if on else Material("plain", hsv(0.6, 0.1, 0.07), gloss=0.10)
    w, h, foot = width / 2, width * 0.29, 0.06 + 0.06 * (width < 0.7)
    parts = (
        slab((-w, -0.02, foot), (w, 0.02, foot + 2 * h), dark),
        slab(
            (-w + 0.015, -0.023, foot + 0.015),
            (w - 0.015, -0.02, foot + 2 * h - 0.015),
            face,
            casts=False,
        ),
        slab((-0.03, -0.015, 0), (0.03, 0.015, foot), dark),
        slab((-w * 0.4, -0.1, 0), (w * 0.4, 0.1, 0.012), dark),
    )
    return Thing("clutter", parts)


def crate(rng: Rng) -> Thing:
    """A cardboard box, basket or waste bin on the floor."""
    kind = rng.random()
    if kind < 0.4:
        w, d, h = (float(rng.uniform(a, b)) for a, b in ((0.15, 0.28), (0.13, 0.22), (0.1, 0.2)))
        board = Material("plain", near(hsv(0.09, 0.42, 0.72), rng))
        tape = Material("plain", hsv(0.1, 0.3, 0.85))
        parts = (
            box((0, 0, h), (w, d, h), board),
            box((0, 0, 2 * h + 0.001), (w, 0.03, 0.001), tape, casts=False),
        )
        return Thing("clutter", parts)
    m = wicker(rng) if kind < 0.7 else glazed(rng)
    h = float(rng.uniform(0.25, 0.38))
    return Thing("clutter", (drum((0, 0, h / 2), h * 0.42, h, m, top=1.25),))


def wicker(rng: Rng) -> Material:
    """Woven fibre."""
    return Material(
        "checker", near(hsv(0.1, 0.4, 0.7), rng), near(hsv(0.09, 0.5, 0.5), rng), scale=0.02
    )


def framed(rng: Rng, width: float, height: float) -> Thing:
    """A picture, back at y = 0, middle at the origin."""
    frame = Material(
        "plain", hsv(0.09, float(rng.uniform(0, 0.5)), float(rng.choice([0.1, 0.35, 0.9])))
    )
    image = Material("picture", (0.5, 0.5, 0.5), seed=int(rng.integers(9999)))
    w, h, rim = width / 2, height / 2, float(rng.uniform(0.012, 0.035))
    parts = [slab((-w, -0.022, -h), (w, 0.0, h), frame, casts=False)]
    if rng.random() < 0.5:
        mat = Material("plain", hsv(0.1, 0.03, 0.93))
        parts.append(
            slab((-w + rim, -0.024, -h + rim), (w - rim, -0.022, h - rim), mat, casts=False)
        )
        rim += 0.14 * min(width, height)
    parts.append(slab((-w + rim, -0.026, -h + rim), (w - rim, -0.024, h - rim), image, casts=False))
    return Thing("clutter", tuple(parts))


def carpet(rng: Rng, width: float, depth: float) -> Thing:
    """A rug with borders, or a plain one."""
    hue = float(rng.random())
    first = hsv(hue, float(rng.uniform(0.15, 0.7)), float(rng.uniform(0.35, 0.8)))
    second = hsv(hue + float(rng.uniform(0.05, 0.5)), 0.3, float(rng.uniform(0.6, 0.95)))
    seed = int(rng.integers(99))
    kind = rng.random()
    if kind < 0.6:
        m = Material("rug", first, second, scale=float(rng.uniform(0.2, 0.6)), seed=seed)
    elif kind < 0.8:
        m = Material(
            "stripes", first, second, scale=float(rng.uniform(0.15, 0.5)), numbers=(0.4, 1.0)
        )
    else:
        m = Material("carpet", first, second, seed=seed)
    if kind > 0.85 and abs(width - depth) < 1.0:
        return Thing(
            "clutter", (replace(drum((0, 0, 0.006), min(width, depth) / 2, 0.012, m), casts=False),)
        )
    return Thing(
        "clutter",
        (slab((-width / 2, -depth / 2, 0), (width / 2, depth / 2, 0.012), m, casts=False),),
    )


def curtains(rng: Rng, width: float, top: float, bottom: float) -> Thing:
    """A pair of curtains beside a window `width` wide, y = 0 at the wall, with their rail."""
    m = Material(
        "fabric",
        near(hsv(float(rng.random()), float(rng.uniform(0.03, 0.5)), rng.uniform(0.5, 0.95)), rng),
    )
    rail = Material("plain", hsv(0, 0, 0.3), gloss=0.1)
    parts = [rod((-width / 2 - 0.35, -0.09, top), (width / 2 + 0.35, -0.09, top), 0.014, rail)]
    folds = int(rng.integers(4, 7))
    for side in (-1, 1):
        for k in range(folds):
            x = side * (width / 2 - 0.03 + 0.065 * k)
            r = 0.036 + 0.012 * (k % 2)
            parts.append(drum((x, -0.08, (top + bottom) / 2), r, top - bottom, m))
    return Thing("clutter", tuple(parts))


def radiator(width: float) -> Thing:
    """A white radiator, back at y = 0, to stand 0.1 m above the floor."""
    m = Material("plain", hsv(0.1, 0.02, 0.93), gloss=0.03)
    count = max(3, int(width / 0.08))
    step = width / count
    parts = [
        box((-width / 2 + step * (k + 0.5), -0.06, 0.38), (step * 0.4, 0.035, 0.27), m)
        for k in range(count)
    ]
    parts.append(slab((-width / 2, -0.08, 0.12), (width / 2, -0.03, 0.16), m))
    return Thing("clutter", tuple(parts))


def keyboard() -> Thing:
    """A keyboard with a mouse beside it."""
    body = Material("plain", hsv(0, 0, 0.12), gloss=0.03)
    keys = Material("tiles", hsv(0, 0, 0.25), hsv(0, 0, 0.1), scale=0.02, numbers=(0.003,))
    parts = (
        slab((-0.2, -0.06, 0), (0.2, 0.06, 0.016), body, casts=False),
        slab((-0.19, -0.05, 0.016), (0.19, 0.05, 0.02), keys, casts=False),
        ball((0.29, 0, 0.008), (0.03, 0.05, 0.02), body),
    )
    return Thing("clutter", parts)
