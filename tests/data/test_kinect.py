"""A Kinect's two cameras: what one saw lies where the other one sees it."""

from __future__ import annotations

import numpy as np
import pytest

from pag.data.kinect import BASELINE, Camera, registered

KINECT = Camera(585.0, 585.0, 320.0, 240.0)


def test_a_point_lies_where_the_colour_camera_sees_it() -> None:
    depth = np.zeros((480, 640), np.float32)
    depth[100, 500] = 1.5
    seen, labels = registered(depth, KINECT)
    x, y, z = KINECT.points(depth)[100, 500]
    colour = KINECT.beside
    column = round((x - BASELINE) / z * colour.fx + colour.cx)
    row = round(y / z * colour.fy + colour.cy)
    assert (row, column) == (112, 474)  # nearer to the middle: a shorter focal length
    assert seen[row, column] == np.float32(1.5) and np.count_nonzero(seen) == 1
    assert labels is None


def test_what_is_near_moves_more() -> None:
    places = []
    for metres in (0.5, 1.0, 4.0):
        depth = np.zeros((480, 640), np.float32)
        depth[240, 320] = metres
        places.append(int(registered(depth, KINECT)[0].nonzero()[1][0]))
    assert places == [290, 306, 318]


def test_the_nearer_of_two_points_is_seen_and_its_label_with_it() -> None:
    depth = np.full((480, 640), 3.0, np.float32)
    depth[200:280, 280:360] = 0.8
    labels = np.where(depth < 1, 7, 2).astype(np.uint8)
    seen, ids = registered(depth, KINECT, labels, unknown=255)
    assert ids is not None and ids.dtype == np.uint8
    np.testing.assert_array_equal(ids == 7, seen == np.float32(0.8))
    np.testing.assert_array_equal(ids == 2, seen == np.float32(3.0))
    np.testing.assert_array_equal(ids == 255, seen == 0)
    rows, columns = np.nonzero(ids == 7)
    assert (columns.max() - columns.min() + 1, rows.max() - rows.min() + 1) == (72, 72)
    # What is near hides the wall to its left, and uncovers what nobody saw to its right.
    middle = ids[240]
    shade = np.flatnonzero(middle == 255)
    right = columns.max()
    assert {right + 1, right + 10} <= set(shade) and columns.min() - 1 not in shade


def test_the_sides_of_the_picture_have_no_depth() -> None:
    seen, _ = registered(np.full((480, 640), 2.0, np.float32), KINECT)
    rows, columns = (np.unique(places) for places in np.nonzero(seen))
    assert len(rows) < 440 and len(columns) < 585
    inside = seen[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert inside.all()  # and no holes between them


@pytest.mark.parametrize("shape", [(4, 6), (1, 1)])
def test_no_depth_stays_no_depth(shape: tuple[int, int]) -> None:
    empty = np.zeros(shape, np.float32)
    seen, ids = registered(empty, Camera(5.0, 5.0, 3.0, 2.0), np.ones(shape, np.uint8), 255)
    assert not seen.any() and ids is not None and (ids == 255).all()
