"""A room that is labelled on its plan: which thing a point lies in, and what is no such file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pag.data import IGNORE
from pag.data.room_labels import read_room_labels
from pag.data.sample import CLASSES
from pag.errors import InputError

UPRIGHT = [[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 1.5]]
"""Takes a camera that is held level, 1.5 m above the floor, to a room: forward is y, up is z."""
SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1]]


def written(folder: Path, *things: dict[str, Any], room: Any = UPRIGHT) -> Path:
    path = folder / "room.json"
    path.write_text(json.dumps({"room": room, "things": list(things)}))
    return path


def seen(x: float, forward: float, height: float) -> np.ndarray:
    """A point as that camera's coordinates: right, down, forward."""
    return np.array([x, 1.5 - height, forward])


def test_a_point_is_of_the_first_thing_that_holds_it(tmp_path: Path) -> None:
    table = {"class": "table", "outline": SQUARE, "heights": [0.7, 0.8]}
    cloth = {"outline": [[0, 0], [0.5, 0], [0, 0.5]], "heights": [0.7, 0.8]}
    everywhere = [[-9, -9], [9, -9], [9, 9], [-9, 9]]
    floor = {"class": "floor", "outline": everywhere, "heights": [-1, 0.7]}
    room = read_room_labels(written(tmp_path, cloth, table, floor))
    points = [seen(0.9, 0.9, 0.75), seen(0.1, 0.1, 0.75), seen(0.9, 0.9, 0.69), seen(2, 2, 0.75)]
    wanted = [CLASSES.index("table"), IGNORE, CLASSES.index("floor"), IGNORE]
    ids = room.classes(np.array(points).reshape(2, 2, 3))
    assert ids.dtype == np.uint8 and ids.tolist() == [wanted[:2], wanted[2:]]


@pytest.mark.parametrize("turn", [1, -1])
def test_outlines_go_round_either_way(tmp_path: Path, turn: int) -> None:
    slanted = [[0, 0], [2, 1], [1, 2]][::turn]
    thing = {"class": "chair", "outline": slanted, "heights": [0, 1]}
    room = read_room_labels(written(tmp_path, thing))
    inside = [seen(1, 1, 0), seen(1.5, 1.2, 0.99), seen(0.1, 0.1, 0.5)]
    outside = [seen(1, 0.4, 0.5), seen(1.8, 1.5, 0.5), seen(1, 1, 1), seen(1, 1, -0.01)]
    assert (room.classes(np.array(inside)) == CLASSES.index("chair")).all()
    assert (room.classes(np.array(outside)) == IGNORE).all()


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        ({"class": "unicorn"}, "class 'unicorn', expected one of sky"),
        ({"heights": [1, 1]}, "heights 1 and 1, expected the lower one first"),
        ({"outline": SQUARE[:2]}, "outline of 2 corners, expected three or more"),
        ({"outline": [[0, 0], [2, 0], [0.1, 0.1], [0, 2]]}, "expected a convex one"),
        ({"outline": None}, "no labels of a room"),
    ],
)
def test_things_that_are_none(tmp_path: Path, thing: dict[str, Any], message: str) -> None:
    entry = {"class": "chair", "outline": SQUARE, "heights": [0, 1]} | thing
    with pytest.raises(InputError, match=message):
        read_room_labels(written(tmp_path, entry))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"room\.json is not there"):
        read_room_labels(tmp_path / "room.json")
    with pytest.raises(InputError, match="expected 3x4 numbers"):
        read_room_labels(written(tmp_path, room=[[1, 2], [3, 4]]))
    (tmp_path / "room.json").write_text("[]")
    with pytest.raises(InputError, match="holds no labels of a room"):
        read_room_labels(tmp_path / "room.json")


def test_the_kitchen_is_labelled() -> None:
    room = read_room_labels(Path(__file__).parents[2] / "assets/labels/kitchen.json")
    named = {CLASSES[thing.class_id] for thing in room.things if thing.class_id != IGNORE}
    assert named == {"floor", "wall", "table", "chair", "clutter"}
    turn = room.room[:, :3]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-4)  # metres stay metres
