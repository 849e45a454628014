"""Tab: quality against compute, of this photo and of held-out ones."""

from __future__ import annotations

import json
from functools import cache
from html import escape
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from app.content import outputs as words
from app.figures import quality as figures
from app.heldout import Heldout, Panel, read_heldout
from app.palette import METHOD_STYLES, Stroke
from app.views import markup
from app.views.fill import Fill
from app.views.terms import with_terms
from pag import TASKS, Inference

MARKERS = {
    "circle": "●", "triangle-down": "▼", "triangle-up": "▲", "square": "■",
    "diamond": "◆", "star": "★", "hexagon": "⬢", "x": "✖", "cross": "✚",
}  # fmt: skip
"""The marks of the charts as letters, for the legend."""


def build() -> Any:
    """Charts for this photo, which the page's script fills, and those of held-out ones."""
    here = "".join(_chart_here(task) for task in TASKS)
    return gr.HTML(
        f'<p class="pag-explain" data-slot="quality-hint">{words.QUALITY_EMPTY}</p>'
        f'<h3 class="pag-subtitle">{words.QUALITY_HERE}</h3>'
        f'<div class="pag-charts" id="quality-here">{here}</div>'
        f'<div class="pag-charts" id="quality-time">{_chart_here(figures.TIME)}</div>'
        f'<div id="quality-heldout">{heldout(_heldout_here())}</div>',
        elem_id="quality-panel",
        js_on_load=markup.MOUNTED,
    )


def scene(first: Inference) -> Fill:
    """The charts without values, and whether the held-out results are of this network."""
    known = _heldout_here()
    other = known is not None and known.checkpoint != first.checkpoint
    return Fill(
        html={
            "quality-hint": words.QUALITY_HINT,
            "heldout-other": words.HELDOUT_OTHER.format(running=escape(first.checkpoint))
            if other
            else "",
        },
        data={
            "quality": _charts_here(),
            "budget-range": figures.budget_range(first.budget_floor),
        },
    )


@cache
def _charts_here() -> dict[str, dict[str, Any]]:
    # Making them takes longer than all else that a new photo brings, and they are always the same.
    return {task: _plain(figures.agreement_figure(task)) for task in (*TASKS, figures.TIME)}


@cache
def _heldout_here() -> Heldout | None:
    # Every scene asks, and the files of a server stay what they are.
    return read_heldout()


def heldout(known: Heldout | None) -> str:
    """The held-out charts with their legend as HTML; one line where there are none."""
    title = f'<h3 class="pag-subtitle">{words.HELDOUT}</h3>'
    if known is None:
        return title + markup.note(words.HELDOUT_NONE)
    methods = dict.fromkeys(curve.method for panel in known.panels for curve in panel.curves)
    legend = "".join(f"<li>{_stroke(method)} {_name(method)}</li>" for method in methods)
    hint = words.HELDOUT_HINT.format(checkpoint=escape(known.checkpoint))
    charts = "".join(_chart_heldout(panel) for panel in known.panels)
    return (
        f'{title}<p class="pag-explain">{hint} <span data-slot="heldout-other"></span></p>'
        f'<ul class="pag-legend pag-methods">{legend}</ul><div class="pag-charts">{charts}</div>'
    )


def _chart_here(task: str) -> str:
    title, _, what = words.QUALITY_TITLES[task]
    return _chart(title, "", what, f'data-task="{task}"', words.QUALITY_ALT.format(title=title))


def _chart_heldout(panel: Panel) -> str:
    measure, what = words.HELDOUT_MEASURES[panel.task]
    dataset = words.HELDOUT_DATASETS.get(panel.dataset, panel.dataset)
    title = words.HELDOUT_TITLE.format(task=words.HELDOUT_TASKS[panel.task], dataset=dataset)
    figure = json.dumps(_plain(figures.heldout_figure(panel.task, panel.curves)))
    count = words.HELDOUT_IMAGES.format(count=panel.images)
    alt = words.QUALITY_ALT.format(title=f"{measure}, {title}")
    return _chart(title, count, what, f'data-figure="{escape(figure)}"', alt)


def _chart(title: str, aside: str, what: str, data: str, alt: str) -> str:
    small = f"<small>{escape(aside)}</small>" if aside else ""
    return (
        f'<section class="pag-chart"><h4>{escape(title)} {small}</h4>'
        f'<p class="pag-hint">{escape(what)}</p>'
        f'<div class="pag-plot" role="img" aria-label="{escape(alt)}" {data}></div></section>'
    )


def _name(method: str) -> str:
    return with_terms(escape(words.HELDOUT_METHODS.get(method, method)))


def _stroke(method: str) -> str:
    stroke = METHOD_STYLES.get(method, Stroke("currentcolor", "circle", "solid"))
    mark = MARKERS[stroke.marker]
    return (
        f'<span class="pag-stroke" style="color:{stroke.colour}" aria-hidden="true">{mark}</span>'
    )


def _plain(figure: go.Figure) -> dict[str, Any]:
    return json.loads(figure.to_json() or "")
