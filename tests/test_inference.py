"""The record: nobody can change it, and its shares add up."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from pag.inference import TASKS, GateRecord, Inference

Maker = Callable[..., Inference]


def arrays(record: Inference) -> dict[str, np.ndarray]:
    found = {
        field.name: value
        for field in dataclasses.fields(record)
        if isinstance(value := getattr(record, field.name), np.ndarray)
    }
    for gate in record.gates:
        found |= {f"{gate.name} mask": gate.mask, f"{gate.name} probability": gate.probability}
    return found


def test_fields_cannot_be_set(make_inference: Maker) -> None:
    record = make_inference()
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.depth = None  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.gates[0].name = "x"  # type: ignore[misc]


def test_every_array_is_read_only(make_inference: Maker) -> None:
    found = arrays(make_inference())
    assert len(found) == 8 + 2 * 15
    for array in found.values():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


@pytest.mark.parametrize("name", ["seconds", "seconds_predicted"])
def test_timings_are_a_copy_that_cannot_change(make_inference: Maker, name: str) -> None:
    seconds = {"network": 0.1, "total": 0.2}
    record = dataclasses.replace(make_inference(), **{name: seconds})
    seconds["network"] = 9.0
    assert getattr(record, name)["network"] == 0.1
    with pytest.raises(TypeError):
        getattr(record, name)["network"] = 1.0
    sent = pickle.loads(pickle.dumps(record))  # as to a GPU that another process has
    assert dict(getattr(sent, name)) == {"network": 0.1, "total": 0.2}


@pytest.mark.parametrize("tasks", [(), ("depth",), ("normals", "segmentation"), TASKS])
def test_tasks_are_those_asked_for_in_the_usual_order(
    make_inference: Maker, tasks: tuple[str, ...]
) -> None:
    assert make_inference(tasks=tasks).tasks == tuple(t for t in TASKS if t in tasks)


def test_active_fraction() -> None:
    mask = np.array([[True, False, False], [True, True, False]])
    gate = GateRecord("res2_1", 4, mask, mask.astype(np.float32), 10, 5)
    assert gate.active_fraction == 0.5


def test_dilation_fractions_are_by_dilation_not_by_index(make_inference: Maker) -> None:
    chosen = np.array([[0, 2, 2, 3]], dtype=np.uint8)
    record = dataclasses.replace(make_inference(), dilation=chosen, dilations=(0, 1, 4, 10))
    assert record.dilation_fractions == {0: 0.25, 1: 0.0, 4: 0.5, 10: 0.25}


def test_class_fractions_are_by_name(make_inference: Maker) -> None:
    record = make_inference(10, 10, classes=("sky", "road", "car"))
    seen = np.zeros((10, 10), dtype=np.uint8)
    seen[:3] = 2
    record = dataclasses.replace(record, segmentation=seen)
    assert record.class_fractions == {"sky": 0.7, "road": 0.0, "car": 0.3}
    assert make_inference(tasks=("depth",)).class_fractions == {}


def test_records_are_told_apart_by_identity(make_inference: Maker) -> None:
    first, second = make_inference(), make_inference()
    assert first == first and first != second
    assert len({first, second}) == 2
