"""Tab: steer by hand. The photo to paint on, what that changed, and a note that it did."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from app.figures import steering as figures
from app.figures.raster import fit_within, packed
from app.palette import PONDER_MAP, css_gradient
from app.session import Session
from app.steering import CELLS
from app.views import markup
from app.views.fill import Fill
from app.words import steering as words
from pag import Inference

LARGEST, FIRST = 24, 10
"""Brush sizes, in cells across."""


def build() -> Any:
    """The brushes, the photo to paint on, the ponder cost beside it, and what changed."""
    brushes = "".join(
        f'<label><input type="radio" name="steer-brush" value="{brush}"'
        f"{' checked' if brush == 'spend' else ''}>"
        f'<i class="pag-swatch pag-{brush}"></i> {label}</label>'
        for brush, label in words.BRUSHES.items()
    )
    return gr.HTML(
        f'<p class="pag-explain">{words.HINT}</p>'
        f'<div class="pag-controls" id="steer-tools"><fieldset id="steer-brush">'
        f"<legend>{words.BRUSH}</legend>{brushes}</fieldset>"
        f'<label id="steer-size">{words.SIZE} <input type="range" min="1" max="{LARGEST}" '
        f'step="1" value="{FIRST}"></label>'
        f'<button type="button" class="pag-button" id="steer-clear">{words.CLEAR}</button>'
        f'<button type="button" class="pag-button" id="steer-save" title="{words.SAVE_MAP_HINT}">'
        f"{words.SAVE_MAP}</button></div>"
        f'<div class="pag-split pag-even"><div><p class="pag-subtitle">{words.CANVAS}</p>'
        f"{_canvas()}"
        f'<p class="pag-hint" id="steer-status" role="status">{words.SCRIPT["none"]}</p>'
        f'<p class="pag-hint" id="steer-keys">{words.KEYS}</p></div>'
        f'<div id="steer-result"><p class="pag-subtitle">{words.RESULT}</p>'
        f"{markup.view('steer-ponder', words.RESULT, words.RESULT_ALT)}"
        f"{markup.colour_bar(css_gradient(PONDER_MAP), words.RESULT_SCALE)}"
        '<div data-slot="steered"></div>'
        '<div id="steer-change" data-slot="steer-change" aria-live="polite"></div></div></div>',
        elem_id="steer-panel",
        js_on_load=markup.MOUNTED,
    )


def _canvas() -> str:
    return (
        f'<figure class="pag-view" data-title="{words.CANVAS}" data-name="steer">'
        f'<div class="pag-stack pag-paint" tabindex="0" data-cell="0 0" role="group" '
        f'aria-label="{words.CANVAS}" aria-describedby="steer-keys">'
        '<img class="pag-photo" data-slot="photo" alt=""><canvas class="pag-painted"></canvas>'
        '<span class="pag-brush" aria-hidden="true" hidden></span>'
        '<span class="pag-pin" aria-hidden="true" hidden></span></div></figure>'
    )


def scene(session: Session) -> Fill:
    """What is painted on the session's photo, and the note that says so."""
    assert session.photo is not None and session.first is not None
    painted = session.settings.steering
    height, width = session.first.image.shape[:2]
    rows, columns = painted.grid.shape if painted else fit_within((height, width), CELLS)
    cells = None if painted is None else packed(np.sign(painted.grid).astype(np.int8))
    return Fill(
        html={"steered": note(painted.grid) if painted else "", "steer-change": ""},
        data={
            "painting": {
                "photo": session.photo.digest,
                "rows": rows,
                "columns": columns,
                "cells": cells,
            }
        },
    )


def note(grid: np.ndarray) -> str:
    """That the answer is steered, with a button that takes it back."""
    spend, skip = (markup.percent(share) for share in figures.painted_shares(grid))
    return (
        f'<p class="pag-steered"><span>{words.NOTE.format(spend=spend, skip=skip)}</span> '
        f'<button type="button" class="pag-button pag-unsteer">{words.TAKE_AWAY}</button></p>'
    )


def change(before: Inference, after: Inference, grid: np.ndarray) -> str:
    """What the painting changed, in words, as HTML."""
    if after.budget_requested >= 1:
        return f"<p>{words.CHANGE_FULL}</p>"
    changes = figures.ponder_changes(before, after, grid)
    templates = (
        ("spend", words.CHANGE_SPEND),
        ("skip", words.CHANGE_SKIP),
        ("rest", words.CHANGE_REST),
    )
    sentences = [
        template.format(before=found.before, after=found.after, gates=len(after.gates))
        for name, template in templates
        if (found := changes[name])
    ]
    sentences.append(
        words.CHANGE_OUTPUTS.format(
            share=markup.percent(figures.changed_classes(before, after)),
            metres=figures.changed_depth(before, after),
        )
    )
    sentences.append(
        words.CHANGE_BUDGET.format(
            before=before.budget_achieved,
            after=after.budget_achieved,
            asked=after.budget_requested,
        )
    )
    return "".join(f"<p>{sentence}</p>" for sentence in sentences)
