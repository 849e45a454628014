"""The four outputs side by side, each with its legend or colour bar."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components import Component

from app import content
from app.figures import outputs as figures
from app.figures.raster import data_uri
from app.palette import DEPTH_MAP, css_gradient
from app.session import Session
from app.views import markup
from pag import Inference

CARDS = (
    ("segmentation", content.SEGMENTATION, content.SEGMENTATION_TASK,
     content.SEGMENTATION_HINT, content.SEGMENTATION_ALT),
    ("boundary", content.BOUNDARY, content.BOUNDARY_TASK,
     content.BOUNDARY_HINT, content.BOUNDARY_ALT),
    ("depth", content.DEPTH, content.DEPTH_TASK, content.DEPTH_HINT, content.DEPTH_ALT),
    ("normals", content.NORMALS, content.NORMALS_TASK,
     content.NORMALS_HINT, content.NORMALS_ALT),
)  # fmt: skip
"""(name, question, task, one line, alternative text) of each output."""


def build() -> list[Component]:
    """A picture and its legend for each of the four."""
    components: list[Component] = []
    with gr.Row(elem_id="outputs"):
        for name, question, task, hint, alt in CARDS:
            with gr.Column(elem_classes="pag-card", min_width=150):
                gr.HTML(markup.heading(question, task, hint), js_on_load=None)
                picture = gr.Image(
                    format="png",
                    show_label=False,
                    label=question,
                    interactive=False,
                    buttons=["download", "fullscreen"],
                    elem_id=f"output-{name}",
                    elem_classes="pag-picture",
                    alt_text=alt,
                )
                legend = gr.HTML(elem_id=f"legend-{name}", js_on_load=None)
                components += [picture, legend]
    return components


def render(session: Session) -> list[Any]:
    """One update for each of them."""
    answer = session.answer
    if answer is None:
        return [None, ""] * len(CARDS)
    return [
        figures.segmentation_overlay(answer),
        markup.legend(figures.class_legend(answer), content.SEGMENTATION_NONE),
        figures.boundary_image(answer),
        markup.colour_bar("linear-gradient(to right, #fff, #000)", content.BOUNDARY_SCALE),
        figures.depth_image(answer),
        _depth_bar(answer),
        figures.normals_image(answer),
        markup.picture(
            data_uri(figures.normals_key()), content.NORMALS_KEY_ALT, content.NORMALS_SCALE
        ),
    ]


def _depth_bar(answer: Inference) -> str:
    near, far = figures.depth_range(answer)
    values = {"near": near, "middle": (near + far) / 2, "far": far}
    ticks = [template.format(**values) for template in content.DEPTH_SCALE]
    return markup.colour_bar(css_gradient(DEPTH_MAP, reverse=True), ticks)
