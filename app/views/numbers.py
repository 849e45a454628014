"""The numbers beside the slider: asked for, achieved, spent, measured."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components import Component

from app import content
from app.session import Session
from app.views import markup
from pag import Inference


def build(first: str = content.NOTHING_YET) -> list[Component]:
    """`first` is what is said until there is an answer."""
    return [gr.HTML(markup.note(first), elem_id="numbers", js_on_load=None)]


def render(session: Session) -> list[Any]:
    """The facts of the answer, below what went wrong, if anything did."""
    known = numbers(session.answer) if session.answer else markup.note(content.NOTHING_YET)
    return [markup.notice(session.message) + known]


def numbers(answer: Inference) -> str:
    """The facts of one answer as HTML."""
    height, width = answer.image_size
    seen_height, seen_width = answer.image.shape[:2]
    rows = (
        (content.REQUESTED, f"{answer.budget_requested:.2f}"),
        (content.ACHIEVED, f"{answer.budget_achieved:.3f}"),
        (
            content.COMPUTE,
            content.COMPUTE_VALUE.format(
                executed=answer.macs_executed / 1e9, dense=answer.macs_dense / 1e9
            ),
        ),
        (
            content.TIME,
            content.TIME_VALUE.format(
                network=content.milliseconds(answer.seconds["network"]),
                total=content.milliseconds(answer.seconds["total"]),
            ),
        ),
        (
            content.RUN,
            content.RUN_VALUE.format(
                device=answer.device, execution=answer.execution, policy=answer.policy
            ),
        ),
        (
            content.SEEN,
            content.SEEN_VALUE.format(
                width=width, height=height, seen_width=seen_width, seen_height=seen_height
            ),
        ),
    )
    return markup.facts(rows, main=2)
