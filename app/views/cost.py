"""Tab: what it costs."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app import content
from app.figures import costs as figures
from app.views import markup
from app.views.fill import Fill
from app.views.terms import with_terms
from pag import Inference


def build() -> Any:
    """The explanation, the chart, and the table of seconds."""
    return gr.HTML(
        f'<p class="pag-explain" data-slot="cost-hint">{content.COST_EMPTY}</p>'
        '<div class="pag-split pag-wide"><div id="cost-plot" role="img" '
        f'aria-label="{content.COST_ALT}"></div>'
        '<div id="seconds" data-slot="seconds"></div></div>',
        elem_id="cost-panel",
        js_on_load=markup.MOUNTED,
    )


def fill(answer: Inference, first: Inference) -> Fill:
    """The chart and the table of one answer."""
    del first
    rows = [(part, f"{seconds * 1000:.1f}") for part, seconds in answer.seconds.items()]
    return Fill(
        html={
            "cost-hint": with_terms(
                content.COST_HINT.format(ungated=figures.ungated_macs(answer) / 1e9)
            ),
            "seconds": markup.table(content.SECONDS_CAPTION, content.SECONDS_HEAD, rows),
        },
        data={"cost": figures.cost_figure(answer)},
    )
