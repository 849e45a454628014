"""Classes written by hand for places of a room that was filmed.

Where the camera stood is known of every frame of 7-Scenes, and how far away each pixel is. So a
room is labelled once, on its plan, and every frame has labels. The file is JSON: the 3x4 matrix
that takes the poses' world to the room's metres (x and y on the floor, z up), and things in it,
upright prisms over a convex outline::

    {"room": [[...], [...], [...]],
     "things": [{"class": "table", "outline": [[0, 0], [2, 0], [2, 1], [0, 1]],
                 "heights": [0.6, 0.8]}, ...]}

A point is of the first thing that it lies in; one without a class says that nobody knows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pag.data.sample import IGNORE, class_id
from pag.errors import InputError


@dataclass(frozen=True, eq=False)
class Thing:
    """An upright prism.

    Attributes:
        class_id: into `pag.data.sample.CLASSES`, or `IGNORE`.
        sides: (n, 3): a point (x, y) is within a side where ``a * x + b * y + c >= 0``.
        heights: lowest and highest z, metres.
    """

    class_id: int
    sides: np.ndarray
    heights: tuple[float, float]

    def holds(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) points of the room -> (...) bool."""
        low, high = self.heights
        inside = (points[..., 2] >= low) & (points[..., 2] < high)
        for a, b, c in self.sides:
            inside &= a * points[..., 0] + b * points[..., 1] + c >= 0
        return inside


@dataclass(frozen=True, eq=False)
class RoomLabels:
    """A labelled room.

    Attributes:
        room: (3, 4), the poses' world to the room.
        things: the first that holds a point names it.
    """

    room: np.ndarray
    things: tuple[Thing, ...]

    def classes(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) metres of the poses' world -> (...) uint8 class ids, or `IGNORE`."""
        within = points @ self.room[:, :3].T + self.room[:, 3]
        ids = np.full(points.shape[:-1], IGNORE, np.uint8)
        for thing in reversed(self.things):
            ids[thing.holds(within)] = thing.class_id
        return ids


def read_room_labels(path: str | Path) -> RoomLabels:
    """Read such a file.

    Raises:
        InputError: it is not there, or not such a file.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        room = np.array(content["room"], dtype=np.float64)
        if room.shape != (3, 4) or not np.isfinite(room).all():
            raise ValueError("room, expected 3x4 numbers")
        return RoomLabels(room, tuple(map(_thing, content["things"])))
    except FileNotFoundError as error:
        raise InputError(f"{path.name} is not there, expected labels of a room") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path.name} holds no labels of a room: {error}; see pag.data.room_labels"
        ) from error


def _thing(entry: dict[str, Any]) -> Thing:
    low, high = map(float, entry["heights"])
    if not low < high:
        raise ValueError(f"heights {low:g} and {high:g}, expected the lower one first")
    return Thing(class_id(entry.get("class")), _sides(entry["outline"]), (low, high))


def _sides(outline: list[list[float]]) -> np.ndarray:
    """(n, 3) sides of a convex outline; see `Thing`."""
    corners = np.array(outline, dtype=np.float64)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
        raise ValueError(f"outline of {len(outline)} corners, expected three or more (x, y)")
    across = np.roll(corners, -1, 0) - corners
    normals = np.stack([-across[:, 1], across[:, 0]], 1)
    sides = np.c_[normals, -(normals * corners).sum(1)]
    reach = corners @ sides[:, :2].T + sides[:, 2]
    if (reach <= 1e-9).all():
        sides, reach = -sides, -reach
    if (reach < -1e-9).any():
        raise ValueError("outline, expected a convex one")
    return sides
