"""One pixel's story says what the record says."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.actions import Desk
from app.asides import change_message, pixel_message, two_message
from app.endpoints.pixel import pixel_facts
from app.figures.pixel import facing, layers_by_budget, pixel_story
from app.frames import step_message
from app.memory import Memory, size_of
from app.session import Session
from app.views import pixel, pooling
from app.wish import Wish
from pag import Inference
from tests.app.fake import FakePredictor


@pytest.fixture
def record(make_inference: Callable[..., Inference]) -> Inference:
    return make_inference(90, 121)


@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (0.31, 0.77), (0.999, 0.999), (1.0, 1.0)])
def test_every_value_is_that_of_the_place(record: Inference, x: float, y: float) -> None:
    told = pixel_story(record, x, y)
    row, column = min(int(90 * y), 89), min(int(121 * x), 120)
    assert record.segmentation is not None and record.depth is not None
    assert record.boundary is not None and record.normals is not None
    assert told.name == record.classes[record.segmentation[row, column]]
    assert told.depth == record.depth[row, column]
    assert told.boundary == record.boundary[row, column]
    assert told.normal == tuple(record.normals[row, column].tolist())
    assert told.count == record.ponder_layers[row, column]
    assert told.kilo_macs == pytest.approx(record.ponder_macs[row, column] / 1e3)
    assert [layer.name for layer in told.layers] == [gate.name for gate in record.gates]
    index = record.dilation[row // 16, column // 16]
    assert told.dilation == record.dilations[index]
    assert told.reach == told.dilation * 16
    # The place in the photo that was handed in, which is twice as large.
    assert (told.x, told.y) == (min(int(242 * x), 241), min(int(180 * y), 179))


@pytest.mark.parametrize("seen", [(360, 480), (300, 400)], ids=["exact", "scaled"])
def test_the_pooling_field_is_as_large_as_what_the_network_saw(
    make_inference: Callable[..., Inference], seen: tuple[int, int]
) -> None:
    record = make_inference(360, 480, network_size=seen)
    side = 16 * 480 / seen[1]
    assert pooling.fill(record, record).data["dilation"]["side"] == pytest.approx(side)
    dilations = set()
    for x in np.linspace(0.02, 0.98, 9):
        told = pixel_story(record, x, 0.5)
        dilations.add(told.dilation)
        assert told.reach == round(told.dilation * side)
        assert pixel_facts(record, told.x, told.y)["reach"] == told.reach
        if told.dilation:
            assert f"{told.reach} pixels apart" in pixel.story(record, [record], x, 0.5)
    assert max(dilations) > 1


def test_tasks_that_were_not_asked_for_are_left_out(
    make_inference: Callable[..., Inference],
) -> None:
    record = make_inference(tasks=["depth"])
    told = pixel_story(record, 0.5, 0.5)
    assert (told.name, told.normal, told.boundary) == (None, None, None)
    html = pixel.story(record, [record], 0.5, 0.5)
    assert " m</strong> away" in html and "sees" not in html


def test_a_story_costs_no_more_than_everything(make_inference: Callable[..., Inference]) -> None:
    told = pixel_story(make_inference(96, 128, gates="open"), 0.4, 0.4)
    assert told.count == 15
    assert told.kilo_macs == pytest.approx(told.dense_kilo_macs, rel=1e-5)


@pytest.mark.parametrize(
    ("normal", "axis", "degrees"),
    [
        ((0.0, -1.0, 0.0), "y-", 0),
        ((0.0, 0.0, -1.0), "z-", 0),
        ((0.8, 0.0, -0.6), "x+", 36.87),
        ((-0.9, 0.1, -0.4242640687), "x-", 25.84),
    ],
)
def test_facing(normal: tuple[float, ...], axis: str, degrees: float) -> None:
    found = facing(normal)
    assert found[0] == axis
    assert found[1] == pytest.approx(degrees, abs=0.01)


def test_layers_by_budget(make_inference: Callable[..., Inference]) -> None:
    records = [make_inference(budget=budget) for budget in (0.3, 0.6, 1.0)]
    ran = layers_by_budget(records, 0.3, 0.6)
    assert ran.shape == (15, 3)
    assert ran[:, 2].all()
    assert (ran[:, 0] <= ran[:, 1]).all()
    assert ran.sum(0).tolist() == [pixel_story(r, 0.3, 0.6).count for r in records]


def test_the_diagram_has_a_row_a_layer_and_a_column_a_budget(
    make_inference: Callable[..., Inference],
) -> None:
    records = [make_inference(budget=budget) for budget in (0.3, 0.6, 1.0)]
    html = pixel.story(records[1], records, 0.3, 0.6)
    assert html.count("<tr>") == 16
    assert html.count('aria-label="ran"') == layers_by_budget(records, 0.3, 0.6).sum()
    assert re.findall(r'<th scope="col" class="(?:now)?">(\S+)</th>', html) == [".30", ".60", "1"]
    assert html.count('class="now">.60') == 1


@pytest.mark.parametrize(
    ("mask", "words"), [(True, "No layer was skipped"), (False, "Every layer was skipped")]
)
def test_all_and_none(record: Inference, mask: bool, words: str) -> None:
    gates = tuple(
        dataclasses.replace(gate, mask=np.full_like(gate.mask, mask)) for gate in record.gates
    )
    assert words in pixel.story(dataclasses.replace(record, gates=gates), [record], 0.5, 0.5)


# ---------------------------------------------------------------- asked by a page


@pytest.fixture
def session(desk: Desk, photo_file: Path) -> Session:
    return desk.open(Session(), photo_file, Wish())


def test_a_story_uses_what_is_remembered(desk: Desk, fake: FakePredictor, session: Session) -> None:
    desk.step(session, desk.budgets[0])
    calls = len(fake.calls)
    question = {"scene": session.scene, "x": 0.2, "y": 0.3, "budget": 0.6}
    message = pixel_message(desk, session, question)
    assert len(fake.calls) == calls
    assert message["scene"] == session.scene
    assert message["html"].count('<th scope="col" class="') == 2


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"x": 0.5, "y": 0.5},
        {"x": 0.5, "y": 0.5, "budget": "x"},
        {"x": 2, "y": 0.5, "budget": 0.6},
        {"x": float("nan"), "y": 0.5, "budget": 0.6},
        {"x": "<b>", "y": 0.5, "budget": 0.6},
        {"x": None, "y": [], "budget": 0.6},
        {"x": 10**400, "y": 0.5, "budget": 0.6},
        {"x": 0.5, "y": 0.5, "budget": 10**400},
    ],
)
def test_odd_questions_are_answered_in_words(
    desk: Desk, session: Session, question: dict[str, Any]
) -> None:
    html = pixel_message(desk, session, question | {"scene": session.scene})["html"]
    assert "could not be read" in html and "<b>" not in html


@pytest.mark.parametrize("message", [pixel_message, two_message, change_message])
def test_a_forgotten_photo_is_said_to_be_forgotten(
    desk: Desk, session: Session, message: Callable[..., dict[str, Any]]
) -> None:
    question = {"scene": session.scene, "name": "a", "x": 0.5, "y": 0.5, "budget": 0.6}
    told = message(desk, Session(), question)
    assert "holds no photo" in told["html"]
    # By these the browser, which still shows the photo, knows what is answered.
    assert (told["scene"], told["name"], told["failed"]) == (session.scene, "a", True)
    # Of another photo that has come in between nothing is said.
    assert "html" not in message(desk, session, question | {"scene": "another"})


def test_a_story_says_which_budgets_could_not_be_kept(desk: Desk, session: Session) -> None:
    assert session.answer is not None
    small = dataclasses.replace(session, memory=Memory(limit=5 * size_of(session.answer)))
    for budget in desk.budgets:
        step_message(desk, small, {"scene": session.scene, "budget": budget})
    question = {"scene": session.scene, "x": 0.5, "y": 0.5, "budget": desk.budgets[-1]}
    html = pixel_message(desk, small, question)["html"]
    columns = html.count('<th scope="col" class="')
    assert 1 < columns < len(desk.budgets)
    assert f"{len(desk.budgets) - columns} others are left out" in html
    # Of those that were never computed there is nothing to say.
    assert "left out" not in pixel_message(desk, session, question)["html"]
