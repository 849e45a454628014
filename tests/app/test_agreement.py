"""Agreement with full budget: by hand, and on its way to the browser."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.actions import Desk
from app.agreement import agreement
from app.frames import frame_message, step_message
from app.memory import Memory
from app.session import Session
from app.views.agreement import entry
from app.wish import Wish
from pag import TASKS, Inference
from tests.app.photos import write_photo

SIZE = (4, 4)


@pytest.fixture
def record(make_inference: Callable[..., Inference]) -> Inference:
    return make_inference(*SIZE)


def having(record: Inference, **maps: np.ndarray) -> Inference:
    return dataclasses.replace(record, **maps)


def rows(*values: float, dtype: type = np.float32) -> np.ndarray:
    """A (4, 4) map whose rows are constant."""
    return np.repeat(np.array(values, dtype)[:, None], 4, axis=1)


def test_a_record_agrees_with_itself(make_inference: Callable[..., Inference]) -> None:
    record = make_inference(31, 43)
    found = agreement(record, record)
    assert found.segmentation == (1, 1)
    assert found.boundary == (1, 0)
    assert found.depth == (0, 1)
    assert found.normals == (0, 1)


def test_classes_by_hand(record: Inference) -> None:
    # Reference: 8 pixels of 0, 8 of 2. Answer: 4 of 0, 12 of 2. Common: 4 of 0, 8 of 2.
    reference = having(record, segmentation=rows(0, 0, 2, 2, dtype=np.uint8))
    answer = having(record, segmentation=rows(0, 2, 2, 2, dtype=np.uint8))
    same, miou = agreement(answer, reference).segmentation or (math.nan, math.nan)
    assert same == 12 / 16
    assert miou == pytest.approx((4 / 8 + 8 / 12) / 2)  # class 1 is in neither


def test_a_class_that_one_alone_has_counts_as_missed(record: Inference) -> None:
    reference = having(record, segmentation=rows(0, 0, 0, 0, dtype=np.uint8))
    answer = having(record, segmentation=rows(0, 0, 0, 5, dtype=np.uint8))
    same, miou = agreement(answer, reference).segmentation or (math.nan, math.nan)
    assert (same, miou) == (12 / 16, (12 / 16 + 0) / 2)


def test_boundaries_by_hand(record: Inference) -> None:
    # 8 expected, 4 drawn, 4 of them right: precision 1, recall 1/2, F 2/3.
    reference = having(record, boundary=rows(0.5, 0.9, 0.1, 0.0))
    answer = having(record, boundary=rows(0.4, 0.7, 0.1, 0.2))
    measure, difference = agreement(answer, reference).boundary or (math.nan, math.nan)
    assert measure == pytest.approx(2 / 3)
    assert difference == pytest.approx((0.1 + 0.2 + 0 + 0.2) / 4, abs=1e-6)


def test_two_pictures_without_boundaries_agree(record: Inference) -> None:
    empty = having(record, boundary=rows(0.1, 0.2, 0.3, 0.4))
    assert (agreement(empty, empty).boundary or (math.nan, math.nan))[0] == 1


def test_depth_by_hand(record: Inference) -> None:
    # Rows 0 and 2 are looked at.
    reference = having(record, depth=rows(2.0, 7.0, 4.0, 7.0))
    answer = having(record, depth=rows(2.2, 1.0, 2.0, 1.0))
    absrel, close = agreement(answer, reference).depth or (math.nan, math.nan)
    assert absrel == pytest.approx((0.1 + 0.5) / 2, rel=1e-5)
    assert close == 0.5


@pytest.mark.parametrize("hole", [np.nan, np.inf, 0.0, -1.0])
def test_depths_that_are_none_are_left_out(record: Inference, hole: float) -> None:
    reference = having(record, depth=rows(2.0, 1.0, hole, 1.0))
    answer = having(record, depth=rows(2.5, 1.0, 3.0, 1.0))
    absrel, close = agreement(answer, reference).depth or (math.nan, math.nan)
    assert (absrel, close) == (pytest.approx(0.25), 0.0)  # 1.25 is not below 1.25
    assert agreement(answer, having(record, depth=rows(*[hole] * 4))).depth is None


def test_directions_by_hand(record: Inference) -> None:
    def facing(*degrees: float) -> np.ndarray:
        turned = np.radians(rows(*degrees))
        return np.stack([np.sin(turned), 0 * turned, -np.cos(turned)], -1).astype(np.float32)

    reference = having(record, normals=facing(0, 0, 0, 0))
    answer = having(record, normals=facing(10, 0, 180, 0))
    mean, close = agreement(answer, reference).normals or (math.nan, math.nan)
    assert mean == pytest.approx(95, abs=1e-3)
    assert close == 0.5


@pytest.mark.parametrize("task", TASKS)
def test_a_task_that_was_not_asked_for_has_no_agreement(
    make_inference: Callable[..., Inference], task: str
) -> None:
    record = make_inference(tasks=[t for t in TASKS if t != task])
    found = agreement(record, record)
    assert getattr(found, task) is None
    assert sum(getattr(found, t) is None for t in TASKS) == 1
    message = entry(having(record), record, 0.5)
    assert message["values"][task] is None
    assert "No pixel" in message["html"][f"agreement-{task}"]


def test_other_sizes_are_refused(make_inference: Callable[..., Inference]) -> None:
    with pytest.raises(ValueError, match=r"\(4, 4\) and \(4, 6\)"):
        agreement(make_inference(4, 4), make_inference(4, 6))


# ---------------------------------------------------------------- in words


def test_the_sentences_say_the_numbers(make_inference: Callable[..., Inference]) -> None:
    full = make_inference(40, 60, seed=1)
    answer = having(make_inference(40, 60, seed=2), image=full.image)
    message = json.loads(json.dumps(entry(answer, full, 0.5)))
    found = agreement(answer, full)
    assert found.segmentation and found.boundary and found.depth and found.normals
    expected = {
        "segmentation": (f"{found.segmentation[0]:.1%}", f"{found.segmentation[1]:.2f}"),
        "boundary": (f"{found.boundary[0]:.2f}", f"{found.boundary[1]:.3f}"),
        "depth": (f"{found.depth[0]:.1%}", f"{found.depth[1]:.1%}"),
        "normals": (f"{found.normals[0]:.1f}°", f"{found.normals[1]:.1%}"),
    }
    for task, numbers in expected.items():
        text = re.sub("<[^>]+>", "", message["html"][f"agreement-{task}"])
        assert all(number in text for number in numbers)
        assert message["values"][task] == getattr(found, task)[0]


def test_full_budget_says_that_it_is_the_measure(make_inference: Callable[..., Inference]) -> None:
    full = make_inference(budget=1.0)
    html = entry(full, full, 1.0)["html"]
    assert "time is compared" in html.pop("time")
    assert set(html.values()) == {"This is full budget, with which the others are compared."}


# ---------------------------------------------------------------- on its way


def budgets_of(message: dict) -> list[float]:
    return [found["budget"] for found in message["agreements"]]


def stepped(desk: Desk, session: Session, budget: float) -> dict[str, Any]:
    """The message that one more budget of the sweep is answered with."""
    return step_message(desk, session, {"scene": session.scene, "budget": budget})


def test_full_budget_brings_the_agreement_of_what_came_before(desk: Desk, photo_file: Path) -> None:
    session = desk.open(Session(), photo_file, Wish(budget=0.6))
    assert session.answer is not None
    assert budgets_of(frame_message(session.answer, session, 0.6)) == []
    session = desk.adjust(session, Wish(budget=0.9))
    early = stepped(desk, session, desk.budgets[0])["frame"]
    assert budgets_of(early) == []
    full = stepped(desk, session, 1.0)["frame"]
    assert budgets_of(full) == [desk.budgets[0], 0.6, 0.9, 1.0]
    later = stepped(desk, session, desk.budgets[3])["frame"]
    assert budgets_of(later) == [desk.budgets[3]]
    reference, answer = desk.answer_at(session, 1.0), desk.answer_at(session, desk.budgets[3])
    found = agreement(answer, reference)
    assert found.depth and later["agreements"][0]["values"]["depth"] == found.depth[0] > 0


def test_agreement_is_with_the_same_photo_alone(
    desk: Desk, photo_file: Path, tmp_path: Path
) -> None:
    session = desk.open(Session(), photo_file, Wish(budget=0.6))
    desk.step(session, 1.0)
    after = desk.open(session, write_photo(tmp_path / "other.png", seed=4), Wish(budget=0.6))
    assert after.answer is not None
    assert budgets_of(frame_message(after.answer, after, 0.6)) == []
    full = stepped(desk, after, 1.0)["frame"]
    assert budgets_of(full) == [0.6, 1.0]  # of two photos, one alone


def test_full_budget_is_the_last_that_is_forgotten(desk: Desk, photo_file: Path) -> None:
    session = desk.open(Session(), photo_file, Wish(budget=0.6))
    full = desk.step(session, 1.0)
    assert full is not None
    small = dataclasses.replace(session, memory=Memory(limit=3 * 600_000))
    for budget in (1.0, *desk.budgets[:-1]):
        message = stepped(desk, small, budget)
        assert len(budgets_of(message["frame"])) == 1
    assert len(small.memory) < 11
