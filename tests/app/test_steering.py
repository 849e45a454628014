"""What is painted reaches the network; what it changed is told; answers are set side by side."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.actions import Desk
from app.asides import change_message, two_message
from app.figures.steering import painted_shares, ponder_changes
from app.frames import scene_message
from app.session import Session
from app.steering import CELLS, read_painting
from app.wish import Wish
from pag import Inference, InputError, WeightsError
from tests.app.fake import FakePredictor
from tests.records import build_inference


def painting(value: float = 1, rows: int = 9, columns: int = 12) -> dict[str, Any]:
    """The left third is painted."""
    row = [value] * (columns // 3) + [0] * (columns - columns // 3)
    return {"rows": rows, "columns": columns, "cells": row * rows}


@pytest.fixture
def session(desk: Desk, photo_file: Path) -> Session:
    return desk.open(Session(), photo_file, Wish())


# ---------------------------------------------------------------- what arrives


def test_a_painting_is_a_map() -> None:
    steering = read_painting({"rows": 2, "columns": 3, "cells": [0, 1, 0, -1, 0.5, 0]})
    assert steering is not None
    assert steering.grid.tolist() == [[0, 1, 0], [-1, 0.5, 0]]
    assert painted_shares(steering.grid) == pytest.approx((2 / 6, 1 / 6))
    with pytest.raises(ValueError, match="read-only"):
        steering.grid[0, 0] = 1
    turned = read_painting({"rows": 3, "columns": 2, "cells": [0, 1, 0, -1, 0.5, 0]})
    assert turned is not None and turned != steering
    assert read_painting({"rows": 2, "columns": 3, "cells": [0, 1, 0, -1, 0.5, 0]}) == steering


@pytest.mark.parametrize("nothing", [None, painting(0), {"rows": 1, "columns": 1, "cells": [0.0]}])
def test_nothing_painted_is_no_map(nothing: Any) -> None:
    assert read_painting(nothing) is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("all", "list of cells"),
        ([1, 0], "list of cells"),
        ({}, "list of cells"),
        ({"rows": 2, "columns": 2, "cells": "0101"}, "list of cells"),
        ({"rows": 2.0, "columns": 2, "cells": [0] * 4}, "list of cells"),
        ({"rows": True, "columns": 1, "cells": [1]}, "list of cells"),
        ({"rows": 0, "columns": 2, "cells": []}, "list of cells"),
        ({"rows": -2, "columns": -2, "cells": [1] * 4}, "list of cells"),
        ({"rows": CELLS + 1, "columns": 1, "cells": [1] * (CELLS + 1)}, "at most 96 each"),
        ({"rows": 2, "columns": 2, "cells": [1, 0, 1]}, "3 painted cells .* 2 rows of 2"),
        ({"rows": 1, "columns": 2, "cells": [1, 2]}, "no number from -1"),
        ({"rows": 1, "columns": 2, "cells": [1, math.nan]}, "no number from -1"),
        ({"rows": 1, "columns": 2, "cells": [1, -math.inf]}, "no number from -1"),
        ({"rows": 1, "columns": 2, "cells": [1, True]}, "no number from -1"),
        ({"rows": 1, "columns": 2, "cells": [1, "<b>"]}, "no number from -1"),
        ({"rows": 1, "columns": 2, "cells": [1, [0]]}, "no number from -1"),
        ({"rows": 1, "columns": 2, "cells": [1, 10**400]}, "no number from -1"),
    ],
)
def test_what_is_no_painting_is_explained(
    desk: Desk, fake: FakePredictor, session: Session, wrong: Any, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        read_painting(wrong)
    after = desk.steer(session, wrong, 0.6)
    assert after.message and "<" not in after.message
    assert after.answer is session.answer
    assert len(fake.calls) == 1


# ---------------------------------------------------------------- sessions


def test_steering_is_a_scene_of_its_own(desk: Desk, fake: FakePredictor, session: Session) -> None:
    steered = desk.steer(session, painting(), 0.5)
    assert steered.message == ""
    given = fake.steers[-1]
    assert given is not None and given.shape == (9, 12) and given[:, :4].all()
    assert fake.calls[-1][0] == 0.5
    assert steered.answer is not None and steered.answer.steered == pytest.approx(1 / 3, abs=0.02)
    assert steered.answer.budget_achieved == pytest.approx(0.5, abs=0.01)
    other = desk.steer(steered, painting(-1), 0.5)
    assert len({session.scene, steered.scene, other.scene}) == 3
    # Colours that depend on the picture stay, so that the two can be compared.
    assert other.first is steered.first is session.first
    back = desk.steer(other, None, 0.6)
    assert back.scene == session.scene
    assert back.answer is session.answer  # remembered
    assert back.settings.steering is None


def test_steps_of_a_steered_sweep_are_steered(
    desk: Desk, fake: FakePredictor, session: Session
) -> None:
    steered = desk.steer(session, painting(), 0.6)
    answer = desk.step(steered, 0.8)
    assert answer is not None and answer.steered > 0
    assert fake.steers[-1] is not None
    assert desk.answer_at(steered, 0.8) is answer


def test_other_settings_keep_the_steering_and_another_photo_does_not(
    desk: Desk, session: Session, photo_file: Path
) -> None:
    steered = desk.steer(session, painting(), 0.6)
    adjusted = desk.adjust(steered, Wish(policy="adaptive", size=320))
    assert adjusted.settings.steering == steered.settings.steering
    assert adjusted.answer is not None and adjusted.answer.steered > 0
    assert desk.open(adjusted, photo_file, Wish()).settings.steering is None


def test_without_a_photo_there_is_nothing_to_steer(desk: Desk) -> None:
    assert "no photo" in desk.steer(Session(), painting(), 0.6).message


def test_the_scene_says_what_is_painted(desk: Desk, session: Session) -> None:
    plain = scene_message(session, desk.budgets)
    assert plain["fill"]["html"]["steered"] == ""
    found = plain["fill"]["data"]["painting"]
    assert (found["rows"], found["columns"], found["cells"]) == (72, 96, None)
    steered = desk.steer(session, painting(), 0.6)
    message = scene_message(steered, desk.budgets)
    found = message["fill"]["data"]["painting"]
    assert (found["rows"], found["columns"]) == (9, 12) and found["cells"]
    assert "33% of the photo is marked" in message["fill"]["html"]["steered"]
    assert "pag-unsteer" in message["fill"]["html"]["steered"]


# ---------------------------------------------------------------- what changed


def test_changes_are_counted_inside_and_outside() -> None:
    def record(left: int, right: int) -> Inference:
        layers = np.full((4, 6), right, np.uint8)
        layers[:, :2] = left
        return replace(build_inference(4, 6), ponder_layers=layers)

    grid = np.array([[1, 0, -1]], np.float32)
    changes = ponder_changes(record(4, 9), record(15, 6), grid)
    spend, skip, rest = (changes[name] for name in ("spend", "skip", "rest"))
    assert spend is not None and skip is not None and rest is not None
    assert (spend.share, spend.before, spend.after) == pytest.approx((1 / 3, 4, 15))
    assert (skip.before, skip.after) == (rest.before, rest.after) == (9, 6)
    assert ponder_changes(record(4, 9), record(15, 6), np.ones((1, 1), np.float32))["rest"] is None


def test_what_changed_is_told_in_numbers(desk: Desk, session: Session) -> None:
    steered = desk.steer(session, painting(), 0.6)
    asked = {"scene": steered.scene, "budget": 0.6, "name": "q"}
    told = change_message(desk, steered, asked)
    assert (told["scene"], told["name"]) == (steered.scene, "q")
    assert session.answer is not None and steered.answer is not None
    left = session.answer.image.shape[1] // 3
    after = steered.answer.ponder_layers[:, :left].mean()
    before = session.answer.ponder_layers[:, :left].mean()
    assert after > before + 2
    assert f"{after:.1f} of 15 layers" in told["html"]
    assert f"without your marks {before:.1f}" in told["html"]
    assert f"{steered.answer.budget_achieved:.3f} achieved" in told["html"]
    assert "skip here" not in told["html"]
    full = change_message(desk, steered, asked | {"budget": 1.0})
    assert "every layer runs everywhere" in full["html"]


def test_odd_questions_are_answered_without_a_fault(desk: Desk, session: Session) -> None:
    steered = desk.steer(session, painting(), 0.6)
    for message in (change_message, two_message):
        assert "html" not in message(desk, steered, {"scene": session.scene, "budget": 0.6})
        told = message(desk, steered, {"scene": steered.scene, "budget": "<b>", "name": ["x"]})
        assert told["name"] == "" and "pag-notice" in told["html"] and "<b>" not in told["html"]
    assert change_message(desk, session, {"scene": session.scene, "budget": 0.6})["html"] == ""


def test_a_fault_of_ours_is_told_without_its_words(
    desk: Desk, fake: FakePredictor, session: Session
) -> None:
    fake.fail = RuntimeError("secret")
    question = {"scene": session.scene, "budget": 0.9, "what": "policy", "value": "adaptive"}
    told = two_message(desk, session, question)
    assert "could not be computed" in told["html"] and "secret" not in told["html"]


# ---------------------------------------------------------------- two at once


def test_the_other_policy_is_set_beside(desk: Desk, fake: FakePredictor, session: Session) -> None:
    question = {"scene": session.scene, "budget": 0.6, "what": "policy", "value": "adaptive"}
    told = two_message(desk, session, question)
    assert fake.calls[-1][:2] == (0.6, "adaptive")
    frame = told["frame"]
    assert frame["fill"]["data"]["two"] == {"gates": 15, "policy": "adaptive"}
    assert {"segmentation", "boundary", "depth", "normals"} <= set(frame["fill"]["pictures"])
    assert "achieved" in frame["fill"]["html"]["two-numbers"]
    assert not any(name.startswith("mask-") for name in frame["fill"]["pictures"])  # not shown
    calls = len(fake.calls)
    two_message(desk, session, question)
    assert len(fake.calls) == calls  # remembered


def test_the_same_without_steering_is_set_beside(desk: Desk, session: Session) -> None:
    steered = desk.steer(session, painting(), 0.6)
    question = {"scene": steered.scene, "budget": 0.6, "what": "steering", "value": "none"}
    frame = two_message(desk, steered, question)["frame"]
    plain = scene_message(session, desk.budgets)
    assert frame["scene"] == steered.scene != plain["id"]
    assert desk.beside(steered, 0.6, "steering", None) is session.answer


def test_another_model_is_loaded_when_it_is_asked_for(photo_file: Path) -> None:
    loaded: list[FakePredictor] = []

    def load() -> FakePredictor:
        loaded.append(FakePredictor())
        loaded[-1].floor = 0.4
        return loaded[-1]

    desk = Desk(FakePredictor(), {"small": load})
    session = desk.open(Session(), photo_file, Wish())
    assert loaded == [] and desk.models.others == ("small",)
    assert scene_message(session, desk.budgets, desk.models.others)["models"] == ("small",)
    question = {"scene": session.scene, "budget": 0.6, "what": "model", "value": "small"}
    assert "frame" in two_message(desk, session, question)
    assert "frame" in two_message(desk, session, question | {"budget": 0.7})
    assert len(loaded) == 1 and [call[0] for call in loaded[0].calls] == [0.6, 0.7]
    told = two_message(desk, session, question | {"budget": 0.3})
    assert "from 0.40 to 1" in told["html"]  # what that network can be run at
    unknown = two_message(desk, session, question | {"value": "../secret"})
    assert "expected one of small" in unknown["html"]


def test_a_model_that_cannot_be_loaded_is_explained(photo_file: Path) -> None:
    def load() -> FakePredictor:
        raise WeightsError("The weights are damaged.")

    desk = Desk(FakePredictor(), {"small": load})
    session = desk.open(Session(), photo_file, Wish())
    question = {"scene": session.scene, "budget": 0.6, "what": "model", "value": "small"}
    assert "weights are damaged" in two_message(desk, session, question)["html"]


@pytest.mark.parametrize(
    ("what", "value"), [("size", 960), (None, None), (["policy"], "exact"), ("policy", "greedy")]
)
def test_what_cannot_be_set_beside_is_explained(
    desk: Desk, session: Session, what: Any, value: Any
) -> None:
    question = {"scene": session.scene, "budget": 0.6, "what": what, "value": value}
    assert "expected one of" in two_message(desk, session, question)["html"]
