"""What is asked beside the answer that is shown: one place's story, what to set next to it, what
painting changed, and the times of all budgets once it is quiet.

Each takes what the page's script asks, unchecked, and gives a message for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from app import content
from app.actions import Desk
from app.frames import known_agreements
from app.questions import echo
from app.quiet import time_again
from app.session import Session
from app.views import cost, markup, numbers, outputs, pixel, ponder, steering, two
from app.views.fill import merged
from app.words import steering as steering_words
from app.words import two as two_words
from pag import InputError, PAGError

logger = logging.getLogger(__name__)

BESIDE = (outputs, ponder, two)
"""The panels whose contents can be set beside each other."""
TIMED = (numbers, cost, two)
"""Those that say how long an answer took."""


def pixel_message(desk: Desk, session: Session, question: dict[str, Any]) -> dict[str, Any]:
    """The story of a place, `x` and `y` as shares of the picture, at `budget`."""

    def answer() -> dict[str, Any]:
        try:
            x, y = (float(question[axis]) for axis in "xy")
            if not (0.0 <= x <= 1.0 and 0.0 <= y <= 1.0):
                raise ValueError("outside")
            shown = desk.answer_at(session, question["budget"])
        except (PAGError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(content.PIXEL_FAILED) from error
        ready, forgotten = session.remembered(desk.budgets, shown)
        return {"html": pixel.story(shown, ready, x, y, forgotten)}

    return _told(session, question, answer, content.PIXEL_FAILED)


def two_message(desk: Desk, session: Session, question: dict[str, Any]) -> dict[str, Any]:
    """The photo in use with the setting `what` at `value`, at `budget`, as a frame."""

    def answer() -> dict[str, Any]:
        beside = desk.beside(
            session, question.get("budget"), question.get("what"), question.get("value")
        )
        fill = merged(view.fill(beside, session.first or beside) for view in BESIDE)
        return {"frame": {"scene": session.scene, "fill": fill.message()}}

    return _told(session, question, answer, two_words.FAILED)


def change_message(desk: Desk, session: Session, question: dict[str, Any]) -> dict[str, Any]:
    """What the painting on the photo changed at `budget`, in words."""

    def answer() -> dict[str, Any]:
        painted = session.settings.steering
        if painted is None:
            return {"html": ""}
        budget = question.get("budget")
        after = desk.answer_at(session, budget)
        before = desk.answer_at(session, budget, steering=None)
        return {"html": steering.change(before, after, painted.grid)}

    return _told(session, question, answer, steering_words.CHANGE_FAILED)


def times_message(desk: Desk, session: Session, question: dict[str, Any]) -> dict[str, Any]:
    """What the page says of time at every budget, once all passes have been timed in quiet.

    ``later`` asks the browser to try again: somebody has asked for something in between.
    """

    def answer() -> dict[str, Any]:
        timed = time_again(desk, session)
        if not timed:
            return {"later": timed is None}
        times = []
        for budget, known in session.known():
            fill = merged(view.fill(known, session.first or known) for view in TIMED)
            times.append({"budget": budget, "html": dict(fill.html)})
        return {"times": times, "agreements": known_agreements(session)}

    return _told(session, question, answer, content.UNEXPECTED)


def _told(
    session: Session,
    question: dict[str, Any],
    answer: Callable[[], dict[str, Any]],
    failed: str,
) -> dict[str, Any]:
    message = echo(question)
    if session.photo and question.get("scene") != session.scene:
        return message  # another photo has come in between
    try:
        if session.photo is None:
            raise InputError(content.NO_PHOTO)
        return message | answer()
    except PAGError as error:
        reason = str(error)
    except Exception:
        logger.exception("what was asked beside the answer failed")
        reason = failed
    return message | {"failed": True, "html": markup.notice(reason)}
