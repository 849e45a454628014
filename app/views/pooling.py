"""Tab: the pooling field chosen at every pixel."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components import Component

from app import content
from app.figures import dilations as figures
from app.session import Session
from app.views import markup


def build() -> list[Component]:
    """The explanation, the map, and its legend."""
    hint = gr.Markdown(content.POOLING_EMPTY, elem_classes="pag-explain")
    with gr.Row():
        with gr.Column(scale=3, min_width=280):
            picture = gr.Image(
                format="png",
                show_label=False,
                label=content.POOLING_TAB,
                interactive=False,
                buttons=["download", "fullscreen"],
                elem_id="dilation-map",
                elem_classes="pag-picture",
                alt_text=content.POOLING_ALT,
            )
        with gr.Column(scale=2, min_width=280):
            legend = gr.HTML(elem_id="dilation-legend", js_on_load=None)
    return [hint, picture, legend]


def render(session: Session) -> list[Any]:
    """One update for each of them."""
    answer = session.answer
    if answer is None:
        return [content.POOLING_EMPTY, None, ""]
    median = content.dilation_name(figures.median_dilation(answer))
    return [
        content.POOLING_HINT.format(median=median),
        figures.dilation_image(answer),
        markup.share_bars(figures.dilation_legend(answer)),
    ]
