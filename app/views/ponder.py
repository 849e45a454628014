"""Tab: where the compute goes."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app import content
from app.figures import ponder as figures
from app.session import Session


def build() -> list[gr.components.Component]:
    hint = gr.Markdown(content.PONDER_EMPTY, elem_classes="pag-explain")
    plot = gr.Plot(show_label=False, label=content.PONDER_TAB, elem_id="ponder-plot")
    return [hint, plot]


def render(session: Session) -> list[Any]:
    answer = session.answer
    if answer is None:
        return [content.PONDER_EMPTY, None]
    hint = content.PONDER_HINT.format(gates=len(answer.gates), mean=figures.mean_ponder(answer))
    return [hint, figures.ponder_figure(answer)]
