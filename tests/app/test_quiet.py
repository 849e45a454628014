"""Times taken again in quiet: the quicker pass counts, and nobody waits for it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from app.actions import Desk
from app.asides import times_message
from app.quiet import time_again
from app.session import Session
from app.wish import Wish
from tests.app.fake import PATIENCE, FakePredictor
from tests.app.photos import write_photo


@pytest.fixture
def session(desk: Desk, fake: FakePredictor, photo_file: Path) -> Session:
    """A photo whose passes at 0.5 and 1 took half a second each; it is quiet at once."""
    fake.seconds = 0.5
    desk.quiet_after = 0.0
    opened = desk.open(Session(), photo_file, Wish(0.5))
    desk.step(opened, 1.0)
    return opened


def seconds(session: Session) -> list[float]:
    """Of the network, the budgets rising."""
    known = sorted(session.known(), key=lambda pair: pair[0])
    return [answer.seconds["network"] for _, answer in known]


@pytest.mark.parametrize("again", [0.1, 0.9])
def test_the_quicker_pass_counts_and_all_else_stays(
    desk: Desk, fake: FakePredictor, session: Session, again: float
) -> None:
    before = dict(session.known())
    fake.seconds = again
    assert time_again(desk, session) == [0.5, 1.0]
    assert seconds(session) == [min(0.5, again)] * 2
    for budget, answer in session.known():
        assert answer.depth is before[budget].depth
        assert answer.macs_executed == before[budget].macs_executed


def test_each_answer_is_timed_again_once(desk: Desk, fake: FakePredictor, session: Session) -> None:
    calls = len(fake.calls)
    assert time_again(desk, session) == [0.5, 1.0] and time_again(desk, session) == []
    assert [call[0] for call in fake.calls[calls:]] == [0.5, 1.0]
    desk.step(session, 0.8)
    assert time_again(desk, session) == [0.8]
    assert [call[0] for call in fake.calls[calls + 2 :]] == [0.8, 0.8]


def test_the_visitors_own_request_ends_it(
    desk: Desk, fake: FakePredictor, session: Session
) -> None:
    calls = len(fake.calls)
    with session.memory.interrupt():
        assert time_again(desk, session) is None
    assert len(fake.calls) == calls


def test_whoever_else_asks_ends_it(
    desk: Desk, fake: FakePredictor, session: Session, tmp_path: Path
) -> None:
    other = write_photo(tmp_path / "other.png", seed=4)
    fake.brake.hold()
    asking = threading.Thread(target=desk.open, args=(Session(), other, Wish()), daemon=True)
    asking.start()
    fake.brake.until_waiting()
    assert not desk.quiet and time_again(desk, session) is None
    fake.brake.release()
    asking.join(PATIENCE)
    assert desk.quiet and time_again(desk, session) == [0.5, 1.0]


def test_it_is_quiet_some_time_after_the_last_answer(
    desk: Desk, fake: FakePredictor, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.quiet_after = 1.0
    desk.step(session, 0.8)
    now = time.monotonic()
    assert time_again(desk, session) is None
    monkeypatch.setattr(time, "monotonic", lambda: now + 1.0)
    assert time_again(desk, session) == [0.5, 0.8, 1.0], "timing is no answer itself"


def test_where_the_network_has_a_processor_of_its_own_nothing_is_timed_again(
    fake: FakePredictor, photo_file: Path
) -> None:
    fake.device = "cuda"
    desk = Desk(fake)
    opened = desk.open(Session(), photo_file, Wish(0.5))
    assert time_again(desk, opened) == []
    assert len(fake.calls) == 1
    message = times_message(desk, opened, {"scene": opened.scene})
    assert message["later"] is False and "times" not in message


def test_only_the_scene_in_use_is_timed(
    desk: Desk, fake: FakePredictor, session: Session, tmp_path: Path
) -> None:
    after = desk.open(session, write_photo(tmp_path / "other.png", seed=4), Wish(0.5))
    calls = len(fake.calls)
    assert time_again(desk, after) == [0.5]
    assert len(fake.calls) == calls + 1


def test_what_is_forgotten_meanwhile_stays_forgotten(
    desk: Desk, fake: FakePredictor, session: Session
) -> None:
    calls = len(fake.calls)
    fake.brake.hold()
    timing = threading.Thread(target=time_again, args=(desk, session), daemon=True)
    timing.start()
    fake.brake.until_waiting()
    session.memory.forget()
    fake.brake.release()
    timing.join(PATIENCE)
    assert len(session.memory) == 0
    assert len(fake.calls) == calls + 1


def test_the_page_is_told_all_that_it_says_of_time(
    desk: Desk, fake: FakePredictor, session: Session
) -> None:
    question = {"scene": session.scene, "name": "times"}
    fake.seconds = 0.125
    message = times_message(desk, session, question)
    assert (message["scene"], message["name"]) == (session.scene, "times")
    assert sorted(entry["budget"] for entry in message["times"]) == [0.5, 1.0]
    for entry in message["times"]:
        assert "125 ms" in entry["html"]["numbers"]
        assert "125 ms" in entry["html"]["two-numbers"]
        assert "125.0" in entry["html"]["seconds"]
    assert [entry["values"]["time"] for entry in message["agreements"]] == [125.0, 125.0]
    assert times_message(desk, session, question | {"scene": "another"}).keys() == {"scene", "name"}


def test_the_page_is_asked_to_come_back(desk: Desk, session: Session) -> None:
    with session.memory.interrupt():
        message = times_message(desk, session, {"scene": session.scene})
    assert message["later"] is True and "times" not in message


def test_a_fault_leaves_the_times_as_they_are(
    desk: Desk, fake: FakePredictor, session: Session
) -> None:
    fake.fail = RuntimeError("secret internals")
    message = times_message(desk, session, {"scene": session.scene})
    assert message["failed"] is True and "secret" not in str(message)
    assert seconds(session) == [0.5, 0.5]
