"""The facade: one photograph in, one record out."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from pag import LABEL_SETS, BudgetError, InputError, Predictor, WeightsError
from pag.images import Picture
from pag.inference import TASKS
from tests.checkpoints import write_random_checkpoint


def photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    return coarse.repeat(8, 0).repeat(8, 1)[:height, :width].copy()


def test_record_has_the_promised_shapes_and_units(predictor: Predictor) -> None:
    record = predictor(photo(97, 130), 0.6, size=130)
    assert record.image.shape == (97, 130, 3)
    assert record.image_size == (97, 130)
    assert record.segmentation is not None and record.segmentation.dtype == np.uint8
    assert record.segmentation.shape == (97, 130)
    assert record.classes == LABEL_SETS["all"]
    assert record.segmentation.max() < len(record.classes)
    assert record.boundary is not None and record.boundary.shape == (97, 130)
    assert record.boundary.min() >= 0 and record.boundary.max() <= 1
    assert record.depth is not None and record.depth.dtype == np.float32
    assert record.depth.min() > 0
    assert record.normals is not None and record.normals.shape == (97, 130, 3)
    assert np.allclose(np.linalg.norm(record.normals, axis=2), 1, atol=1e-4)
    assert [g.name for g in record.gates][:4] == ["res2_1", "res2_2", "res2_3", "res3_1"]
    assert len(record.gates) == 15 and "res5_2" not in {g.name for g in record.gates}
    for gate in record.gates:
        expected = (math.ceil(97 / gate.stride), math.ceil(130 / gate.stride))
        assert gate.mask.shape == gate.probability.shape == expected
        assert 0 <= gate.macs_executed <= gate.macs_dense
    assert record.dilations == (0, 1, 2, 4, 6, 8, 10)
    assert record.dilation.max() < 7
    assert sum(record.dilation_fractions.values()) == pytest.approx(1)
    assert set(record.seconds) >= {"network", "total"}
    assert record.device == "cpu" and len(record.checkpoint) == 12


@pytest.mark.parametrize("size", [(96, 128), (128, 96), (65, 200), (200, 67), (64, 64), (131, 133)])
def test_budget_is_met_for_every_size_and_shape(
    predictor: Predictor, size: tuple[int, int]
) -> None:
    for budget in (predictor.floor, 0.45, 0.6, 0.75, 0.9, 0.99, 1.0):
        record = predictor(photo(*size), budget, tasks=("boundary", "depth", "normals",
                           "segmentation"), size=max(size))  # fmt: skip
        assert record.budget_achieved == pytest.approx(budget, abs=0.005)
        assert record.budget_achieved == record.macs_executed / record.macs_dense


def test_ponder_maps_add_up_what_the_gates_did(predictor: Predictor) -> None:
    record = predictor(photo(96, 128), 0.6, size=128)
    layers = sum(
        g.mask.repeat(g.stride, 0).repeat(g.stride, 1).astype(int)[:96, :128] for g in record.gates
    )
    assert np.array_equal(record.ponder_layers, layers)
    spent = sum(g.macs_executed for g in record.gates)
    assert record.ponder_macs.sum(dtype=np.float64) == pytest.approx(spent, rel=1e-4)


def test_full_budget_runs_every_layer_everywhere(predictor: Predictor) -> None:
    record = predictor(photo(96, 128), 1.0, size=128)
    assert record.budget_achieved == 1
    assert all(g.mask.all() and g.macs_executed == g.macs_dense for g in record.gates)
    assert (record.ponder_layers == 15).all()


def test_tasks_not_asked_for_are_absent_and_cost_nothing(predictor: Predictor) -> None:
    everything = predictor(photo(96, 128), 1.0, size=128)
    depth = predictor(photo(96, 128), 1.0, tasks=["depth"], size=128)
    assert depth.tasks == ("depth",)
    assert depth.segmentation is None and depth.boundary is None and depth.normals is None
    assert depth.macs_dense < everything.macs_dense
    assert everything.depth is not None and depth.depth is not None
    assert np.array_equal(depth.depth, everything.depth)


def test_adaptive_policy_reports_what_it_used(predictor: Predictor) -> None:
    low = predictor(photo(96, 128), 0.1, policy="adaptive", size=128)
    high = predictor(photo(96, 128), 0.95, policy="adaptive", size=128)
    assert low.budget_requested == 0.1
    assert low.budget_floor <= low.budget_achieved < high.budget_achieved <= 1


def test_sparse_and_dense_execution_agree(predictor: Predictor) -> None:
    sparse = predictor(photo(96, 128), 0.6, execution="sparse", size=128)
    dense = predictor(photo(96, 128), 0.6, execution="dense", size=128)
    assert sparse.depth is not None and dense.depth is not None
    assert np.allclose(sparse.depth, dense.depth, rtol=1e-3)
    for a, b in zip(sparse.gates, dense.gates, strict=True):
        assert np.mean(a.mask != b.mask) < 0.01


def test_large_photo_is_seen_smaller_but_remembered(predictor: Predictor) -> None:
    record = predictor(photo(300, 400), 1.0, tasks=["depth"], size=128)
    assert record.image_size == (300, 400)
    assert record.image.shape == (96, 128, 3)


def test_a_picture_and_its_array_give_equal_results(predictor: Predictor) -> None:
    pixels = photo(96, 128)
    a = predictor(pixels, 0.6, size=128)
    b = predictor(Picture(pixels, (96, 128)), 0.6, size=128)
    assert a.normals is not None and b.normals is not None
    assert np.array_equal(a.normals, b.normals)


def test_a_label_set_replaces_only_the_classes_outside_it(predictor: Predictor) -> None:
    found = {
        labels: predictor(
            photo(96, 128), tasks=["segmentation"], labels=labels, size=128
        ).segmentation
        for labels in LABEL_SETS
    }
    every, names = found.pop("all"), predictor.config.classes
    assert every is not None
    changed = 0
    for labels, ids in found.items():
        inside = np.array([name in LABEL_SETS[labels] for name in names])
        assert ids is not None and inside[ids].all()
        assert np.array_equal(ids[inside[every]], every[inside[every]])
        changed += np.count_nonzero(ids != every)
    assert changed == every.size  # a pixel's best class is in one of the two


def test_a_label_set_that_the_network_does_not_know_is_explained(tmp_path: Path) -> None:
    settings = {"backbone": "mobilenetv2", "head_channels": 8, "classes": LABEL_SETS["street"]}
    street = Predictor.from_checkpoint(write_random_checkpoint(tmp_path, **settings), "cpu")
    with pytest.raises(InputError, match="knows no indoor classes; use labels 'all'"):
        street(photo(96, 128), labels="indoor", size=128)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"policy": "greedy"}, "exact, adaptive"),
        ({"execution": "fast"}, "auto, sparse, dense"),
        ({"tasks": ["flow"]}, "segmentation"),
        ({"tasks": []}, "segmentation"),
        ({"labels": "sea"}, "street"),
        ({"size": 10}, "64"),
        ({"size": 5000}, "1536"),
        ({"size": 99.5}, "whole number"),
    ],
)
def test_wrong_options_are_explained(
    predictor: Predictor, options: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        predictor(photo(96, 128), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("budget", [math.nan, math.inf, 7, 0, -0.5, 0.01, None, "half", True])
def test_wrong_budgets_are_explained(predictor: Predictor, budget: object) -> None:
    with pytest.raises(BudgetError, match="budget is"):
        predictor(photo(96, 128), budget)  # type: ignore[arg-type]


def test_unknown_checkpoint_and_device_are_explained(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no checkpoint"):
        Predictor.from_checkpoint(tmp_path)
    folder = write_random_checkpoint(tmp_path / "ck")
    with pytest.raises(InputError, match="abacus"):
        Predictor.from_checkpoint(folder, device="abacus")


def test_tasks_keep_their_order() -> None:
    assert TASKS == ("segmentation", "boundary", "depth", "normals")
