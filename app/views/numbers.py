"""The numbers beside the slider: asked for, achieved, spent, measured."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app import content
from app.views import latency, markup
from app.views.fill import Fill
from pag import Inference


def build(first: str = content.NOTHING_YET) -> Any:
    """`first` is what is said until there is an answer."""
    slots = (
        '<div data-slot="notice"></div><div data-slot="steered"></div>'
        '<div data-slot="preview" aria-live="off"></div>'
        f'<div data-slot="numbers">{markup.note(first)}</div>'
        f'<p class="pag-hint" data-slot="{latency.SLOT}"></p>'
    )
    return gr.HTML(slots, elem_id="numbers", js_on_load=markup.MOUNTED)


def fill(answer: Inference, first: Inference) -> Fill:
    """The facts of one answer."""
    del first
    html = {"numbers": numbers(answer), latency.SLOT: latency.predicted(answer)}
    return Fill(html=html)


def numbers(answer: Inference) -> str:
    """The facts of one answer as HTML."""
    height, width = answer.image_size
    seen_height, seen_width = answer.network_size
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
