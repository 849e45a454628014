"""What crosses to the browser: scenes and frames, ready for JSON.

A *scene* is a photo with all settings but the budget; it brings what stays the same while
the slider moves. A *frame* is everything that the page shows of one scene at one budget.
The browser keeps the frames of its scene, so that the slider needs no request.
"""

from __future__ import annotations

import logging
from typing import Any

from app.actions import Desk
from app.questions import echo
from app.session import Session
from app.sweep import sweep_order
from app.views import (
    agreement,
    cost,
    gates,
    numbers,
    outputs,
    ponder,
    pooling,
    quality,
    steering,
    two,
)
from app.views.fill import merged
from app.wish import check_budget
from pag import Inference, PAGError

logger = logging.getLogger(__name__)

FILLERS = (numbers, outputs, ponder, gates, pooling, cost, two)
"""The panels that change with the budget."""
SETTERS = (outputs, ponder, gates, pooling, quality)
"""Those that bring something that holds at every budget."""


def scene_message(
    session: Session, budgets: tuple[float, ...], models: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What stays the same while the slider moves.

    Args:
        session: one with an answer.
        budgets: of the sweep, rising.
        models: that can be set beside this one.
    """
    first = session.first
    assert first is not None, "a scene begins with its first answer"
    height, width = first.image.shape[:2]
    fill = merged([*(view.scene(first) for view in SETTERS), steering.scene(session)])
    return {
        "id": session.scene,
        "width": width,
        "height": height,
        "photo_width": first.image_size[1],
        "photo_height": first.image_size[0],
        "budgets": budgets,
        "order": sweep_order(budgets),
        "models": models,
        "settings": {
            name: getattr(session.settings, name)
            for name in ("policy", "size", "labels", "execution")
        },
        "fill": fill.message(),
    }


def frame_message(answer: Inference, session: Session, budget: float) -> dict[str, Any]:
    """Everything that the page shows of `answer`, in the colours of the session's scene.

    Args:
        answer: the record to show.
        session: whose scene it belongs to.
        budget: the one asked for, by which the browser finds the frame.
    """
    fill = merged(view.fill(answer, session.first or answer) for view in FILLERS)
    return {
        "scene": session.scene,
        "budget": budget,
        "agreements": _agreements(answer, session, budget),
        "fill": fill.message(),
    }


def _agreements(answer: Inference, session: Session, budget: float) -> list[dict[str, Any]]:
    """How close the frame comes to full budget; empty while that has not been computed.

    Full budget brings the agreement of all that were sent before it. An answer is remembered
    before its frame is made, so of two that come together at least one sees the other.
    """
    full = session.memory.recall(session.key_at(1.0))
    if full is not None and answer is not full:
        return agreement.entries([(budget, answer)], full)
    return known_agreements(session)


def known_agreements(session: Session) -> list[dict[str, Any]]:
    """How close every remembered answer of the scene comes to full budget, if that is known."""
    full = session.memory.recall(session.key_at(1.0))
    return agreement.entries(session.known(), full) if full else []


def step_message(desk: Desk, session: Session, question: dict[str, Any]) -> dict[str, Any]:
    """One more budget of the sweep: the frame, or why there is none.

    ``later`` asks the browser to try again: the visitor's own request comes first. A question
    about another scene than the session's is answered with nothing.
    """
    message = echo(question)
    if session.scene and question.get("scene") != session.scene:
        return message
    try:
        answer = desk.step(session, question.get("budget"))
        if answer is None:
            return message | {"later": True}
        budget = check_budget(question.get("budget"), desk.floor)
        message["frame"] = frame_message(answer, session, budget)
    except PAGError:
        return message | {"failed": True}
    except Exception:
        logger.exception("a step of the sweep failed")
        return message | {"failed": True}
    session.memory.first_time(session.key_at(budget))
    return message
