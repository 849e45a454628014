"""Running scores: every task reaches its official metric, and costs are averaged."""

from __future__ import annotations

import numpy as np
import pytest

from pag.data import Sample
from pag.scores import BoundaryMatcher, Score, Spent

SHAPE = (60, 80)
TASKS = ("segmentation", "boundary", "depth", "normals")


def line(column: int) -> np.ndarray:
    drawn = np.zeros(SHAPE, dtype=bool)
    drawn[10:50, column] = True
    return drawn


def facing() -> np.ndarray:
    return np.broadcast_to(np.array([0, 0, -1], dtype=np.float32), (*SHAPE, 3)).copy()


def make_score() -> Score:
    return Score(0.6, "learned", TASKS, ("road", "sky"), BoundaryMatcher(None, 0), 9)


def test_a_row_by_hand() -> None:
    score = make_score()
    truth = np.zeros(SHAPE, dtype=np.uint8)
    truth[:, 40:], truth[0] = 1, 255  # half sky; the first row is unlabelled
    depth = np.full(SHAPE, 2.0, dtype=np.float32)
    sample = Sample(
        image=np.zeros((*SHAPE, 3), dtype=np.uint8),
        segmentation=truth,
        boundary=line(40).astype(np.float32),
        depth=depth,
        normals=facing(),
    )
    tilted = facing()
    tilted[:, :20] = [np.sin(np.radians(20)), 0, -np.cos(np.radians(20))]
    # All road; a quarter of the normals off by 20 degrees; first half, then twice as far.
    for factor, spent in (
        (0.5, Spent(0.58, 100, 0.2, {"res2_1": 0.4})),
        (2.0, Spent(0.63, 300, 0.4, {"res2_1": 0.8})),
    ):
        maps = {
            "segmentation": np.zeros(SHAPE, dtype=np.uint8),
            "boundary": line(40).astype(np.float32),
            "depth": depth * np.float32(factor),
            "normals": tilted,
        }
        score.add(maps, spent, sample, [line(40), line(41)])
    row = score.row()
    assert row["segmentation"]["miou"] == pytest.approx((0.5 + 0) / 2)
    assert row["segmentation"]["pixels"] == 2 * 59 * 80
    # The diagonal is 100, so that the second annotator's line, a pixel away, is missed.
    assert row["boundary"]["ods"] == row["boundary"]["ois"] == pytest.approx(2 / 3)
    assert row["depth"]["absrel"] == pytest.approx((0.5 + 1) / 2)
    assert row["depth"]["rmse"] == pytest.approx((1 + 2) / 2)
    assert row["depth"]["median_scaled"]["absrel"] == pytest.approx(0, abs=1e-6)
    assert row["normals"]["mean"] == pytest.approx(5, abs=1e-4)
    assert row["normals"]["median"] == pytest.approx(0, abs=1e-3)
    assert row["normals"]["within_11_25"] == 0.75 and row["normals"]["within_22_5"] == 1
    assert (row["budget"], row["masks"], row["images"]) == (0.6, "learned", 2)
    assert row["achieved_mean"] == pytest.approx(0.605)
    assert row["achieved_max_deviation"] == pytest.approx(0.03)
    assert row["macs_executed_mean"] == 200
    assert row["seconds_network_median"] == pytest.approx(0.3)
    assert row["active_fractions"] == {"res2_1": pytest.approx(0.6)}


def test_boundaries_are_scored_within_the_official_tolerance() -> None:
    metric = make_score().metrics["boundary"]
    assert metric.max_dist == 0.0075 and metric.thresholds.size == 9
