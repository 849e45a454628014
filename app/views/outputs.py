"""The four outputs side by side, each with its legend or colour bar."""

from __future__ import annotations

import math
from typing import Any

import gradio as gr

from app import content
from app.figures import cloud
from app.figures import outputs as figures
from app.figures.raster import data_uri
from app.palette import DEPTH_MAP, class_colours, colormap_table, css_gradient
from app.views import markup
from app.views.fill import Fill
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


def build() -> Any:
    """Four cards, each with slots for a picture and its legend."""
    cards = "".join(
        f'<section class="pag-card" id="output-{name}">'
        f"{markup.heading(question, task, hint)}"
        f"{markup.view(name, question, alt, over_photo=name == 'segmentation')}"
        f'<div id="legend-{name}" data-slot="legend-{name}"></div>'
        f"{_space_controls() if name == 'depth' else ''}"
        f'<p class="pag-agreement pag-hint" data-slot="agreement-{name}"></p></section>'
        for name, question, task, hint, alt in CARDS
    )
    return gr.HTML(
        f'{_compare_switch()}<div class="pag-cards">{cards}</div>',
        elem_id="outputs",
        js_on_load=markup.MOUNTED,
    )


def scene(first: Inference) -> Fill:
    """The legends that hold at every budget, and how to read a value off a colour."""
    near, far = figures.depth_range(first)
    return Fill(
        html={
            f"legend-{task}": legend(task, first, first)
            for task in ("boundary", "depth", "normals")
        },
        data={
            "classes": [
                [*colour, name]
                for name, colour in zip(first.classes, class_colours(first.classes), strict=True)
            ],
            "cloud": cloud.cloud_scene(first),
            "depth": {
                "near": near,
                "far": far,
                "metres": figures.depth_levels((near, far)).round(4).tolist(),
                "colours": colormap_table(DEPTH_MAP)[::-1].tolist(),
            },
        },
    )


def fill(answer: Inference, first: Inference) -> Fill:
    """The four pictures; depth in the colours of the scene's first answer."""
    return Fill(
        html={"legend-segmentation": legend("segmentation", answer, first)},
        pictures={
            "segmentation": figures.segmentation_image(answer),
            "boundary": figures.boundary_image(answer),
            "depth": figures.depth_image(answer, figures.depth_range(first)),
            "normals": figures.normals_image(answer),
        },
    )


def legend(task: str, answer: Inference, first: Inference) -> str:
    """How the picture of a task is read: its colours, with names or numbers.

    Args:
        task: one that was asked for.
        answer: what the picture shows.
        first: the scene's first answer, whose span of depth the colours follow.
    """
    if task == "segmentation":
        return markup.legend(figures.class_legend(answer), content.SEGMENTATION_NONE)
    if task == "boundary":
        return markup.colour_bar("linear-gradient(to right, #fff, #000)", content.BOUNDARY_SCALE)
    if task == "depth":
        return _depth_bar(*figures.depth_range(first))
    ball = data_uri(figures.normals_key())
    return markup.picture(ball, content.NORMALS_KEY_ALT, content.NORMALS_SCALE)


def _depth_bar(near: float, far: float) -> str:
    values = {"near": near, "middle": math.sqrt(near * far), "far": far}
    ticks = [template.format(**values) for template in content.DEPTH_SCALE]
    return markup.colour_bar(css_gradient(DEPTH_MAP, reverse=True), ticks)


def _compare_switch() -> str:
    return (
        '<div class="pag-compare"><label><input type="checkbox" role="switch" id="compare"> '
        f'{content.outputs.COMPARE}</label><span id="compare-note" role="status"></span></div>'
    )


def _space_controls() -> str:
    words = content.outputs
    modes = "".join(
        f'<label><input type="radio" name="space" value="{mode}"'
        f"{' checked' if mode == 'picture' else ''}> {label}</label>"
        for mode, label in words.SPACE_MODES.items()
    )
    return (
        f'<div class="pag-controls pag-space-controls"><fieldset id="space"><legend>{words.SPACE}'
        f'</legend>{modes}</fieldset><span id="space-tools" hidden>'
        f'<button type="button" id="space-turn" aria-pressed="false">{words.SPACE_TURN}</button>'
        f'<button type="button" id="space-front">{words.SPACE_RESET}</button></span></div>'
        '<p class="pag-hint" data-slot="space-note"></p>'
    )
