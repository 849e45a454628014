"""Answers beside the one that is shown: to be set next to it, or to tell what changed.

Each takes what the page's script asks, unchecked, and gives a message for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from app.actions import Desk
from app.session import Session
from app.views import markup, outputs, ponder, steering, two
from app.views.fill import merged
from app.words import steering as steering_words
from app.words import two as two_words
from pag import PAGError

logger = logging.getLogger(__name__)

BESIDE = (outputs, ponder, two)
"""The panels whose contents can be set beside each other."""


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


def _told(
    session: Session,
    question: dict[str, Any],
    answer: Callable[[], dict[str, Any]],
    failed: str,
) -> dict[str, Any]:
    # The browser finds by it what it waits for; it is told nothing that it did not say.
    name = question.get("name")
    message: dict[str, Any] = {
        "scene": session.scene,
        "name": name if isinstance(name, str) and len(name) < 200 else "",
    }
    if question.get("scene") != session.scene:
        return message
    try:
        return message | answer()
    except PAGError as error:
        return message | {"html": markup.notice(str(error))}
    except Exception:
        logger.exception("what was asked beside the answer failed")
        return message | {"html": markup.notice(failed)}
