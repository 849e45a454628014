"""Tab: two at once. The answer shown and another one of the same photo, side by side."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app import content
from app.views import markup
from app.views.fill import Fill
from app.words import two as words
from pag import Inference


def build() -> Any:
    """What to look at, what to compare with, and three pictures with words under each."""
    shows = "".join(
        f'<label><input type="radio" name="two-show" value="{name}"'
        f"{' checked' if name == 'segmentation' else ''}> {label}</label>"
        for name, label in words.SHOWS.items()
    )
    pictures = "".join(
        f'<section class="pag-two" id="two-{side}"><p class="pag-subtitle" data-two="title">{title}'
        f"</p>{markup.view(f'two-{side}', title, alt, over_photo=True)}{_words(side)}</section>"
        for side, (title, alt) in words.VIEWS.items()
    )
    return gr.HTML(
        f'<p class="pag-explain">{words.HINT}</p>'
        f'<div class="pag-controls"><label id="two-against">{words.AGAINST} '
        f"<select></select></label>"
        f'<fieldset id="two-show"><legend>{words.SHOW}</legend>{shows}</fieldset></div>'
        f'<div class="pag-twos">{pictures}</div>',
        elem_id="two-panel",
        js_on_load=markup.MOUNTED,
    )


def _words(side: str) -> str:
    if side == "difference":
        return (
            '<p class="pag-hint" id="two-difference-words" aria-live="polite"></p>'
            '<p class="pag-key-line" id="two-key"></p>'
        )
    slot = ' data-slot="two-numbers"' if side == "a" else ""
    return f'<p class="pag-hint" id="two-{side}-numbers"{slot} aria-live="polite"></p>'


def fill(answer: Inference, first: Inference) -> Fill:
    """The numbers under a picture, and what its ponder cost is counted in."""
    del first
    numbers = words.NUMBERS.format(
        achieved=answer.budget_achieved,
        requested=answer.budget_requested,
        executed=answer.macs_executed / 1e9,
        dense=answer.macs_dense / 1e9,
        time=content.milliseconds(answer.seconds["network"]),
    )
    return Fill(
        html={"two-numbers": numbers},
        data={"two": {"gates": len(answer.gates), "policy": answer.policy}},
    )
