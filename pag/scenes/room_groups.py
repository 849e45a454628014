"""Furniture that belongs together, and what decorates any room."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pag.scenes import clutter, furniture
from pag.scenes.floorplan import FloorPlan
from pag.scenes.furniture import Palette
from pag.scenes.geometry import Vector

Rng = np.random.Generator
ALL = (0, 0, 1, 1, 2, 2, 3)
"""Walls to decorate; the one behind the camera shows in panoramas alone and gets less."""
Spots = list[Vector]
"""Where lamps give off light."""


def _middle(
    rng: Rng, plan: FloorPlan, width: float, depth: float, tries: int = 40
) -> tuple[float, float] | None:
    """The centre of a free rectangle away from the walls."""
    for _ in range(tries):
        x = float(
            rng.uniform(width / 2 + 0.15, max(plan.width - width / 2 - 0.15, width / 2 + 0.16))
        )
        low = max(depth / 2 + 0.15, 0.30 * plan.length)
        y = float(rng.uniform(low, max(plan.length - depth / 2 - 0.15, low + 0.01)))
        rect = (x - width / 2, y - depth / 2, x + width / 2, y + depth / 2)
        if plan.is_free(rect):
            plan.floor.append(rect)
            return x, y
    return None


def _upon(
    rng: Rng, plan: FloorPlan, x: float, y: float, z: float, w: float, d: float, count: int
) -> None:
    """Small things on a top of w x d metres around x, y."""
    taken: list[tuple[float, float]] = []
    for _ in range(count * 4):
        if len(taken) >= count:
            return
        a, b = (
            float(rng.uniform(-w / 2 + 0.17, w / 2 - 0.17)),
            float(rng.uniform(-d / 2 + 0.14, d / 2 - 0.14)),
        )
        if w < 0.4 or d < 0.3 or any(abs(a - p) < 0.38 and abs(b - q) < 0.32 for p, q in taken):
            continue
        taken.append((a, b))
        plan.things.append(
            clutter.small(rng).placed(x + a, y + b, z, float(rng.uniform(-0.5, 0.5)))
        )


def dining(rng: Rng, plan: FloorPlan, p: Palette, glow: float) -> Spots:
    """A table with chairs around it and a lamp above."""
    width, depth, height = float(rng.uniform(0.9, 1.9)), float(rng.uniform(0.8, 0.95)), 0.74
    if rng.random() < 0.5:
        width, depth = depth, width
    found = _middle(rng, plan, width + 0.95, depth + 0.95)
    if found is None:
        width = depth = 0.8
        found = _middle(rng, plan, width + 0.95, depth + 0.95)
    if found is None:
        return []
    x, y = found
    plan.things.append(furniture.table(rng, p, width, depth, height).placed(x, y))
    style = int(rng.integers(3))
    cover = p.cloth if style == 1 else p.accent
    seats: list[tuple[float, float, float]] = []
    along = max(1, int((width - 0.2) / 0.6))
    for k in range(along):
        a = -width / 2 + width * (k + 0.5) / along
        seats += [(a, depth / 2, 0.0), (a, -depth / 2, math.pi)]
    beside = max(1, int((depth - 0.3) / 0.6))
    for k in range(beside):
        b = -depth / 2 + depth * (k + 0.5) / beside
        seats += [(width / 2, b, -math.pi / 2), (-width / 2, b, math.pi / 2)]
    for a, b, yaw in seats:
        if rng.random() < 0.2:
            continue
        out = float(rng.uniform(0.08, 0.22))
        dx, dy = -math.sin(yaw) * out, math.cos(yaw) * out
        thing = furniture.chair(rng, p, style, cover)
        plan.things.append(thing.placed(x + a + dx, y + b + dy, 0, yaw + float(rng.normal(0, 0.1))))
    _upon(rng, plan, x, y, height, width, depth, int(rng.integers(1, 4)))
    if rng.random() < 0.35:
        plan.things.append(clutter.carpet(rng, width + 1.1, depth + 1.1).placed(x, y))
    if rng.random() < 0.75:
        drop = plan.height - float(rng.uniform(1.55, 1.85))
        plan.things.append(furniture.pendant(rng, p, glow, drop).placed(x, y, plan.height))
        return [(x, y, plan.height - drop - 0.1)]
    return []


def living(rng: Rng, plan: FloorPlan, p: Palette, glow: float) -> Spots:
    """A sofa at a wall with a low table and a rug before it, armchairs and a television."""
    width = float(rng.uniform(1.5, 2.3))
    placed = plan.stand(
        rng, furniture.sofa(rng, p, width), (width, 0.95, 0.85), (0, 1, 2), before=1.0
    )
    spots: Spots = []
    if placed:
        wall, place = placed
        x, y, yaw = plan.at_wall(wall, place, 1.55)
        w, d = float(rng.uniform(0.7, 1.2)), float(rng.uniform(0.45, 0.65))
        sx, sy = (w, d) if wall in (0, 3) else (d, w)
        rect = (x - sx / 2, y - sy / 2, x + sx / 2, y + sy / 2)
        if plan.is_free(rect):
            plan.floor.append(rect)
            plan.things.append(furniture.table(rng, p, w, d, 0.42).placed(x, y, 0, yaw))
            _upon(rng, plan, x, y, 0.42, sx, sy, int(rng.integers(1, 3)))
            if rng.random() < 0.75:
                rug = clutter.carpet(rng, w + float(rng.uniform(0.8, 1.3)), d + 0.8)
                plan.things.append(rug.placed(x, y, 0, yaw))
        for side in (-1, 1):
            lamp = place + side * (width / 2 + 0.28)
            corner = plan.wall_rect(wall, lamp, 0.4, 0.5)
            if rng.random() < 0.6 and plan.is_free(corner):
                a, b, _ = plan.at_wall(wall, lamp, 0.3)
                plan.floor.append(corner)
                plan.things.append(furniture.floor_lamp(rng, p, glow).placed(a, b))
                spots.append((a, b, 1.47))
    others = (0, 1, 2) if not placed else tuple(k for k in (0, 1, 2) if k != placed[0])
    w = float(rng.uniform(1.0, 1.7))
    stand = plan.stand(rng, furniture.cabinet(rng, p, w, 0.5, 0.42), (w, 0.42, 1.35), others)
    if stand:
        a, b, yaw = plan.at_wall(stand[0], stand[1], 0.26)
        size = float(rng.uniform(0.7, w - 0.1))
        plan.things.append(clutter.television(rng, size, rng.random() < 0.4).placed(a, b, 0.5, yaw))
    for _ in range(int(rng.integers(0, 3))):
        found = _middle(rng, plan, 1.3, 1.3, 10)
        if found:
            turn = float(rng.uniform(-math.pi, math.pi))
            if abs(math.cos(2 * turn)) < 0.6:
                turn = round(turn / (math.pi / 2)) * math.pi / 2
            plan.things.append(furniture.sofa(rng, p, 0.85).placed(*found, 0, turn))
    return spots


def study(rng: Rng, plan: FloorPlan, p: Palette, glow: float) -> Spots:
    """Desks with monitors and office chairs, shelves."""
    spots: Spots = []
    cover = p.accent
    for _ in range(int(rng.integers(1, 4))):
        w, d, h = float(rng.uniform(1.1, 1.7)), float(rng.uniform(0.6, 0.8)), 0.73
        desk = furniture.table(rng, p, w, d, h)
        placed = plan.stand(rng, desk, (w, d, 1.3), (0, 1, 2), before=0.9)
        if placed is None:
            continue
        wall, place = placed
        plan.floor.append(plan.wall_rect(wall, place, w, d + 0.75))
        x, y, yaw = plan.at_wall(wall, place, 0.22)
        plan.things.append(
            clutter.television(rng, float(rng.uniform(0.45, 0.62)), True).placed(x, y, h, yaw)
        )
        keys, board, _ = plan.at_wall(wall, place, 0.5)
        plan.things.append(clutter.keyboard().placed(keys, board, h, yaw))
        for side in (-1, 1):
            a, b, _ = plan.at_wall(wall, place + side * (w / 2 - 0.18), 0.3)
            if rng.random() < 0.5:
                if rng.random() < 0.5 and len(spots) < 2:
                    plan.things.append(furniture.table_lamp(rng, p, glow).placed(a, b, h))
                    spots.append((a, b, h + 0.4))
                else:
                    plan.things.append(clutter.small(rng).placed(a, b, h, yaw))
        a, b, _ = plan.at_wall(
            wall, place + float(rng.uniform(-0.15, 0.15)), d + float(rng.uniform(0.3, 0.45))
        )
        chair = furniture.chair(rng, p, 3 if rng.random() < 0.75 else 2, cover)
        plan.things.append(chair.placed(a, b, 0, yaw + math.pi + float(rng.normal(0, 0.35))))
    return spots


def lounge(rng: Rng, plan: FloorPlan, p: Palette, glow: float) -> Spots:
    """A reading room: armchairs around a small table, many books."""
    spots: Spots = []
    for _ in range(int(rng.integers(2, 4))):
        w, h = float(rng.uniform(0.7, 1.4)), float(rng.uniform(1.5, min(2.3, plan.height - 0.1)))
        plan.stand(rng, furniture.bookcase(rng, p, w, h, 0.32), (w, 0.32, h), (0, 1, 2), before=0.4)
    found = _middle(rng, plan, 2.4, 2.4, 30)
    if found is None:
        return spots + living(rng, plan, p, glow)
    x, y = found
    plan.things.append(clutter.carpet(rng, 2.1, 2.1).placed(x, y))
    r = float(rng.uniform(0.45, 0.6))
    plan.things.append(furniture.table(rng, p, r, r, 0.45).placed(x, y))
    _upon(rng, plan, x, y, 0.45, r, r, 1)
    start = float(rng.uniform(0, 2 * math.pi))
    count = int(rng.integers(2, 4))
    for k in range(count):
        a = start + 2 * math.pi * k / count
        cx, cy = x + 0.95 * math.cos(a), y + 0.95 * math.sin(a)
        # Facing the middle: the front, towards -y, turns to the direction -a.
        plan.things.append(furniture.sofa(rng, p, 0.8).placed(cx, cy, 0, a - math.pi / 2))
    return spots


def decorate(rng: Rng, plan: FloorPlan, p: Palette, glow: float) -> Spots:
    """Shelves, chests, plants, lamps and boxes along the walls, and pictures on them."""
    spots: Spots = []
    for _ in range(int(rng.integers(4, 10))):
        kind = rng.random()
        if kind < 0.3:
            w, h = (
                float(rng.uniform(0.6, 1.3)),
                float(rng.uniform(0.9, min(2.2, plan.height - 0.1))),
            )
            plan.stand(rng, furniture.bookcase(rng, p, w, h, 0.3), (w, 0.3, h), ALL, before=0.4)
        elif kind < 0.55:
            w, h = float(rng.uniform(0.5, 1.4)), float(rng.uniform(0.6, 1.05))
            found = plan.stand(rng, furniture.cabinet(rng, p, w, h, 0.42), (w, 0.42, h), ALL)
            if found:
                x, y, _ = plan.at_wall(*found, 0.24)
                if rng.random() < 0.3 and len(spots) < 1:
                    plan.things.append(furniture.table_lamp(rng, p, glow).placed(x, y, h))
                    spots.append((x, y, h + 0.4))
                else:
                    sx, sy = (w, 0.42) if found[0] in (0, 3) else (0.42, w)
                    _upon(rng, plan, x, y, h, sx, sy, int(rng.integers(1, 3)))
        elif kind < 0.78:
            h = float(rng.uniform(0.6, 1.5))
            plan.stand(rng, clutter.plant(rng, h), (0.62, 0.62, h), ALL, gap=0.05, before=0.0)
        elif kind < 0.88:
            found = plan.stand(
                rng, furniture.floor_lamp(rng, p, glow), (0.42, 0.42, 1.65), ALL, before=0.0
            )
            if found:
                x, y, _ = plan.at_wall(*found, 0.24)
                spots.append((x, y, 1.47))
        else:
            plan.stand(rng, clutter.crate(rng), (0.62, 0.5, 0.4), ALL, before=0.0)
    for wall in (0, 1, 2, 3):
        for _ in range(int(rng.integers(0, 4))):
            w, h = float(rng.uniform(0.3, 0.95)), float(rng.uniform(0.3, 0.8))
            place = float(rng.uniform(0.3, plan.span(wall) - 0.3))
            plan.hang(clutter.framed(rng, w, h), wall, place, float(rng.uniform(1.45, 1.7)), (w, h))
    return spots


GROUPS: dict[str, Callable[[Rng, FloorPlan, Palette, float], Spots]] = {
    "dining": dining,
    "living": living,
    "study": study,
    "lounge": lounge,
}
