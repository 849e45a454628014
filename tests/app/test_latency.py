"""What a budget takes: said beside the numbers, measured behind what visitors ask for."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from app import measuring
from app.actions import Desk
from app.frames import frame_message, step_message
from app.measuring import QUIET, Measuring
from app.session import Session
from app.turn import Turn
from app.views import latency
from app.views.agreement import entry
from app.wish import Wish
from pag import Inference
from tests.app.fake import FakePredictor

Around = Callable[[], AbstractContextManager[object]]
PATIENCE = 20.0


def lasting(record: Inference, seconds: float, **predicted: float) -> Inference:
    return dataclasses.replace(
        record, seconds={"network": seconds, "total": seconds}, seconds_predicted=predicted
    )


# ---------------------------------------------------------------- in words


def test_measured_times_are_set_beside_full_budget(
    make_inference: Callable[..., Inference],
) -> None:
    full = lasting(make_inference(budget=1.0), 1.25)
    answer = lasting(make_inference(budget=0.6), 0.8)
    told = latency.measured(answer, full)
    assert "<strong>800 ms</strong> here, 1.25 s at full budget: <strong>64%</strong>" in told
    assert "full budget" in latency.measured(full, full)
    assert "does something else" not in told
    slower = latency.measured(lasting(answer, 1.5), full)
    assert "<strong>120%</strong>" in slower and "does something else" in slower
    message = entry(answer, full, 0.6)
    assert message["html"]["time"] == told
    assert message["values"]["time"] == pytest.approx(800)


def test_until_then_the_machines_table_speaks(make_inference: Callable[..., Inference]) -> None:
    record = make_inference(budget=0.6)
    told = latency.predicted(lasting(record, 0.8, network=0.09, full=0.12))
    assert "120 ms at full budget: <strong>75%</strong>" in told
    assert latency.predicted(record) == ""
    full = lasting(make_inference(budget=1.0), 0.8, network=0.12, full=0.12)
    assert latency.predicted(full) == ""


def test_the_measured_time_comes_with_full_budget(desk: Desk, photo_file: Path) -> None:
    session = desk.open(Session(), photo_file, Wish(budget=0.6))
    assert session.answer is not None
    early = frame_message(session.answer, session, 0.6)
    assert early["fill"]["html"]["time"] == "" and early["agreements"] == []
    full = step_message(desk, session, {"scene": session.scene, "budget": 1.0})["frame"]
    times = {found["budget"]: found["html"]["time"] for found in full["agreements"]}
    assert "<strong>60%</strong> of its time" in times[0.6]  # the stand-in takes its share of time
    assert "time is compared" in times[1.0]


# ---------------------------------------------------------------- behind everybody


class Clock:
    """A clock that sleeping moves; `visits` are called, one at each sleep."""

    def __init__(self) -> None:
        self.now = 0.0
        self.visits: list[Callable[[], object]] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.visits:
            self.visits.pop(0)()


def test_it_begins_after_the_first_answer_once_and_in_quiet() -> None:
    clock, passes = Clock(), []

    def learn(around: Around) -> None:
        for _ in range(3):
            with around():
                passes.append(clock.now)

    one = Measuring(learn, Turn(), lambda: clock.now, clock.sleep)
    one.wait()
    assert passes == []
    # Somebody asks twice while it waits: the quiet begins anew.
    clock.visits = [one.answered, one.answered]
    one.answered()
    one.wait()
    assert len(passes) == 3 and passes[0] >= QUIET + measuring.LOOK
    one.answered()
    one.wait()
    assert len(passes) == 3


def test_whoever_comes_goes_before_the_next_pass() -> None:
    clock, turn, log = Clock(), Turn(), []
    inside, leave = threading.Event(), threading.Event()

    def learn(around: Around) -> None:
        for name in ("pass 1", "pass 2"):
            with around():
                log.append(name)
                inside.set()
                assert leave.wait(PATIENCE)

    def ask() -> None:
        with turn.now():
            log.append("visitor")

    clock.now = 100.0
    one = Measuring(learn, turn, lambda: clock.now, clock.sleep)
    one.answered()
    assert inside.wait(PATIENCE)
    visitor = threading.Thread(target=ask, daemon=True)
    visitor.start()
    deadline = time.monotonic() + PATIENCE
    while not turn._waiting and time.monotonic() < deadline:
        time.sleep(0.001)
    leave.set()
    visitor.join(PATIENCE)
    one.wait()
    assert log == ["pass 1", "visitor", "pass 2"]


def test_a_desk_measures_once_and_a_failure_costs_nothing(
    fake: FakePredictor,
    photo_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(measuring, "QUIET", 0.0)
    begun = []

    def learn(around: Around) -> None:
        with around():
            begun.append(True)
            raise RuntimeError("no clock")

    desk = Desk(fake, learn=learn)
    assert desk.measuring is not None
    session = desk.open(Session(), photo_file, Wish(budget=0.6))
    desk.measuring.wait()
    assert begun == [True] and "measuring this machine failed" in caplog.text
    session = desk.adjust(session, Wish(budget=0.8))
    assert session.answer is not None and not session.message
    desk.measuring.wait()
    assert begun == [True]


def test_nobody_measures_unasked(desk: Desk) -> None:
    assert desk.measuring is None
