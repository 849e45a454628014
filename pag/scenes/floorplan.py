"""Where things may stand: free floor, free wall, and the way to face."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from pag.scenes.geometry import Thing

Rect = tuple[float, float, float, float]
"""x and y of the low corner, then of the high one, metres."""


@dataclass
class FloorPlan:
    """A rectangular room, x from 0 to `width` and y from 0 to `length`, and what stands in it.

    Walls: 0 at y = length, 1 at x = 0, 2 at x = width, 3 at y = 0. Places along a wall are
    the world's x or y.
    """

    width: float
    length: float
    height: float
    things: list[Thing] = field(default_factory=list)
    floor: list[Rect] = field(default_factory=list)
    walls: dict[int, list[Rect]] = field(default_factory=lambda: {k: [] for k in range(4)})

    def span(self, wall: int) -> float:
        """Length of a wall, metres."""
        return self.width if wall in (0, 3) else self.length

    def at_wall(self, wall: int, place: float, gap: float) -> tuple[float, float, float]:
        """x, y and yaw of a thing `gap` metres before a wall, its back to it."""
        if wall == 0:
            return place, self.length - gap, 0.0
        if wall == 1:
            return gap, place, math.pi / 2
        if wall == 2:
            return self.width - gap, place, -math.pi / 2
        return place, gap, math.pi

    def wall_rect(self, wall: int, place: float, width: float, depth: float) -> Rect:
        """The floor that a thing `width` wide and `depth` deep takes at a wall."""
        x, y, _ = self.at_wall(wall, place, depth / 2)
        w, d = (width, depth) if wall in (0, 3) else (depth, width)
        return (x - w / 2, y - d / 2, x + w / 2, y + d / 2)

    def is_free(self, rect: Rect, margin: float = 0.0) -> bool:
        """Whether the rectangle lies in the room and on nothing else."""
        x0, y0, x1, y1 = rect
        inside = (
            x0 >= -1e-6 and y0 >= -1e-6 and x1 <= self.width + 1e-6 and y1 <= self.length + 1e-6
        )
        return inside and not any(
            x0 - margin < c and a < x1 + margin and y0 - margin < d and b < y1 + margin
            for a, b, c, d in self.floor
        )

    def wall_free(self, wall: int, rect: Rect) -> bool:
        """Whether a rectangle of a wall (place and z of two corners) is free."""
        s0, z0, s1, z1 = rect
        return not any(s0 < c and a < s1 and z0 < d and b < z1 for a, b, c, d in self.walls[wall])

    def stand(
        self,
        rng: np.random.Generator,
        thing: Thing,
        size: tuple[float, float, float],
        walls: tuple[int, ...],
        gap: float = 0.03,
        before: float = 0.3,
        tries: int = 12,
    ) -> tuple[int, float] | None:
        """Put a thing of `size` (width, depth, height) with its back to one of `walls`.

        It gets `before` metres of free floor before it. Returns the wall and the place, or
        None if nothing was free.
        """
        width, depth, height = size
        for _ in range(tries):
            wall = int(rng.choice(walls))
            low, high = width / 2 + 0.04, self.span(wall) - width / 2 - 0.04
            if high <= low:
                continue
            place = float(rng.uniform(low, high))
            body = self.wall_rect(wall, place, width, depth + gap)
            clear = self.wall_rect(wall, place, width, depth + gap + before)
            patch = (place - width / 2 - 0.03, 0.0, place + width / 2 + 0.03, height)
            if not self.is_free(clear) or not self.wall_free(wall, patch):
                continue
            x, y, yaw = self.at_wall(wall, place, gap + depth / 2)
            self.things.append(thing.placed(x, y, 0.0, yaw))
            self.floor.append(body)
            self.walls[wall].append(patch)
            return wall, place
        return None

    def hang(
        self, thing: Thing, wall: int, place: float, z: float, size: tuple[float, float]
    ) -> bool:
        """Hang a thing of `size` (width, height) centred at `z`; False if the wall is taken."""
        w, h = size[0] / 2, size[1] / 2
        patch = (place - w, z - h, place + w, z + h)
        if patch[0] < 0.05 or patch[2] > self.span(wall) - 0.05 or patch[3] > self.height - 0.05:
            return False
        if not self.wall_free(wall, patch):
            return False
        x, y, yaw = self.at_wall(wall, place, 0.0)
        self.things.append(thing.placed(x, y, z, yaw))
        self.walls[wall].append((patch[0] - 0.1, patch[1] - 0.1, patch[2] + 0.1, patch[3] + 0.1))
        return True
