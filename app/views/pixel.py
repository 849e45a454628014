"""Tab: the story of one pixel, in words and as a small diagram."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from app import content
from app.figures import pixel as figures
from app.views import markup
from app.views.terms import with_terms
from pag import Inference


def build() -> Any:
    """A slot for the story, which the server tells when a place is clicked."""
    return gr.HTML(
        f'<div data-slot="pixel" aria-live="polite"><p class="pag-explain">{content.PIXEL_EMPTY}'
        "</p></div>",
        elem_id="pixel-panel",
        js_on_load=markup.MOUNTED,
    )


def story(
    answer: Inference, others: Sequence[Inference], x: float, y: float, forgotten: int = 0
) -> str:
    """The place's story at one budget, and which layers ran there at others, as HTML.

    Args:
        answer: the record that is shown.
        others: the same photo at the budgets that are ready, rising.
        x: from the left edge, as a share of the width.
        y: from the upper edge, as a share of the height.
        forgotten: how many budgets the page shows that are not among `others` any more.
    """
    told = figures.pixel_story(answer, x, y)
    place = content.PIXEL_PLACE.format(x=told.x, y=told.y)
    sentences = "".join(f"<p>{sentence}</p>" for sentence in _sentences(told, answer))
    return (
        f'<div class="pag-split pag-even"><div class="pag-story"><h3>{place}</h3>{sentences}</div>'
        f"<div>{_diagram(answer, others, x, y, told)}"
        f'<p class="pag-hint">{with_terms(content.PIXEL_DIAGRAM_HINT)}'
        f"{content.left_out(forgotten)}</p></div></div>"
    )


def _sentences(told: figures.PixelStory, answer: Inference) -> list[str]:
    sentences = []
    if told.name is not None:
        sentences.append(content.PIXEL_CLASS.format(name=escape(told.name)))
    if told.depth is not None:
        sentences.append(content.PIXEL_DEPTH.format(metres=told.depth))
    if told.normal is not None:
        axis, degrees = figures.facing(told.normal)
        direction = content.PIXEL_DIRECTIONS[axis]
        sentences.append(content.PIXEL_NORMAL.format(direction=direction, degrees=degrees))
    if told.boundary is not None:
        strength = told.boundary
        words = next(text for limit, text in content.PIXEL_BOUNDARY if strength < limit)
        sentences.append(words.format(strength=strength))
    layers = content.PIXEL_LAYERS.format(
        budget=answer.budget_requested,
        count=told.count,
        all=len(told.layers),
        spent=told.kilo_macs,
        dense=told.dense_kilo_macs,
    )
    sentences.append(with_terms(layers))
    skipped = [layer.name for layer in told.layers if not layer.ran]
    if not skipped:
        sentences.append(content.PIXEL_ALL_RAN)
    elif told.count == 0:
        sentences.append(content.PIXEL_NONE_RAN)
    else:
        sentences.append(content.PIXEL_SKIPPED.format(names=escape(", ".join(skipped))))
    field = content.PIXEL_FIELD if told.dilation else content.PIXEL_POINT
    sentences.append(with_terms(field.format(reach=told.reach, dilation=told.dilation)))
    return sentences


def _diagram(
    answer: Inference, others: Sequence[Inference], x: float, y: float, told: figures.PixelStory
) -> str:
    ran = figures.layers_by_budget(others, x, y)
    budgets = [other.budget_requested for other in others]
    now = [abs(budget - answer.budget_requested) < 1e-6 for budget in budgets]
    head = "".join(
        f'<th scope="col" class="{"now" if shown else ""}">{_short(budget)}</th>'
        for budget, shown in zip(budgets, now, strict=True)
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(layer.name)}</th>'
        + "".join(_cell(bool(ran[row, column]), now[column]) for column in range(len(budgets)))
        + f"<td>{layer.probability:.2f}</td></tr>"
        for row, layer in enumerate(told.layers)
    )
    return (
        f'<table class="pag-paths"><caption>{content.PIXEL_DIAGRAM}</caption>'
        f'<thead><tr><th scope="col">{content.PIXEL_LAYER}</th>{head}'
        f'<th scope="col">{content.PIXEL_WISH}</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _cell(ran: bool, now: bool) -> str:
    state = content.PIXEL_RAN if ran else content.PIXEL_NOT
    classes = " ".join(name for name, is_so in (("ran", ran), ("now", now)) if is_so)
    return f'<td class="{classes}"><i role="img" aria-label="{state}" title="{state}"></i></td>'


def _short(budget: float) -> str:
    return "1" if budget >= 0.995 else f"{budget:.2f}".removeprefix("0")
