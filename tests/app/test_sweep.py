"""The sweep of budgets: which, in what order, and how it gives way."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app import frames
from app.actions import Desk
from app.figures.animation import sweep_animation, sweep_frame
from app.frames import frame_message, scene_message, step_message
from app.session import Session
from app.sweep import STEPS, sweep_budgets, sweep_order
from app.views import markup
from app.wish import Wish
from pag import BudgetError, Inference, InputError
from tests.app.fake import FLOOR, FakePredictor
from tests.app.photos import write_photo


@pytest.fixture
def session(desk: Desk, photo_file: Path) -> Session:
    return desk.open(Session(), photo_file, Wish())


@pytest.mark.parametrize("floor", [0.0, 0.2, 0.3, 0.313, 0.95, 1.0])
def test_budgets_rise_from_the_floor_to_everything(floor: float) -> None:
    budgets = sweep_budgets(floor)
    assert budgets[0] == floor
    assert budgets[-1] == 1.0
    assert all(a < b for a, b in itertools.pairwise(budgets))
    assert len(budgets) <= STEPS
    if floor < 0.8:
        assert len(budgets) == STEPS
        gaps = np.diff(budgets)
        assert gaps.max() < 1.35 * gaps.min()


@pytest.mark.parametrize("floor", [0.3, 0.95, 1.0])
def test_the_order_has_every_budget_once_and_the_ends_first(floor: float) -> None:
    budgets = sweep_budgets(floor)
    order = sweep_order(budgets)
    assert sorted(order) == list(budgets)
    assert set(order[:2]) == {floor, 1.0}


def test_half_a_sweep_covers_the_range() -> None:
    order = sweep_order(sweep_budgets(0.3))
    for budget in np.linspace(0.3, 1.0, 50):
        assert min(abs(budget - known) for known in order[:6]) < 0.13


def test_a_step_adds_to_the_memory_and_leaves_the_session(
    desk: Desk, fake: FakePredictor, session: Session
) -> None:
    shown = session.answer
    answer = desk.step(session, 0.9)
    assert answer is not None
    assert fake.calls[-1][0] == 0.9
    assert session.answer is shown
    calls = len(fake.calls)
    assert desk.step(session, 0.9) is answer
    assert desk.adjust(session, Wish(budget=0.9)).answer is answer
    assert len(fake.calls) == calls


def test_a_step_gives_way_to_the_visitors_own_request(
    desk: Desk, fake: FakePredictor, session: Session
) -> None:
    calls = len(fake.calls)
    with session.memory.interrupt():
        assert desk.step(session, 0.9) is None
        assert step_message(desk, session, {"scene": session.scene, "budget": 0.9})["later"] is True
        # What is there already costs nobody any time.
        assert desk.step(session, 0.6) is session.answer
    assert len(fake.calls) == calls


@pytest.mark.parametrize("budget", [None, "x", 7, float("nan")])
def test_a_step_checks_its_budget(desk: Desk, session: Session, budget: Any) -> None:
    with pytest.raises(BudgetError):
        desk.step(session, budget)
    assert step_message(desk, session, {"scene": session.scene, "budget": budget})["failed"] is True


def test_a_step_needs_a_photo(desk: Desk) -> None:
    with pytest.raises(InputError):
        desk.step(Session(), 0.9)
    assert "failed" in step_message(desk, Session(), {"scene": "", "budget": 0.9})


def test_a_step_for_another_photo_computes_nothing(
    desk: Desk, fake: FakePredictor, session: Session, tmp_path: Path
) -> None:
    after = desk.open(session, write_photo(tmp_path / "other.png", seed=4), Wish())
    calls = len(fake.calls)
    message = step_message(desk, after, {"scene": session.scene, "budget": 0.9})
    assert "frame" not in message and len(fake.calls) == calls
    assert after.scene != session.scene


def test_a_fault_in_a_step_is_no_secret_and_no_end(
    desk: Desk, fake: FakePredictor, session: Session
) -> None:
    fake.fail = RuntimeError("secret internals")
    message = step_message(desk, session, {"scene": session.scene, "budget": 0.9})
    assert message["failed"] is True
    assert "secret" not in str(message)
    assert "frame" in step_message(desk, session, {"scene": session.scene, "budget": 0.9})


def test_a_frame_that_cannot_be_made_is_a_step_that_failed(
    desk: Desk, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = {"scene": session.scene, "budget": 0.9}
    with monkeypatch.context() as patch:
        patch.setattr(frames, "merged", lambda fills: 1 / 0)
        assert step_message(desk, session, question)["failed"] is True
    assert not session.memory.was_sent(session.key_at(0.9))
    assert "frame" in step_message(desk, session, question)
    assert session.memory.was_sent(session.key_at(0.9))


@pytest.mark.parametrize("name", [None, 7, ["x"], "x" * 10_000])
def test_an_answer_repeats_what_it_is_for(desk: Desk, session: Session, name: Any) -> None:
    question = {"scene": session.scene, "budget": 0.9, "name": "0.9, please"}
    message = step_message(desk, session, question)
    assert (message["scene"], message["name"]) == (session.scene, "0.9, please")
    assert step_message(desk, session, question | {"name": name})["name"] == ""


def test_of_two_equal_messages_both_arrive() -> None:
    channel = markup.channel("sweep")
    first, second = (channel.postprocess({"later": True}) for _ in range(2))
    assert first != second
    assert first["later"] and second["later"]
    assert channel.postprocess(None) is None


def test_scenes_change_with_everything_but_the_budget(desk: Desk, session: Session) -> None:
    assert desk.adjust(session, Wish(budget=0.8)).scene == session.scene
    assert desk.adjust(session, Wish(policy="adaptive")).scene != session.scene
    assert desk.adjust(session, Wish(size=320)).scene != session.scene


def test_colours_of_depth_hold_over_a_scene(desk: Desk, session: Session) -> None:
    moved = desk.adjust(session, Wish(budget=0.8))
    assert moved.first is session.first
    assert desk.adjust(moved, Wish(size=320)).first is not session.first


def test_messages_are_plain_and_whole(desk: Desk, session: Session) -> None:
    import json

    scene = json.loads(json.dumps(scene_message(session, desk.budgets)))
    assert scene["budgets"][0] == FLOOR
    assert (scene["width"], scene["height"]) == (120, 90)
    assert session.answer is not None
    frame = json.loads(json.dumps(frame_message(session.answer, session, 0.6)))
    assert frame["scene"] == scene["id"]
    pictures = frame["fill"]["pictures"]
    gates = scene["fill"]["data"]["gates"]
    assert {f"mask-{name}" for name in gates} <= set(pictures)
    assert all(address.startswith("data:image/png;base64,") for address in pictures.values())
    # Every slot that a frame fills exists: in a panel, or in what the scene brings.
    assert len(json.dumps(frame)) < 600_000


# ---------------------------------------------------------------- the animation


@pytest.mark.parametrize("kind", ["WebP", "GIF"])
def test_the_animation_goes_up_and_down_for_ever(
    make_inference: Callable[..., Inference], kind: str
) -> None:
    records = [make_inference(budget=budget) for budget in (0.3, 0.6, 0.8, 1.0)]
    with Image.open(io.BytesIO(sweep_animation(records, kind))) as picture:
        assert picture.format == kind.upper()
        assert getattr(picture, "n_frames", 1) == 6  # 4 up, 2 between them down
        assert picture.info["loop"] == 0
        first = np.asarray(picture.convert("RGB"), int)
        picture.seek(3)
        last = np.asarray(picture.convert("RGB"), int)
    assert picture.size == sweep_frame(records[0]).size
    # More budget, more compute drawn: the first panel gets brighter.
    panel = np.s_[30:126, :128]
    assert last[panel].mean() > first[panel].mean() + 10


@pytest.mark.parametrize("count", [1, 2])
def test_short_sweeps_can_be_saved(make_inference: Callable[..., Inference], count: int) -> None:
    records = [make_inference(budget=0.5 + i / 10) for i in range(count)]
    with Image.open(io.BytesIO(sweep_animation(records))) as picture:
        assert getattr(picture, "n_frames", 1) == count


def test_tasks_that_were_not_asked_for_leave_no_panel(
    make_inference: Callable[..., Inference],
) -> None:
    assert sweep_frame(make_inference(tasks=["depth"])).size == (256, 126)


def test_other_kinds_are_refused(make_inference: Callable[..., Inference]) -> None:
    with pytest.raises(ValueError, match="PNG"):
        sweep_animation([make_inference()], "PNG")
