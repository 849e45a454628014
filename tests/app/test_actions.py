"""What a visitor can do, and what happens when it goes wrong."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.actions import Desk
from app.memory import size_of
from app.session import Session
from app.wish import Wish, check_budget
from pag import LABEL_SETS, BudgetError, InputError, PAGConfig, WeightsError
from tests.app.fake import FLOOR, FakePredictor
from tests.app.photos import BAD, bad_files, write_photo, write_rotated

BAD_BUDGETS = [
    None,
    math.nan,
    math.inf,
    -math.inf,
    7,
    1.01,
    -0.5,
    0,
    0.1,
    "abc",
    "0.5",
    True,
    [0.5],
]


def test_a_photo_is_answered_with_the_settings(
    desk: Desk, fake: FakePredictor, photo_file: Path
) -> None:
    after = desk.open(Session(), str(photo_file), Wish(0.5, "adaptive", "dense", 320, "street"))
    assert fake.calls == [(0.5, "adaptive", "dense", 320, "street")]
    assert after.message == ""
    assert after.answer is not None
    assert after.answer.image_size == (90, 120)
    assert after.answer.budget_achieved == pytest.approx(0.5, abs=0.02)
    assert after.answer.classes == LABEL_SETS["street"]


def test_photos_are_upright_and_without_metadata(desk: Desk, tmp_path: Path) -> None:
    after = desk.open(Session(), write_rotated(tmp_path / "r.jpg"), Wish())
    assert after.answer is not None
    assert after.answer.image_size == (100, 60)


@pytest.mark.parametrize("value", BAD_BUDGETS, ids=repr)
def test_a_bad_budget_is_explained_and_the_answer_stays(
    desk: Desk, fake: FakePredictor, photo_file: Path, value: Any
) -> None:
    before = desk.open(Session(), photo_file, Wish())
    after = desk.adjust(before, Wish(budget=value))
    assert "budget" in after.message
    assert "0.20 to 1" in after.message
    assert after.answer is before.answer
    assert after.photo is before.photo
    assert len(fake.calls) == 1
    assert desk.open(Session(), photo_file, Wish(budget=value)).message == after.message


@pytest.mark.parametrize(
    ("value", "used"),
    [(1, 1.0), (1.0, 1.0), (0.2, FLOOR), (0.196, FLOOR), (0.6049, 0.6), (np.float32(0.7), 0.7)],
)
def test_good_budgets(value: Any, used: float) -> None:
    assert check_budget(value, FLOOR) == pytest.approx(used)


def test_a_whole_number_too_large_for_a_float_is_no_budget() -> None:
    with pytest.raises(BudgetError, match=r"expected a number from 0\.20 to 1"):
        check_budget(10**400, FLOOR)


def test_no_budget_is_below_a_floor_that_lies_between_steps() -> None:
    assert check_budget(0.31, 0.313) == 0.313
    with pytest.raises(BudgetError):
        check_budget(0.30, 0.313)


@pytest.mark.parametrize("what", BAD)
def test_a_bad_photo_is_explained_and_the_answer_stays(
    desk: Desk, photo_file: Path, tmp_path: Path, what: str
) -> None:
    before = desk.open(Session(), photo_file, Wish())
    after = desk.open(before, str(bad_files(tmp_path)[what]), Wish())
    assert after.answer is before.answer
    assert after.photo is before.photo
    assert len(after.message) > 20
    for secret in ("<", "onerror", str(tmp_path), "Traceback"):
        assert secret not in after.message
    mended = desk.adjust(after, Wish(budget=0.4))
    assert mended.message == ""


@pytest.mark.parametrize(
    "source", [None, "", 5, {"path": "x"}, "/no/such/file", "https://a.b/c.png"]
)
def test_what_is_no_file_is_explained(desk: Desk, source: Any) -> None:
    after = desk.open(Session(), source, Wish())
    assert after.message
    assert after.answer is None
    with pytest.raises(InputError):
        desk.analyse(source, Wish())


@pytest.mark.parametrize(
    "wish",
    [
        Wish(policy="greedy"),
        Wish(policy=None),
        Wish(execution="turbo"),
        Wish(size=481),
        Wish(size="480"),
        Wish(size=[480]),
        Wish(labels="space"),
    ],
)
def test_choices_that_are_not_on_offer(desk: Desk, photo_file: Path, wish: Wish) -> None:
    after = desk.open(Session(), photo_file, wish)
    assert "expected one of" in after.message
    assert after.answer is None


def test_without_a_photo_the_slider_says_so(desk: Desk) -> None:
    after = desk.adjust(Session(), Wish())
    assert "no photo" in after.message
    assert after.answer is None


@pytest.mark.parametrize(
    "error", [InputError("too odd"), BudgetError("too low"), WeightsError("x")]
)
def test_what_the_network_refuses_becomes_a_message(
    desk: Desk, fake: FakePredictor, photo_file: Path, error: Exception
) -> None:
    before = desk.open(Session(), photo_file, Wish())
    fake.fail = error
    after = desk.adjust(before, Wish(budget=0.9))
    assert after.message == str(error)
    assert after.answer is before.answer
    assert desk.adjust(after, Wish(budget=0.9)).message == ""


def test_faults_of_the_program_are_not_hidden(
    desk: Desk, fake: FakePredictor, photo_file: Path
) -> None:
    fake.fail = RuntimeError("a bug")
    with pytest.raises(RuntimeError):
        desk.open(Session(), photo_file, Wish())


def test_known_answers_are_not_computed_again(
    desk: Desk, fake: FakePredictor, photo_file: Path
) -> None:
    first = desk.open(Session(), photo_file, Wish(budget=0.6))
    second = desk.adjust(first, Wish(budget=0.8))
    third = desk.adjust(second, Wish(budget=0.6004))
    assert third.answer is first.answer
    assert len(fake.calls) == 2
    again = desk.open(third, photo_file, Wish(budget=0.8))
    assert again.answer is second.answer
    assert len(fake.calls) == 2


@pytest.mark.parametrize(
    "other",
    [
        Wish(budget=0.61),
        Wish(policy="adaptive"),
        Wish(execution="dense"),
        Wish(size=320),
        Wish(labels="indoor"),
    ],
)
def test_other_settings_are_another_question(
    desk: Desk, fake: FakePredictor, photo_file: Path, other: Wish
) -> None:
    before = desk.open(Session(), photo_file, Wish(budget=0.6))
    after = desk.adjust(before, other)
    assert after.answer is not before.answer
    assert len(fake.calls) == 2


def test_another_photo_is_another_question(
    desk: Desk, fake: FakePredictor, photo_file: Path, tmp_path: Path
) -> None:
    before = desk.open(Session(), photo_file, Wish())
    other = write_photo(tmp_path / "other.png", seed=7)
    after = desk.open(before, other, Wish())
    assert len(fake.calls) == 2
    assert after.photo is not None and before.photo is not None
    assert after.photo.digest != before.photo.digest


def test_only_so_much_is_remembered(desk: Desk, fake: FakePredictor, photo_file: Path) -> None:
    session = desk.open(Session(), photo_file, Wish(budget=0.3))
    assert session.answer is not None
    session.memory.limit = 4 * size_of(session.answer)
    for step in range(6):
        session = desk.adjust(session, Wish(budget=0.4 + step / 100))
    assert len(session.memory) == 4
    calls = len(fake.calls)
    desk.adjust(session, Wish(budget=0.3))
    assert len(fake.calls) == calls + 1


def test_another_working_size_decodes_the_file_again(desk: Desk, tmp_path: Path) -> None:
    large = write_photo(tmp_path / "large.png", 700, 1000)
    small = desk.open(Session(), large, Wish(size=320))
    assert small.answer is not None and small.answer.image.shape == (224, 320, 3)
    large.unlink()  # the session does not depend on the temporary file
    grown = desk.adjust(small, Wish(size=960))
    assert grown.message == ""
    assert grown.answer is not None and grown.answer.image.shape == (672, 960, 3)
    assert grown.answer.image_size == (700, 1000)


def test_only_the_pixels_that_the_network_saw_are_kept(desk: Desk, tmp_path: Path) -> None:
    after = desk.open(Session(), write_photo(tmp_path / "large.png", 700, 1000), Wish(size=320))
    assert after.photo is not None
    assert after.photo.picture.pixels.shape == (224, 320, 3)
    assert after.photo.picture.size == (700, 1000)


def test_the_endpoint_and_the_page_agree(desk: Desk, photo_file: Path) -> None:
    shown = desk.open(Session(), photo_file, Wish(budget=0.5)).answer
    called = desk.analyse(str(photo_file), Wish(budget=0.5))
    assert shown is not None and shown.depth is not None and called.depth is not None
    assert np.array_equal(shown.depth, called.depth)
    assert shown.budget_achieved == called.budget_achieved


def test_sessions_are_frozen(desk: Desk, photo_file: Path) -> None:
    session = desk.open(Session(), photo_file, Wish())
    with pytest.raises(FrozenInstanceError):
        session.answer = None  # type: ignore[misc]


def test_a_good_action_clears_the_message(desk: Desk, photo_file: Path) -> None:
    session = desk.open(Session(), photo_file, Wish())
    assert desk.adjust(replace(session, message="old"), Wish(budget=0.7)).message == ""


def test_label_sets_follow_the_network(fake: FakePredictor) -> None:
    assert Desk(fake).label_sets == ("street", "indoor", "all")
    fake.config = PAGConfig(classes=LABEL_SETS["street"])
    assert Desk(fake).label_sets == ("street", "all")


def test_the_page_opens_at_a_budget_that_can_be_met(fake: FakePredictor) -> None:
    assert Desk(fake).first_budget == 0.6
    for floor, first in ((0.58, 0.75), (0.9, 0.94), (0.999, 1.0)):  # never right above the floor
        fake.floor = floor
        assert Desk(fake).first_budget == first
