"""Doors and windows, built around the middle of their foot (door) or opening (window).

The wall is at y = 0 and the room towards -y.
"""

from __future__ import annotations

import numpy as np

from pag.scenes.geometry import Thing, ball, box, slab
from pag.scenes.material import Colour, Material, hsv

Rng = np.random.Generator


def door(rng: Rng, width: float, height: float, leaf: Material, frame: Material) -> Thing:
    """A closed door with its frame, panels or a pane, and a handle."""
    w, f = width / 2, 0.08
    parts = [
        slab((-w - f, -0.03, 0), (-w, 0.0, height + f), frame, casts=False),
        slab((w, -0.03, 0), (w + f, 0.0, height + f), frame, casts=False),
        slab((-w, -0.03, height), (w, 0.0, height + f), frame, casts=False),
        slab((-w, -0.012, 0.005), (w, 0.0, height), leaf, casts=False),
    ]
    style = int(rng.integers(4))
    if style == 1:
        rows = ((0.12, 0.42), (0.47, 0.92))
        for low, high in rows:
            for sx in (-1, 1):
                x = sx * w * 0.48
                z, half = height * (low + high) / 2, height * (high - low) / 2
                parts.append(box((x, -0.016, z), (w * 0.36, 0.006, half), leaf, casts=False))
    elif style == 2:
        pane = Material("glass", hsv(0.55, 0.12, 0.75), gloss=0.1)
        parts.append(
            slab(
                (-w * 0.6, -0.014, height * 0.45),
                (w * 0.6, -0.012, height * 0.93),
                pane,
                casts=False,
            )
        )
    elif style == 3:
        for k in range(4):
            z = height * (0.17 + 0.22 * k)
            parts.append(box((0, -0.015, z), (w * 0.8, 0.005, height * 0.085), leaf, casts=False))
    metal = Material("plain", hsv(0.11, float(rng.choice([0.05, 0.5])), 0.7), gloss=0.2)
    side = float(rng.choice([-1, 1])) * (w - 0.07)
    parts.append(ball((side, -0.045, 1.02), 0.025, metal))
    parts.append(box((side - 0.05 * np.sign(side), -0.055, 1.02), (0.06, 0.01, 0.01), metal))
    return Thing("door", tuple(parts))


def window(
    rng: Rng,
    width: float,
    height: float,
    frame: Material,
    sky: Colour,
    green: Colour,
    brightness: float,
) -> Thing:
    """A window with panes that show what is outside, `brightness` times as bright."""
    w, h, f = width / 2, height / 2, float(rng.uniform(0.04, 0.07))
    pane = Material("view", sky, green, emission=brightness, seed=int(rng.integers(99)), gloss=0.02)
    parts = [
        slab((-w, -0.006, -h), (w, 0.0, h), pane, casts=False),
        slab((-w - f, -0.04, -h - f), (-w, 0.0, h + f), frame, casts=False),
        slab((w, -0.04, -h - f), (w + f, 0.0, h + f), frame, casts=False),
        slab((-w, -0.04, h), (w, 0.0, h + f), frame, casts=False),
        slab((-w, -0.04, -h - f), (w, 0.0, -h), frame, casts=False),
        slab((-w - f - 0.05, -0.16, -h - f - 0.03), (w + f + 0.05, 0.0, -h - f), frame),
    ]
    columns = max(1, round(width / float(rng.uniform(0.55, 1.0))))
    for k in range(1, columns):
        x = -w + width * k / columns
        parts.append(slab((x - 0.02, -0.03, -h), (x + 0.02, -0.006, h), frame, casts=False))
    if rng.random() < 0.5:
        z = h * float(rng.choice([0.0, 0.4]))
        parts.append(slab((-w, -0.03, z - 0.015), (w, -0.006, z + 0.015), frame, casts=False))
    return Thing("window", tuple(parts))
