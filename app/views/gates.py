"""Tab: layer by layer, the masks of all gates in network order."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app import content
from app.figures import gates as figures
from app.palette import ACTIVE, css
from app.views import markup
from app.views.fill import Fill
from app.views.terms import with_terms
from pag import GateRecord, Inference


def build() -> Any:
    """The explanation, what to show, and the grid of layers."""
    modes = "".join(
        f'<label><input type="radio" name="gates-show" value="{mode}"'
        f"{' checked' if mode == 'mask' else ''}> {label}</label>"
        for mode, label in content.GATES_MODES.items()
    )
    return gr.HTML(
        f'<p class="pag-explain">{with_terms(content.GATES_HINT)}</p>'
        f'<div class="pag-controls"><fieldset id="gates-show"><legend>{content.GATES_SHOW}'
        f"</legend>{modes}</fieldset>"
        f'<label id="gates-against" hidden>{content.GATES_AGAINST} <select></select></label></div>'
        '<p class="pag-key-line" data-slot="gates-key"></p>'
        '<div id="gates" data-slot="gates"></div>',
        elem_id="gates-panel",
        js_on_load=markup.MOUNTED,
    )


def scene(first: Inference) -> Fill:
    """A tile for each gate, with slots for its masks and its numbers."""
    size = (first.image.shape[0], first.image.shape[1])
    tiles = "".join(_tile(gate, size) for gate in first.gates)
    return Fill(html={"gates": tiles}, data={"gates": [gate.name for gate in first.gates]})


def fill(answer: Inference, first: Inference) -> Fill:
    """The masks, what the gates wished, and the numbers of every layer."""
    del first
    pictures = {f"mask-{gate.name}": figures.mask_picture(gate) for gate in answer.gates}
    pictures |= {f"wish-{gate.name}": figures.probability_picture(gate) for gate in answer.gates}
    return Fill(
        html={f"active-{gate.name}": _numbers(gate) for gate in answer.gates}, pictures=pictures
    )


def _tile(gate: GateRecord, size: tuple[int, int]) -> str:
    alt = content.GATE_ALT.format(name=gate.name)
    title = content.GATE_TITLE.format(name=gate.name, stride=gate.stride)
    picture = markup.view(
        f"mask-{gate.name}",
        title,
        alt,
        over_photo=True,
        coverage=figures.coverage(gate, size),
        cell=(gate.stride / size[0], gate.stride / size[1]),
    )
    return (
        f'<div class="pag-tile">{picture}'
        f'<p class="pag-caption"><strong>{gate.name}</strong> · '
        f"{content.GATE_STRIDE.format(stride=gate.stride)} · "
        f'<span data-slot="active-{gate.name}"></span>'
        '<span class="pag-changed" hidden></span></p></div>'
    )


def _numbers(gate: GateRecord) -> str:
    share = gate.active_fraction
    macs = content.GATE_MACS.format(executed=gate.macs_executed / 1e6, dense=gate.macs_dense / 1e6)
    return (
        f'<span class="pag-active">{content.GATE_ACTIVE.format(active=share)}</span>'
        f'<span class="pag-track"><span class="pag-fill" style="width:{100 * share:.1f}%;'
        f'background:{css(ACTIVE)}"></span></span><span class="pag-macs">{macs}</span>'
    )
