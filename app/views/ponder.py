"""Tab: where the compute goes."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components import Component

from app import content
from app.figures import ponder as figures
from app.session import Session
from app.views import markup


def build() -> list[Component]:
    """The explanation, the map, and the histogram."""
    hint = gr.Markdown(content.PONDER_EMPTY, elem_classes="pag-explain")
    with gr.Row():
        with gr.Column(scale=3, min_width=280):
            plot = gr.Plot(show_label=False, label=content.PONDER_TAB, elem_id="ponder-plot")
        with gr.Column(scale=1, min_width=240):
            histogram = gr.HTML(elem_id="ponder-histogram", js_on_load=None)
    return [hint, plot, histogram]


def render(session: Session) -> list[Any]:
    """One update for each of them."""
    answer = session.answer
    if answer is None:
        return [content.PONDER_EMPTY, None, ""]
    hint = content.PONDER_HINT.format(gates=len(answer.gates), mean=figures.mean_ponder(answer))
    bars = markup.share_bars(
        figures.ponder_histogram(answer), title=content.PONDER_BARS, compact=True
    )
    return [hint, figures.ponder_figure(answer), bars]
