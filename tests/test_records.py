"""The synthetic records keep the contract of `pag.inference`, or tests with them prove nothing."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from pag.inference import TASKS, Inference
from tests.records import LAYERS, upsample

Maker = Callable[..., Inference]


@pytest.mark.parametrize("size", [(96, 128), (97, 131), (32, 32), (33, 250)])
def test_maps_have_the_shapes_and_ranges_of_the_contract(
    make_inference: Maker, size: tuple[int, int]
) -> None:
    record = make_inference(*size)
    assert record.segmentation is not None and record.boundary is not None
    assert record.depth is not None and record.normals is not None
    for array, dtype in (
        (record.segmentation, np.uint8),
        (record.boundary, np.float32),
        (record.depth, np.float32),
        (record.ponder_layers, np.uint8),
        (record.ponder_macs, np.float32),
    ):
        assert array.shape == size and array.dtype == dtype
    assert record.image.shape == record.normals.shape == (*size, 3)
    assert record.image.dtype == np.uint8 and record.normals.dtype == np.float32
    assert record.segmentation.max() < len(record.classes)
    assert record.boundary.min() >= 0 and record.boundary.max() <= 1
    assert record.depth.min() > 0
    assert np.allclose(np.linalg.norm(record.normals, axis=-1), 1, atol=1e-5)
    assert record.normals[..., 2].max() < 0
    assert record.dilation.shape == tuple(-(-n // record.dilation_stride) for n in size)
    assert record.dilation.max() < len(record.dilations)
    for gate in record.gates:
        assert (
            gate.mask.shape == gate.probability.shape == tuple(-(-n // gate.stride) for n in size)
        )
        assert gate.mask.dtype == bool and gate.probability.dtype == np.float32
        assert gate.probability.min() >= 0 and gate.probability.max() <= 1


def test_gates_are_the_fifteen_of_the_network(make_inference: Maker) -> None:
    names = [gate.name for gate in make_inference().gates]
    assert len(names) == 15 and "res5_2" not in names
    assert names == sorted(names) and names[0] == "res2_1" and names[-1] == "res5_3"


def test_ponder_maps_add_up(make_inference: Maker) -> None:
    record = make_inference(97, 131)
    layers = sum(upsample(g.mask, g.stride, (97, 131)).astype(int) for g in record.gates)
    assert (record.ponder_layers == layers).all()
    whole = make_inference(96, 128)  # a multiple of every stride: nothing is cut off
    executed = sum(gate.macs_executed for gate in whole.gates)
    assert np.isclose(whole.ponder_macs.sum(dtype=float), executed)
    gated = sum(gate.macs_dense for gate in whole.gates)
    assert whole.macs_executed - executed == whole.macs_dense - gated > 0
    assert whole.budget_achieved == whole.macs_executed / whole.macs_dense


def test_open_and_closed_gates(make_inference: Maker) -> None:
    opened, closed = make_inference(gates="open"), make_inference(gates="closed")
    assert (opened.ponder_layers == len(LAYERS)).all() and opened.budget_achieved == 1.0
    assert (closed.ponder_layers == 0).all()
    assert closed.budget_achieved == closed.budget_floor == closed.budget_requested


def test_active_sets_grow_with_the_budget(make_inference: Maker) -> None:
    sweep = [make_inference(budget=b) for b in (0.2, 0.4, 0.6, 0.8, 1.0)]
    for less, more in itertools.pairwise(sweep):
        for a, b in zip(less.gates, more.gates, strict=True):
            assert not (a.mask & ~b.mask).any()
        assert abs(more.budget_achieved - more.budget_requested) < 0.005
    assert len({g.active_fraction for g in sweep[2].gates}) > 5


def test_only_the_tasks_asked_for(make_inference: Maker) -> None:
    record = make_inference(tasks=("depth",))
    assert record.tasks == ("depth",) and record.segmentation is None
    assert make_inference().tasks == TASKS


def test_a_seed_fixes_everything(make_inference: Maker) -> None:
    one, same, other = make_inference(seed=1), make_inference(seed=1), make_inference(seed=2)
    assert (one.image == same.image).all() and (one.ponder_layers == same.ponder_layers).all()
    assert (one.image != other.image).any() and (one.ponder_layers != other.ponder_layers).any()
