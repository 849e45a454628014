"""Rooms: walls and openings, groups of furniture, lamps and daylight."""

from __future__ import annotations

import math

import numpy as np

from pag.scenes import clutter, fixtures, furniture
from pag.scenes.ambient import Ambient
from pag.scenes.camera import Viewpoint
from pag.scenes.floorplan import FloorPlan
from pag.scenes.furniture import Palette
from pag.scenes.geometry import Solids, Thing, slab
from pag.scenes.light import Light, Opening
from pag.scenes.material import Colour, Material, hsv, near
from pag.scenes.photo import Film
from pag.scenes.render import Scene
from pag.scenes.room_groups import GROUPS, decorate
from pag.scenes.sky import Sky

Rng = np.random.Generator
THICK = 0.2
DAY, EVENING = "day", "evening"
GROUP_SHARES = (0.35, 0.25, 0.2, 0.2)
"""How often each of `GROUPS` furnishes a room; chairs come with the first and third."""
MOST_LIGHTS = 3
SUNNY = 0.45
"""Share of the rooms by day into which the sun shines."""


def room(rng: Rng) -> Scene:
    """A random room; its camera stands near the wall at y = 0 and looks along y."""
    width, length = float(rng.uniform(3.2, 5.6)), float(rng.uniform(3.8, 7.0))
    plan = FloorPlan(width, length, float(rng.uniform(2.4, 3.0)))
    palette = furniture.palette(rng)
    time = DAY if rng.random() < 0.75 else EVENING
    wall, floor, ceiling = _surfaces(rng)
    _shell(plan, wall, floor, ceiling, rng)

    viewpoint = _viewpoint(rng, plan)
    x, y, _ = viewpoint.position
    plan.floor.append((x - 0.55, y - 0.45, x + 0.55, y + 0.95))
    lights = _openings(rng, plan, palette, time)
    lamps_on = time == EVENING or rng.random() < 0.4
    glow = float(rng.uniform(2.0, 3.5)) if lamps_on else 0.25

    group = str(rng.choice(list(GROUPS), p=GROUP_SHARES))
    spots = GROUPS[group](rng, plan, palette, glow)
    spots += decorate(rng, plan, palette, glow)
    strength = float(rng.uniform(0.5, 1.0)) * (1.0 if time == EVENING else 0.6)
    for spot in spots[:2] if lamps_on else ():
        tone = near((1.0, 0.72, 0.45), rng, 0.08)
        colour = (tone[0] * strength, tone[1] * strength, tone[2] * strength)
        lights.append(Light(spot, colour, ((0.1, 0, 0), (0, 0.1, 0), (0, 0, 0.08))))

    ambient = _ambient(rng, plan, wall.first, floor.first, time, lights)
    sky = Sky(zenith=ambient.above, horizon=ambient.above, ground=ambient.below)
    return Scene(
        solids=Solids.of(plan.things),
        lights=tuple(lights[:MOST_LIGHTS]),
        sky=sky,
        ambient=ambient,
        viewpoint=viewpoint,
        haze=math.inf,
        film=_film(rng, time),
        name=group,
    )


def _surfaces(rng: Rng) -> tuple[Material, Material, Material]:
    """Materials of walls, floor and ceiling."""
    hue, kind = float(rng.random()), rng.random()
    seed = int(rng.integers(99))
    if kind < 0.55:
        tone = hsv(
            float(rng.uniform(0.05, 0.2)), float(rng.uniform(0.0, 0.14)), rng.uniform(0.8, 0.97)
        )
    elif kind < 0.88:
        tone = hsv(hue, float(rng.uniform(0.05, 0.22)), float(rng.uniform(0.65, 0.92)))
    else:
        tone = hsv(hue, float(rng.uniform(0.25, 0.5)), float(rng.uniform(0.35, 0.75)))
    other = hsv(hue + float(rng.uniform(-0.08, 0.08)), 0.15, 0.9)
    paper = rng.random()
    if paper < 0.6:
        wall = Material("plaster", tone, seed=seed)
    elif paper < 0.72:
        wall = Material(
            "stripes", tone, other, scale=float(rng.uniform(0.08, 0.3)), numbers=(0.5, 0.5)
        )
    elif paper < 0.86:
        wall = Material("ornament", tone, other, scale=float(rng.uniform(0.12, 0.4)), seed=seed)
    elif paper < 0.94:
        wall = Material(
            "brick", near(hsv(0.03, 0.5, 0.6), rng), hsv(0.1, 0.1, 0.7), scale=0.075, seed=seed
        )
    else:
        wall = Material(
            "tiles", tone, hsv(0, 0, 0.75), scale=float(rng.uniform(0.1, 0.3)), gloss=0.04
        )
    light, dark = furniture.WOODS[int(rng.integers(len(furniture.WOODS)))]
    choice = rng.random()
    if choice < 0.5:
        floor = Material(
            "planks",
            near(light, rng),
            near(dark, rng),
            scale=float(rng.uniform(0.08, 0.2)),
            gloss=float(rng.uniform(0.02, 0.09)),
            seed=seed,
        )
    elif choice < 0.68:
        tile = hsv(
            float(rng.uniform(0.03, 0.15)), float(rng.uniform(0.05, 0.4)), rng.uniform(0.45, 0.9)
        )
        floor = Material(
            "tiles",
            tile,
            hsv(0.1, 0.08, 0.5),
            scale=float(rng.uniform(0.2, 0.6)),
            gloss=float(rng.uniform(0.02, 0.1)),
            seed=seed,
        )
    elif choice < 0.86:
        pile = hsv(hue + 0.4, float(rng.uniform(0.03, 0.28)), float(rng.uniform(0.35, 0.75)))
        floor = Material("carpet", pile, near(pile, rng, 0.3), seed=seed)
    elif choice < 0.93:
        floor = Material(
            "checker",
            hsv(0.1, 0.05, 0.9),
            hsv(hue, 0.3, 0.2),
            scale=float(rng.uniform(0.2, 0.4)),
            gloss=0.06,
        )
    else:
        floor = Material("marble", hsv(0.1, 0.06, 0.85), hsv(0.6, 0.1, 0.4), gloss=0.08, seed=seed)
    ceiling = Material(
        "plaster", hsv(0.12, float(rng.uniform(0, 0.05)), float(rng.uniform(0.88, 0.97)))
    )
    return wall, floor, ceiling


def _shell(plan: FloorPlan, wall: Material, floor: Material, ceiling: Material, rng: Rng) -> None:
    """Floor, ceiling and four walls, with skirting boards and sometimes an accent wall."""
    w, long, h = plan.width, plan.length, plan.height
    t = THICK
    board = Material(
        "plain", hsv(0.1, 0.04, 0.92) if rng.random() < 0.7 else wall.first, gloss=0.02
    )
    accent = int(rng.integers(4)) if rng.random() < 0.25 else -1
    bold = Material("plaster", near(hsv(float(rng.random()), 0.4, 0.5), rng))
    plan.things.append(
        Thing("floor", (slab((-t, -t, -t), (w + t, long + t, 0), floor, casts=False),))
    )
    plan.things.append(
        Thing("ceiling", (slab((-t, -t, h), (w + t, long + t, h + t), ceiling, casts=False),))
    )
    bounds = {
        0: ((-t, long, 0), (w + t, long + t, h), (0, long - 0.015, 0), (w, long, 0.09)),
        1: ((-t, 0, 0), (0, long, h), (0, 0, 0), (0.015, long, 0.09)),
        2: ((w, 0, 0), (w + t, long, h), (w - 0.015, 0, 0), (w, long, 0.09)),
        3: ((-t, -t, 0), (w + t, 0, h), (0, 0, 0), (w, 0.015, 0.09)),
    }
    for k, (a, b, c, d) in bounds.items():
        material = bold if k == accent else wall
        plan.things.append(Thing("wall", (slab(a, b, material, casts=False),)))
        plan.things.append(Thing("wall", (slab(c, d, board, casts=False),)))


def _viewpoint(rng: Rng, plan: FloorPlan) -> Viewpoint:
    x = plan.width * float(rng.uniform(0.22, 0.78))
    y = float(rng.uniform(0.35, 0.25 * plan.length))
    z = float(rng.uniform(1.05, 1.75))
    # Look towards the far side, the more to the middle the nearer to a side wall.
    aim_x = plan.width * float(rng.uniform(0.3, 0.7)) + 0.3 * (plan.width / 2 - x)
    aim_y = plan.length * float(rng.uniform(0.65, 0.95))
    yaw = math.atan2(aim_x - x, aim_y - y) + float(rng.normal(0, 0.12))
    drop = math.atan2(float(rng.uniform(0.55, 1.25)) - z, math.hypot(aim_x - x, aim_y - y))
    return Viewpoint(
        position=(x, y, z),
        yaw=yaw,
        tilt=drop * float(rng.uniform(0.5, 1.6)) + float(rng.normal(0, 0.03)),
        roll=float(rng.normal(0, 0.02)),
        fov=math.radians(float(rng.uniform(58, 88))),
    )


def _openings(rng: Rng, plan: FloorPlan, palette: Palette, time: str) -> list[Light]:
    """Windows and a door on the walls, and the light that the windows let in."""
    frame = Material("plain", hsv(0.1, 0.03, float(rng.choice([0.95, 0.93, 0.3]))), gloss=0.03)
    order = [0, 1, 2]
    rng.shuffle(order)
    lights: list[Light] = []
    leaf = palette.wood if rng.random() < 0.5 else frame
    _door(rng, plan, order[2] if rng.random() < 0.75 else 3, leaf, frame)
    brightness = float(rng.uniform(1.6, 3.0)) if time == DAY else 0.03
    sky: Colour = hsv(0.58, float(rng.uniform(0.05, 0.35)), 1.0)
    green: Colour = near(hsv(0.28, 0.45, 0.45), rng)
    openings: list[tuple[int, Opening]] = []
    for wall in order[: int(rng.integers(1, 3))]:
        for _ in range(1 if rng.random() < 0.6 else 2):
            found = _window(rng, plan, wall, frame, (sky, green), brightness)
            if found is None:
                continue
            opening, light = found
            openings.append((wall, opening))
            if time == DAY and len(lights) < 2:
                lights.append(light)
    if time == DAY and openings and rng.random() < SUNNY:
        lights.insert(1, _sun(rng, plan, openings))
    return lights


def _door(rng: Rng, plan: FloorPlan, wall: int, leaf: Material, frame: Material) -> None:
    width, height = float(rng.uniform(0.78, 0.95)), float(rng.uniform(1.98, 2.12))
    for _ in range(8):
        place = float(rng.uniform(0.7, plan.span(wall) - 0.7))
        before = plan.wall_rect(wall, place, width + 0.1, 0.9)
        if not plan.is_free(before):
            continue
        x, y, yaw = plan.at_wall(wall, place, 0.0)
        plan.things.append(fixtures.door(rng, width, height, leaf, frame).placed(x, y, 0, yaw))
        plan.walls[wall].append(
            (place - width / 2 - 0.15, 0, place + width / 2 + 0.15, height + 0.15)
        )
        plan.floor.append(before)
        return


def _window(
    rng: Rng,
    plan: FloorPlan,
    wall: int,
    frame: Material,
    outside: tuple[Colour, Colour],
    brightness: float,
) -> tuple[Opening, Light] | None:
    width = min(float(rng.uniform(0.8, 2.2)), plan.span(wall) - 0.8)
    sill = float(rng.uniform(0.75, 1.0)) if rng.random() < 0.8 else 0.35
    top = float(rng.uniform(1.95, plan.height - 0.2))
    height, z = top - sill, (top + sill) / 2
    place = float(rng.uniform(width / 2 + 0.25, plan.span(wall) - width / 2 - 0.25))
    patch = (place - width / 2 - 0.25, sill - 0.12, place + width / 2 + 0.25, top + 0.12)
    if not plan.wall_free(wall, patch):
        return None
    x, y, yaw = plan.at_wall(wall, place, 0.0)
    thing = fixtures.window(rng, width, height, frame, *outside, brightness)
    plan.things.append(thing.placed(x, y, z, yaw))
    if rng.random() < 0.4 and place - width / 2 > 0.5 and place + width / 2 < plan.span(wall) - 0.5:
        bottom = 0.05 if rng.random() < 0.6 else sill - 0.1
        plan.things.append(
            clutter.curtains(rng, width + 0.1, min(top + 0.14, plan.height - 0.04), bottom).placed(
                x, y, 0, yaw
            )
        )
        patch = (patch[0] - 0.3, bottom, patch[2] + 0.3, top + 0.2)
        for side in (-1, 1):
            plan.floor.append(plan.wall_rect(wall, place + side * (width / 2 + 0.15), 0.45, 0.18))
    plan.walls[wall].append(patch)
    if sill > 0.7 and rng.random() < 0.5 and width > 0.9:
        plan.things.append(clutter.radiator(width * 0.8).placed(x, y, 0, yaw))
        plan.floor.append(plan.wall_rect(wall, place, width * 0.8, 0.12))
    axis = 1 if wall in (0, 3) else 0
    at = (plan.length, 0.0, plan.width, 0.0)[wall]
    opening = Opening(axis, at, (place - width / 2, sill), (place + width / 2, top))
    inward = ((0, -1.0, 0), (1.0, 0, 0), (-1.0, 0, 0), (0, 1.0, 0))[wall]
    along = (width / 2, 0.0, 0.0) if axis == 1 else (0.0, width / 2, 0.0)
    tone = 0.75 * brightness * width * height / math.pi
    light = Light(
        position=(x + 0.17 * inward[0], y + 0.17 * inward[1], z),
        colour=(tone * 0.92, tone * 0.97, tone * 1.05),
        spread=(along, (0.0, 0.0, height / 2)),
        facing=inward,
    )
    return opening, light


def _sun(rng: Rng, plan: FloorPlan, openings: list[tuple[int, Opening]]) -> Light:
    wall = openings[0][0]
    elevation = math.radians(float(rng.uniform(22, 50)))
    slant = math.radians(float(rng.uniform(-50, 50)))
    outward = {0: math.pi / 2, 1: math.pi, 2: 0.0, 3: -math.pi / 2}[wall] + slant
    level = math.cos(elevation)
    far = 80.0
    position = (
        plan.width / 2 + far * level * math.cos(outward),
        plan.length / 2 + far * level * math.sin(outward),
        1.0 + far * math.sin(elevation),
    )
    power = float(rng.uniform(2.5, 5.0))
    warm = float(rng.uniform(0.55, 0.85))
    return Light(
        position=position,
        colour=(power, power * (0.5 + 0.5 * warm), power * warm),
        spread=((0.35, 0, 0), (0, 0.35, 0), (0, 0, 0.35)),
        falls=False,
        openings=tuple(opening for _, opening in openings),
    )


def _ambient(
    rng: Rng, plan: FloorPlan, wall: Colour, floor: Colour, time: str, lights: list[Light]
) -> Ambient:
    """What walls, floor and ceiling send back, tinted by them."""
    level = float(rng.uniform(0.22, 0.42)) if time == DAY else float(rng.uniform(0.09, 0.18))
    warm = (1.0, 0.98, 0.94) if time == DAY else (1.0, 0.8, 0.58)

    def tinted(tint: Colour, share: float) -> Colour:
        r, g, b = (level * w * (0.45 + 0.55 * c) * share for w, c in zip(warm, tint, strict=True))
        return (r, g, b)

    first = lights[0].position if lights else (plan.width / 2, plan.length / 2, 2.0)
    towards = np.subtract(first, (plan.width / 2, plan.length / 2, 1.2))
    towards = towards / max(float(np.linalg.norm(towards)), 1e-6)
    return Ambient(
        above=tinted(wall, 1.0),
        below=tinted(floor, 0.85),
        side=tinted(wall, 0.45),
        towards=(float(towards[0]), float(towards[1]), float(towards[2])),
        low=(0.0, 0.0, 0.0),
        high=(plan.width, plan.length, plan.height),
        cell=0.09,
        enclosed=True,
    )


def _film(rng: Rng, time: str) -> Film:
    warmth = float(rng.normal(1.0, 0.07)) if time == DAY else float(rng.normal(0.8, 0.08))
    return Film(
        exposure=float(rng.uniform(0.20, 0.42)) * (1.0 if time == DAY else 0.75),
        warmth=min(max(warmth, 0.6), 1.3),
        tint=float(rng.normal(1.0, 0.015)),
        contrast=float(rng.uniform(0.97, 1.15)),
        saturation=float(rng.uniform(0.85, 1.08)),
        blur=float(rng.uniform(0.25, 0.7)),
        noise=float(rng.uniform(0.003, 0.016)) * (1.0 if time == DAY else 1.4),
        vignette=float(rng.uniform(0.0, 0.35)),
    )
