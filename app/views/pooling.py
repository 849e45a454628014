"""Tab: the pooling field chosen at every pixel."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app import content
from app.figures import dilations as figures
from app.figures.raster import packed
from app.views import markup
from app.views.fill import Fill
from app.views.terms import with_terms
from pag import Inference


def build() -> Any:
    """The explanation, the map, its legend and histogram."""
    return gr.HTML(
        f'<p class="pag-explain" data-slot="pooling-hint">{content.POOLING_EMPTY}</p>'
        '<div class="pag-split"><div id="dilation-map" data-slot="dilation-map"></div>'
        f'<div><p class="pag-subtitle">{content.POOLING_BARS}</p>'
        '<div id="dilation-legend" data-slot="dilation-legend"></div>'
        '<p class="pag-hint" id="field-words" data-slot="field-words" aria-live="polite">'
        f"{content.FIELD_HINT}</p></div></div>",
        elem_id="pooling-panel",
        js_on_load=markup.MOUNTED,
    )


def scene(first: Inference) -> Fill:
    """The view of the map; its grid is the same at every budget."""
    height, width = first.image.shape[:2]
    stride = first.dilation_stride
    picture = markup.view(
        "dilation",
        content.POOLING_TAB,
        content.POOLING_ALT,
        over_photo=True,
        coverage=figures.coverage(first),
        cell=(stride / height, stride / width),
    )
    names = [content.dilation_name(dilation) for dilation in first.dilations]
    return Fill(
        html={"dilation-map": picture},
        data={"pooling": {"stride": stride, "dilations": first.dilations, "names": names}},
    )


def fill(answer: Inference, first: Inference) -> Fill:
    """The choices, and how many pixels made each."""
    del first
    median = content.dilation_name(figures.median_dilation(answer))
    rows, columns = answer.dilation.shape
    grid = {
        "rows": rows,
        "columns": columns,
        "index": packed(answer.dilation),
        "side": figures.cell_side(answer),
    }
    return Fill(
        html={
            "pooling-hint": with_terms(content.POOLING_HINT.format(median=median)),
            "dilation-legend": markup.share_bars(figures.dilation_legend(answer)),
        },
        pictures={"dilation": figures.dilation_picture(answer)},
        data={"dilation": grid},
    )
