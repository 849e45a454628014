"""Tab: what each layer cost, and the time measured."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components import Component

from app import content
from app.figures import costs as figures
from app.session import Session
from app.views import markup


def build() -> list[Component]:
    """The explanation, the chart, and the table of seconds."""
    hint = gr.Markdown(content.COST_EMPTY, elem_classes="pag-explain")
    with gr.Row():
        with gr.Column(scale=4, min_width=300):
            plot = gr.Plot(show_label=False, label=content.COST_TAB, elem_id="cost-plot")
        with gr.Column(scale=1, min_width=200):
            seconds = gr.HTML(elem_id="seconds", js_on_load=None)
    return [hint, plot, seconds]


def render(session: Session) -> list[Any]:
    """One update for each of them."""
    answer = session.answer
    if answer is None:
        return [content.COST_EMPTY, None, ""]
    hint = content.COST_HINT.format(ungated=figures.ungated_macs(answer) / 1e9)
    rows = [(part, f"{seconds * 1000:.1f}") for part, seconds in answer.seconds.items()]
    timing = markup.table(content.SECONDS_CAPTION, content.SECONDS_HEAD, rows)
    return [hint, figures.cost_figure(answer), timing]
