"""The ground plan of a street: its widths, and what stands where."""

from __future__ import annotations

from dataclasses import dataclass, field

from pag.scenes.geometry import Thing

BEGIN, END = -45.0, 130.0
"""The street's extent along y, metres; the camera stands at y = 0."""
KERB = 0.12


@dataclass
class Layout:
    """A street's widths and what stands where.

    Attributes:
        road: half width of the road, metres.
        walk: width of each pavement, metres.
        parking: whether cars are parked at the kerbs.
        things: all that was placed.
        taken: x and y of the low corner, then of the high one, of what stands there.
    """

    road: float
    walk: float
    parking: bool
    things: list[Thing] = field(default_factory=list)
    taken: list[tuple[float, float, float, float]] = field(default_factory=list)

    def put(
        self,
        thing: Thing,
        x: float,
        y: float,
        half: tuple[float, float],
        z: float = 0.0,
        yaw: float = 0.0,
    ) -> bool:
        """Place a thing that takes `half` sizes of ground, unless something is there."""
        if not self.free(x, y, half):
            return False
        self.taken.append((x - half[0], y - half[1], x + half[0], y + half[1]))
        self.things.append(thing.placed(x, y, z, yaw))
        return True

    def free(self, x: float, y: float, half: tuple[float, float]) -> bool:
        """Whether nothing stands there."""
        a, b, c, d = x - half[0], y - half[1], x + half[0], y + half[1]
        return not any(a < r and p < c and b < s and q < d for p, q, r, s in self.taken)
