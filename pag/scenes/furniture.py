"""Furniture: each function builds one thing around the origin of its floor, front towards -y."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from pag.scenes.geometry import Part, Thing, ball, box, drum, leaning, rod, slab
from pag.scenes.material import Colour, Material, hsv, near

Rng = np.random.Generator


@dataclass(frozen=True)
class Palette:
    """Materials that a room's furniture shares.

    Attributes:
        wood, dark: two woods, or lacquers.
        metal: of legs and lamps.
        cloth, accent: of sofas and of cushions.
    """

    wood: Material
    dark: Material
    metal: Material
    cloth: Material
    accent: Material


WOODS: tuple[tuple[Colour, Colour], ...] = (
    (hsv(0.085, 0.45, 0.85), hsv(0.075, 0.55, 0.68)),
    (hsv(0.075, 0.60, 0.62), hsv(0.065, 0.68, 0.45)),
    (hsv(0.055, 0.65, 0.42), hsv(0.045, 0.70, 0.26)),
    (hsv(0.09, 0.30, 0.93), hsv(0.085, 0.38, 0.80)),
    (hsv(0.03, 0.66, 0.48), hsv(0.03, 0.72, 0.30)),
)


def wood(rng: Rng, gloss: float = 0.03) -> Material:
    """A wood of random tone."""
    light, dark = WOODS[int(rng.integers(len(WOODS)))]
    return Material(
        "wood", near(light, rng), near(dark, rng), gloss=gloss, seed=int(rng.integers(99))
    )


def cloth(rng: Rng) -> Material:
    """An upholstery fabric: grey, earth or a strong colour, sometimes patterned."""
    kind = rng.random()
    hue = float(rng.random())
    if kind < 0.35:
        colour = hsv(hue, 0.06, float(rng.uniform(0.3, 0.8)))
    elif kind < 0.6:
        colour = hsv(
            float(rng.uniform(0.04, 0.13)), float(rng.uniform(0.3, 0.6)), rng.uniform(0.4, 0.8)
        )
    else:
        colour = hsv(hue, float(rng.uniform(0.3, 0.65)), float(rng.uniform(0.3, 0.7)))
    seed = int(rng.integers(99))
    if rng.random() < 0.15:
        other = hsv(hue + 0.1, 0.2, 0.85)
        pattern = "ornament" if rng.random() < 0.5 else "stripes"
        return Material(pattern, colour, other, scale=float(rng.uniform(0.08, 0.2)), seed=seed)
    return Material("fabric", colour, seed=seed)


def palette(rng: Rng) -> Palette:
    """Materials for one room."""
    metals = (hsv(0.1, 0.05, 0.75), hsv(0, 0, 0.08), hsv(0.11, 0.5, 0.7), hsv(0, 0, 0.9))
    base = wood(rng)
    lacquer = Material(
        "plain", hsv(float(rng.random()), 0.05, float(rng.choice([0.95, 0.12, 0.9]))), gloss=0.04
    )
    return Palette(
        wood=base,
        dark=lacquer if rng.random() < 0.4 else wood(rng),
        metal=Material("plain", metals[int(rng.integers(4))], gloss=0.12),
        cloth=cloth(rng),
        accent=cloth(rng),
    )


def _legs(
    w: float, d: float, h: float, r: float, material: Material, slant: float = 0.0
) -> list[Part]:
    return [
        rod((sx * (w + slant), sy * (d + slant), 0.0), (sx * w, sy * d, h), r, material)
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]


def table(rng: Rng, p: Palette, width: float, depth: float, height: float) -> Thing:
    """A table with four legs, trestle boards or one foot."""
    top = p.wood if rng.random() < 0.7 else p.dark
    under = p.metal if rng.random() < 0.4 else top
    thick = float(rng.uniform(0.025, 0.05))
    style = rng.random()
    w, d = width / 2, depth / 2
    if style < 0.2 and abs(width - depth) < 0.45:
        r = min(w, d)
        parts = [drum((0, 0, height - thick / 2), r, thick, top)]
        parts += [drum((0, 0, (height - thick) / 2), 0.05, height - thick, under)]
        parts += [drum((0, 0, 0.015), r * 0.55, 0.03, under, top=0.6)]
        return Thing("table", tuple(parts))
    parts = [slab((-w, -d, height - thick), (w, d, height), top)]
    if style < 0.65:
        leg = float(rng.uniform(0.02, 0.04))
        inset = leg + 0.02
        for sx in (-1, 1):
            for sy in (-1, 1):
                x, y = sx * (w - inset), sy * (d - inset)
                parts.append(slab((x - leg, y - leg, 0), (x + leg, y + leg, height - thick), under))
        if rng.random() < 0.6:
            rail = 0.07
            z = height - thick - rail
            parts.append(
                slab((-w + 0.06, -d + 0.05, z), (w - 0.06, -d + 0.07, height - thick), under)
            )
            parts.append(
                slab((-w + 0.06, d - 0.07, z), (w - 0.06, d - 0.05, height - thick), under)
            )
    elif style < 0.85:
        parts += _legs(w - 0.12, d - 0.10, height - thick, 0.022, under, slant=0.06)
    else:
        for sx in (-1, 1):
            x = sx * (w - 0.12)
            parts.append(
                slab((x - 0.02, -d + 0.05, 0), (x + 0.02, d - 0.05, height - thick), under)
            )
    return Thing("table", tuple(parts))


def chair(rng: Rng, p: Palette, style: int, material: Material) -> Thing:
    """A chair, seat 0.45 m high: 0 slatted wood, 1 upholstered, 2 shell, 3 on castors."""
    w, d, h = 0.21, 0.21, 0.45
    frame = p.wood if style == 0 else p.metal
    if style == 3:
        parts = [drum((0, 0, 0.25), 0.03, 0.36, p.metal)]
        for k in range(5):
            a = 2 * math.pi * k / 5 + 0.3
            tip = (0.28 * math.cos(a), 0.28 * math.sin(a), 0.07)
            parts.append(rod((0, 0, 0.10), tip, 0.02, p.metal))
            parts.append(ball((tip[0], tip[1], 0.035), 0.035, p.metal))
        parts.append(slab((-0.24, -0.23, 0.44), (0.24, 0.23, 0.51), material))
        parts.append(leaning(box((0, 0.25, 0.82), (0.22, 0.035, 0.26), material), -0.12))
        parts.append(rod((0, 0.2, 0.42), (0, 0.27, 0.75), 0.025, p.metal))
        for sx in (-1, 1):
            parts.append(
                slab((sx * 0.29 - 0.03, -0.12, 0.66), (sx * 0.29 + 0.03, 0.14, 0.69), p.metal)
            )
            parts.append(rod((sx * 0.29, 0.04, 0.48), (sx * 0.29, 0.04, 0.66), 0.018, p.metal))
        return Thing("chair", tuple(parts))
    parts = _legs(w - 0.03, d - 0.03, h - 0.03, 0.017, frame, slant=0.0 if style == 0 else 0.04)
    if style == 0:
        parts.append(slab((-w, -d, h - 0.035), (w, d, h), p.wood))
        for sx in (-1, 1):
            parts.append(
                rod(
                    (sx * (w - 0.02), d - 0.02, h - 0.03),
                    (sx * (w - 0.02), d + 0.05, 0.92),
                    0.018,
                    frame,
                )
            )
        for z in (0.60, 0.72, 0.85):
            y = d - 0.02 + 0.07 * (z - h) / 0.5
            parts.append(box((0, y, z), (w - 0.03, 0.01, 0.03), frame))
    elif style == 1:
        parts.append(slab((-w - 0.02, -d - 0.02, h - 0.07), (w + 0.02, d, h + 0.02), material))
        parts.append(leaning(box((0, d + 0.01, h + 0.26), (w, 0.03, 0.26), material), -0.13))
    else:
        parts.append(drum((0, 0, h - 0.02), 0.235, 0.05, material, top=1.06))
        parts.append(leaning(box((0, d + 0.02, h + 0.21), (w - 0.01, 0.016, 0.17), material), -0.2))
        for sx in (-1, 1):
            parts.append(
                rod(
                    (sx * 0.12, d - 0.05, h - 0.02), (sx * 0.12, d + 0.03, h + 0.15), 0.012, p.metal
                )
            )
    return Thing("chair", tuple(parts))


def sofa(rng: Rng, p: Palette, width: float) -> Thing:
    """A sofa or, if narrow, an armchair, 0.9 m deep: base, back, arms and cushions."""
    m, c = p.cloth, p.accent
    w, d = width / 2, 0.45
    seat, arm, high = 0.40, float(rng.uniform(0.55, 0.66)), float(rng.uniform(0.74, 0.92))
    a = float(rng.uniform(0.10, 0.2))
    foot = float(rng.uniform(0.04, 0.14))
    parts = [slab((-w, -d + 0.02, foot), (w, d, 0.26), m)]
    parts += _legs(w - 0.08, d - 0.10, foot, 0.02, p.dark)
    back = leaning(
        box((0, d - 0.10, (0.26 + high) / 2), (w - a * 0.6, 0.09, (high - 0.26) / 2), m), -0.1
    )
    parts.append(back)
    for sx in (-1, 1):
        x = sx * (w - a / 2)
        parts.append(slab((x - a / 2, -d, foot), (x + a / 2, d - 0.03, arm), m))
        if rng.random() < 0.5:
            parts.append(rod((x, -d, arm), (x, d - 0.03, arm), a / 2 + 0.01, m))
    places = max(1, round((width - 2 * a) / 0.65))
    each = (width - 2 * a) / places
    for k in range(places):
        x = -w + a + each * (k + 0.5)
        parts.append(
            slab(
                (x - each / 2 + 0.008, -d - 0.01, 0.26),
                (x + each / 2 - 0.008, d - 0.18, seat + 0.03),
                m,
            )
        )
        cushion = box((x, d - 0.20, seat + 0.20), (each / 2 - 0.015, 0.07, 0.18), m)
        parts.append(leaning(cushion, -0.2))
    for k in range(int(rng.integers(0, 3)) if places > 1 else 0):
        side = -1 if k == 0 else 1
        x = side * (w - a - 0.22)
        pillow = ball((x, d - 0.36, seat + 0.21), (0.21, 0.07, 0.19), c)
        parts.append(leaning(pillow, -0.35))
    return Thing("sofa", tuple(parts))


def bookcase(rng: Rng, p: Palette, width: float, height: float, depth: float) -> Thing:
    """Open shelves with rows of books."""
    m = p.wood if rng.random() < 0.6 else p.dark
    w, d, t = width / 2, depth / 2, 0.012
    parts = [
        slab((-w, -d, 0), (-w + 2 * t, d, height), m),
        slab((w - 2 * t, -d, 0), (w, d, height), m),
    ]
    parts.append(slab((-w, d - 0.012, 0), (w, d, height), m))
    levels = max(2, round(height / 0.36))
    for k in range(levels + 1):
        z = 0.06 + (height - 0.06 - 2 * t) * k / levels
        parts.append(slab((-w + 2 * t, -d, z), (w - 2 * t, d - 0.012, z + 2 * t), m))
    step = (height - 0.06 - 2 * t) / levels
    for k in range(levels):
        z = 0.06 + step * k + 2 * t
        left, right = -w + 2 * t, w - 2 * t
        fill = rng.random()
        if fill < 0.12:
            continue
        if fill < 0.5:
            cut = left + (right - left) * float(rng.uniform(0.35, 0.8))
            left, right = (left, cut) if rng.random() < 0.5 else (cut, right)
        spines = Material("books", (0.5, 0.5, 0.5), seed=int(rng.integers(999)))
        front = -d + float(rng.uniform(0.02, 0.06))
        tall = min(step - 0.04, float(rng.uniform(0.22, 0.32)))
        parts.append(slab((left, front, z), (right, d - 0.03, z + tall), spines, casts=False))
    return Thing("bookcase", tuple(parts))


def cabinet(rng: Rng, p: Palette, width: float, height: float, depth: float) -> Thing:
    """A sideboard or chest with doors or drawers."""
    m = p.dark if rng.random() < 0.5 else p.wood
    w, d = width / 2, depth / 2
    foot = float(rng.choice([0.0, 0.08, 0.15]))
    parts = [slab((-w, -d + 0.015, foot), (w, d, height), m)]
    if foot:
        parts += _legs(w - 0.05, d - 0.05, foot, 0.018, p.metal)
    columns, rows = max(1, round(width / 0.5)), max(1, round((height - foot) / 0.35))
    a, b = width / columns, (height - foot) / rows
    for i in range(columns):
        for j in range(rows):
            x, z = -w + a * (i + 0.5), foot + b * (j + 0.5)
            parts.append(
                box((x, -d + 0.008, z), (a / 2 - 0.006, 0.008, b / 2 - 0.006), m, casts=False)
            )
            parts.append(
                box((x, -d - 0.008, z + b * 0.3), (0.05, 0.008, 0.007), p.metal, casts=False)
            )
    return Thing("clutter", tuple(parts))


def floor_lamp(rng: Rng, p: Palette, glow: float) -> Thing:
    """A standing lamp 1.6 m high; its light sits at 1.45 m."""
    shade = _shade(rng, glow)
    parts = (
        drum((0, 0, 0.012), 0.14, 0.024, p.metal),
        drum((0, 0, 0.72), 0.012, 1.42, p.metal),
        replace(
            drum((0, 0, 1.48), 0.2, 0.28, shade, top=float(rng.uniform(0.6, 0.95))), casts=False
        ),
    )
    return Thing("lamp", parts)


def table_lamp(rng: Rng, p: Palette, glow: float) -> Thing:
    """A lamp for a table or a chest, 0.5 m high; its light sits at 0.4 m."""
    shade = _shade(rng, glow)
    foot = p.metal if rng.random() < 0.5 else Material("plain", p.accent.first, gloss=0.08)
    parts = (
        drum((0, 0, 0.01), 0.08, 0.02, p.metal),
        ball((0, 0, 0.14), (0.075, 0.075, 0.12), foot),
        drum((0, 0, 0.27), 0.01, 0.1, p.metal),
        replace(drum((0, 0, 0.40), 0.14, 0.2, shade, top=0.65), casts=False),
    )
    return Thing("lamp", parts)


def pendant(rng: Rng, p: Palette, glow: float, drop: float) -> Thing:
    """A lamp hanging `drop` metres below the origin; its light sits at the end."""
    shade = _shade(rng, glow)
    style = rng.random()
    cord = drum((0, 0, -drop / 2), 0.006, drop, p.metal)
    if style < 0.4:
        body = ball((0, 0, -drop), float(rng.uniform(0.12, 0.2)), shade)
    elif style < 0.8:
        body = drum((0, 0, -drop), float(rng.uniform(0.16, 0.25)), 0.2, shade, top=0.35)
    else:
        body = drum((0, 0, -drop), float(rng.uniform(0.18, 0.28)), 0.22, shade)
    return Thing("lamp", (cord, replace(body, casts=False)))


def _shade(rng: Rng, glow: float) -> Material:
    colour = near(hsv(0.11, float(rng.uniform(0.05, 0.3)), 0.95), rng, 0.05)
    return Material("fabric", colour, emission=glow)
