"""Cars, bicycles and people in a street."""

from __future__ import annotations

import math

import numpy as np

from pag.scenes.layout import BEGIN, END, KERB, Layout
from pag.scenes.people import bicyclist, pedestrian
from pag.scenes.vehicles import car, facing, size_of, van

Rng = np.random.Generator


def traffic(rng: Rng, layout: Layout) -> None:
    """Parked cars at the kerbs, moving ones in the lanes (on the right), and bicycles."""
    right = 1 if rng.random() < 0.7 else -1
    if layout.parking:
        for side in (-1, 1):
            y = BEGIN + float(rng.uniform(0, 5))
            while y < END - 6:
                if rng.random() < 0.62:
                    thing = car(rng) if rng.random() < 0.88 else van(rng)
                    w, h = size_of(thing)
                    x = side * (layout.road - w - 0.2) + float(rng.normal(0, 0.05))
                    turn = facing(side * right) if rng.random() < 0.85 else facing(-side * right)
                    layout.put(
                        thing, x, y + h, (w + 0.1, h + 0.3), 0.0, turn + float(rng.normal(0, 0.012))
                    )
                    y += 2 * h + float(rng.uniform(0.6, 1.6))
                else:
                    y += float(rng.uniform(2, 7))
    lane = layout.road / 2 - (0.75 if layout.parking else 0.0)
    for direction in (-1, 1):
        x = direction * right * lane
        for _ in range(int(rng.integers(1, 5))):
            y = float(rng.uniform(7, 75)) if rng.random() < 0.8 else float(rng.uniform(BEGIN, -8))
            thing = car(rng) if rng.random() < 0.85 else van(rng)
            w, h = size_of(thing)
            layout.put(
                thing,
                x + float(rng.normal(0, 0.15)),
                y,
                (w + 0.15, h + 1.5),
                0.0,
                facing(direction),
            )
        for _ in range(int(rng.integers(1, 5))):
            edge = direction * right * (layout.road - (2.6 if layout.parking else 0.9))
            y = 4.5 + 26.0 * float(rng.random()) ** 2
            layout.put(
                bicyclist(rng),
                edge,
                y,
                (0.4, 1.0),
                0.0,
                facing(direction) + float(rng.normal(0, 0.06)),
            )


def people(rng: Rng, layout: Layout) -> None:
    """Pedestrians on the pavements, some in pairs, and now and then one who crosses."""
    for side in (-1, 1):
        for _ in range(int(rng.integers(3, 14))):
            x = side * (layout.road + float(rng.uniform(0.7, layout.walk - 0.1)))
            y = (
                3.2 + 32.0 * rng.random() ** 2
                if rng.random() < 0.8
                else float(rng.uniform(-25, -4))
            )
            turn = facing(float(rng.choice([-1, 1]))) + float(rng.normal(0, 0.3))
            placed = layout.put(pedestrian(rng), x, y, (0.35, 0.35), KERB, turn)
            if placed and rng.random() < 0.3:
                layout.put(pedestrian(rng), x + side * 0.75, y + 0.1, (0.35, 0.35), KERB, turn)
    for _ in range(int(rng.integers(0, 3))):
        x = float(rng.uniform(-0.8, 0.8)) * layout.road
        turn = float(rng.choice([-1, 1])) * math.pi / 2 + float(rng.normal(0, 0.2))
        layout.put(pedestrian(rng), x, 7.0 + 30.0 * rng.random() ** 2, (0.4, 0.4), 0.0, turn)
