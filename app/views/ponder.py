"""Tab: where the compute goes."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from app import content
from app.figures import ponder as figures
from app.figures.raster import packed
from app.views import markup
from app.views.fill import Fill
from app.views.terms import with_terms
from pag import Inference


def build() -> Any:
    """The explanation, the controls of the map, the map, and the histogram."""
    units = "".join(
        f'<label><input type="radio" name="ponder-unit" value="{unit}"'
        f"{' checked' if unit == figures.UNITS[0] else ''}> {label}</label>"
        for unit, label in content.PONDER_UNITS.items()
    )
    # Gradio fetches its Plotly for the first chart on a page: this one, for all of ours.
    gr.Plot(go.Figure(), visible="hidden", elem_id="plotly")
    return gr.HTML(
        f'<p class="pag-explain" data-slot="ponder-hint">{content.PONDER_EMPTY}</p>'
        '<div class="pag-split"><div>'
        f'<div class="pag-controls"><fieldset id="ponder-unit"><legend>{content.PONDER_UNIT}'
        f"</legend>{units}</fieldset>"
        f'<label id="ponder-opacity">{content.PONDER_OPACITY} <input type="range" min="0" max="1" '
        f'step="0.05" value="{figures.OPACITY}"></label></div>'
        f'<div id="ponder-plot" role="img" aria-label="{content.PONDER_MAP_ALT}"></div></div>'
        '<div id="ponder-histogram" data-slot="ponder-histogram"></div></div>',
        elem_id="ponder-panel",
        js_on_load=markup.MOUNTED,
    )


def scene(first: Inference) -> Fill:
    """The figure in both units, without values."""
    drawn = {unit: _without_values(figures.ponder_figure(first, unit)) for unit in figures.UNITS}
    layout = drawn[figures.UNITS[0]]["layout"]
    traces = {unit: figure["data"][0] for unit, figure in drawn.items()}
    return Fill(
        data={"photo": figures.backdrop(first.image), "ponder": {"layout": layout} | traces},
    )


def fill(answer: Inference, first: Inference) -> Fill:
    """The values of the map, the mean in words, and the histogram."""
    del first
    layers, kilo_macs = figures.ponder_cells(answer)
    hint = content.PONDER_HINT.format(gates=len(answer.gates), mean=figures.mean_ponder(answer))
    bars = markup.share_bars(
        figures.ponder_histogram(answer), title=content.PONDER_BARS, compact=True
    )
    return Fill(
        html={"ponder-hint": with_terms(hint), "ponder-histogram": bars},
        data={
            "ponder": {
                "rows": layers.shape[0],
                "columns": layers.shape[1],
                "layers": packed(layers),
                "macs": packed(kilo_macs.astype("<f4")),
            }
        },
    )


def _without_values(figure: Any) -> dict[str, Any]:
    plain = json.loads(figure.to_json())
    for key in ("z", "customdata"):
        del plain["data"][0][key]
    return plain
