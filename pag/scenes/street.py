"""Streets: a straight road with pavements, rows of buildings, traffic, people and weather."""

from __future__ import annotations

import math

import numpy as np

from pag.scenes import roadside
from pag.scenes.ambient import Ambient
from pag.scenes.buildings import house
from pag.scenes.camera import Viewpoint
from pag.scenes.geometry import Solids, Thing, slab
from pag.scenes.layout import BEGIN, END, KERB, Layout
from pag.scenes.material import Material, hsv, near
from pag.scenes.render import Scene
from pag.scenes.street_life import people, traffic
from pag.scenes.weather import weather

Rng = np.random.Generator


def street(rng: Rng) -> Scene:
    """A random street; the camera is on the road or on a pavement and looks along y."""
    layout = Layout(
        road=float(rng.uniform(3.2, 5.6)),
        walk=float(rng.uniform(2.0, 4.2)),
        parking=bool(rng.random() < 0.6),
    )
    viewpoint = _viewpoint(rng, layout)
    x, y, _ = viewpoint.position
    layout.taken.append((x - 1.4, y - 3.0, x + 1.4, y + 5.5))
    _ground(rng, layout)
    for side in (-1, 1):
        _row(rng, layout, side)
        _furniture(rng, layout, side)
    _vista(rng, layout)
    traffic(rng, layout)
    people(rng, layout)
    reach = layout.road + layout.walk + 3.0
    mood = weather(rng)
    ambient = Ambient(
        above=mood.above,
        below=mood.below,
        side=mood.side,
        towards=mood.sky.sun,
        low=(-reach, y - 12.0, 0.0),
        high=(reach, y + 45.0, 7.0),
        cell=0.35,
        enclosed=False,
    )
    return Scene(
        solids=Solids.of(layout.things),
        lights=mood.lights(x, y + 25.0),
        sky=mood.sky,
        ambient=ambient,
        viewpoint=viewpoint,
        haze=mood.haze,
        film=mood.film,
        name=mood.name,
    )


def _viewpoint(rng: Rng, layout: Layout) -> Viewpoint:
    fov = math.radians(float(rng.uniform(50, 80)))
    roll = float(rng.normal(0, 0.015))
    if rng.random() < 0.6:
        lane = layout.road / 2 - (0.6 if layout.parking else 0.0)
        x = lane * float(rng.choice([-1, 1])) + float(rng.normal(0, 0.3))
        yaw = float(rng.normal(0, 0.12))
        return Viewpoint(
            (x, 0.0, float(rng.uniform(1.15, 1.9))), yaw, float(rng.normal(0.02, 0.04)), roll, fov
        )
    side = float(rng.choice([-1, 1]))
    x = side * (layout.road + layout.walk * float(rng.uniform(0.25, 0.7)))
    yaw = -side * float(rng.uniform(0.0, 0.5))
    return Viewpoint(
        (x, 0.0, KERB + float(rng.uniform(1.35, 1.8))),
        yaw,
        float(rng.normal(0.04, 0.05)),
        roll,
        fov,
    )


def _ground(rng: Rng, layout: Layout) -> None:
    """Road with its markings, pavements with kerbs, and the land beyond."""
    tone = hsv(0.6, 0.03, float(rng.uniform(0.36, 0.52)))
    zebra = float(rng.uniform(8, 45)) if rng.random() < 0.45 else 1e5
    middle = (BEGIN + END) / 2
    style = float(rng.choice([1.0, 1.0, 2.0, 3.0, 0.0]))
    surface = Material(
        "road",
        tone,
        seed=int(rng.integers(99)),
        gloss=0.0,
        numbers=(
            layout.road,
            style,
            float(layout.parking),
            zebra - middle,
            float(rng.uniform(0.6, 0.95)),
        ),
    )
    r, w = layout.road, layout.walk
    layout.things.append(
        Thing("road", (slab((-r, BEGIN, -0.3), (r, END, 0.0), surface, casts=False),))
    )
    stone = near(hsv(0.09, float(rng.uniform(0.03, 0.25)), float(rng.uniform(0.5, 0.72))), rng)
    slabs = Material(
        "paving",
        stone,
        hsv(0.1, 0.1, 0.4),
        scale=float(rng.uniform(0.3, 0.7)),
        seed=int(rng.integers(99)),
    )
    if rng.random() < 0.25:
        slabs = Material("asphalt", near(hsv(0.05, 0.1, 0.45), rng))
    kerb = Material("plaster", hsv(0.1, 0.05, float(rng.uniform(0.55, 0.75))))
    land = (
        Material("grass", hsv(0.25, 0.55, 0.35), hsv(0.22, 0.5, 0.5))
        if rng.random() < 0.4
        else slabs
    )
    for side in (-1, 1):
        near_x, far_x = side * (r + 0.14), side * (r + w + 0.6)
        walk = slab((near_x, BEGIN, -0.3), (far_x, END, KERB), slabs, casts=False)
        edge = slab((side * r, BEGIN, -0.3), (near_x, END, KERB), kerb, casts=False)
        layout.things.append(Thing("pavement", (walk, edge)))
        label = "tree" if land.pattern == "grass" else "pavement"
        yard = slab(
            (far_x, BEGIN - 60, -0.3), (side * 160.0, END + 160, KERB - 0.02), land, casts=False
        )
        layout.things.append(Thing(label, (yard,)))
    far = Material("asphalt", tone)
    layout.things.append(
        Thing(
            "road",
            (
                slab((-r - w - 0.6, END, -0.3), (r + w + 0.6, END + 160, -0.004), far, casts=False),
                slab(
                    (-r - w - 0.6, BEGIN - 60, -0.3), (r + w + 0.6, BEGIN, -0.004), far, casts=False
                ),
            ),
        )
    )


def _row(rng: Rng, layout: Layout, side: int) -> None:
    """Buildings side by side, with gaps of fences, hedges and trees."""
    front = layout.road + layout.walk + 0.6
    dense = rng.random() < 0.5
    tall = rng.random() < 0.45
    garden = 0.0 if dense else float(rng.uniform(0.0, 4.5))
    y = BEGIN + float(rng.uniform(0, 6))
    yaw = math.pi / 2 if side < 0 else -math.pi / 2
    while y < END - 8:
        width = float(rng.uniform(6.5, 16))
        if rng.random() < (0.18 if dense else 0.4):
            gap = float(rng.uniform(4, 12))
            _gap(rng, layout, side, front, y, gap)
            y += gap
            continue
        back = garden + (0.0 if dense else float(rng.uniform(0, 1.5)))
        building = house(rng, width, float(rng.uniform(9, 13)), tall and rng.random() < 0.85)
        layout.things.append(
            building.placed(side * (front + back), y + width / 2, KERB - 0.02, yaw)
        )
        if back > 1.5:
            _garden(rng, layout, side, front, y, width, back)
        y += width + (0.0 if dense else float(rng.uniform(1.0, 4.0)))


def _gap(rng: Rng, layout: Layout, side: int, front: float, y: float, length: float) -> None:
    x = side * (front + 0.2)
    if rng.random() < 0.6:
        layout.things.append(roadside.fence(rng, length - 0.4).placed(x, y + length / 2, KERB))
    else:
        layout.things.append(
            roadside.hedge(rng, length - 0.6, float(rng.uniform(0.9, 1.8))).placed(
                x, y + length / 2, KERB
            )
        )
    for _ in range(int(rng.integers(1, 4))):
        out = float(rng.uniform(2.8, 8))
        tree = roadside.tree(rng, float(rng.uniform(4.5, 9)))
        layout.put(
            tree,
            side * (front + out),
            y + float(rng.uniform(0.2, 0.8)) * length,
            (1.2, 1.2),
            KERB - 0.05,
        )


def _garden(
    rng: Rng, layout: Layout, side: int, front: float, y: float, width: float, depth: float
) -> None:
    x = side * (front + 0.15)
    if rng.random() < 0.85:
        for a, b in ((0.0, width * 0.4), (width * 0.55, width)):
            if rng.random() < 0.6:
                thing = roadside.fence(rng, b - a)
            else:
                thing = roadside.hedge(rng, b - a, float(rng.uniform(0.7, 1.3)))
            layout.things.append(thing.placed(x, y + (a + b) / 2, KERB))
    if depth > 2.6 and rng.random() < 0.5:
        tree = roadside.tree(rng, float(rng.uniform(3.0, 5.5)))
        layout.things.append(
            tree.placed(
                side * (front + depth / 2), y + float(rng.uniform(0.2, 0.8)) * width, KERB - 0.05
            )
        )


def _furniture(rng: Rng, layout: Layout, side: int) -> None:
    """Lamp posts, street trees, signs, bollards and traffic lights along a kerb."""
    x = side * (layout.road + 0.5)
    step = float(rng.uniform(14, 26))
    for k in range(int((END - BEGIN) / step)):
        layout.put(
            roadside.lamp_post(rng, -side),
            x,
            BEGIN + step * (k + 0.5 + 0.25 * side),
            (0.3, 0.3),
            KERB,
        )
    if rng.random() < 0.6 and layout.walk > 2.4:
        step = float(rng.uniform(7, 15))
        for k in range(int((END - BEGIN) / step)):
            y = BEGIN + step * (k + float(rng.uniform(0.35, 0.65)))
            if abs(y) > 3.0:
                tree = roadside.tree(rng, float(rng.uniform(4.2, 8.5)))
                layout.put(tree, x + side * 0.25, y, (0.5, 0.5), KERB)
    for _ in range(int(rng.integers(4, 10))):
        y = 4.0 + 60.0 * float(rng.random()) ** 1.5
        pair = roadside.traffic_light(rng) if rng.random() < 0.25 else roadside.sign_post(rng)
        turn = float(rng.normal(0, 0.15)) + (math.pi if rng.random() < 0.15 else 0.0)
        if layout.put(pair[0], x, y, (0.4, 0.4), KERB, turn):
            layout.things.append(pair[1].placed(x, y, KERB, turn))
    if rng.random() < 0.3:
        start = float(rng.uniform(3, 30))
        for k in range(int(rng.integers(4, 10))):
            layout.put(roadside.bollard(rng), x - side * 0.1, start + 1.6 * k, (0.1, 0.1), KERB)


def _vista(rng: Rng, layout: Layout) -> None:
    """What closes the view at the ends: buildings across, trees, or open sky."""
    for at, yaw, step in ((END + 12.0, 0.0, 1.0), (BEGIN - 12.0, math.pi, -1.0)):
        kind = rng.random()
        if kind < 0.4:
            x = -40.0
            while x < 40:
                width = float(rng.uniform(9, 18))
                building = house(rng, width, 12.0, rng.random() < 0.5)
                layout.things.append(building.placed(x + width / 2, at, -0.01, yaw))
                x += width
        elif kind < 0.8:
            for _ in range(9):
                tree = roadside.tree(rng, float(rng.uniform(8, 15)))
                place = float(rng.uniform(-30, 30)), at + step * float(rng.uniform(0, 30))
                layout.put(tree, *place, (2.5, 2.5), -0.01)
