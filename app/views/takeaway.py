"""Tab: take it away. Pictures raw or coloured, everything, a report, a link to the settings."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from app import content
from app.actions import Desk
from app.figures.files import FORMATS, PICTURES, file_of
from app.report import html_report
from app.session import Session
from app.views import download, markup
from app.words import takeaway as words
from pag import InputError

REPORT = "report"
NAMES = {
    "segmentation": content.SEGMENTATION,
    "boundary": content.BOUNDARY,
    "depth": content.DEPTH,
    "normals": content.NORMALS,
    "ponder": words.PONDER,
    "dilation": words.DILATION,
    "gates": words.GATES,
}
"""Name of each picture -> what the page calls it."""
TAKEN = "file => { window.pagExplorer.taken(file); }"
FAILED = "() => { window.pagExplorer.taken(null); }"
RESTORED = "() => { window.pagExplorer.restored(); }"


def build() -> Any:
    """A row for each picture, and below it what holds all of them."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in words.HEAD)
    rows = "".join(_row(name) for name in PICTURES)
    return gr.HTML(
        f'<p class="pag-explain">{words.HINT}</p>'
        f'<table class="pag-table pag-take"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
        f'<div class="pag-take-more"><div><p class="pag-subtitle">{words.ALL_TITLE}</p>'
        f"{_button(download.EVERYTHING, '', words.ZIP, words.ZIP)}"
        f'<p class="pag-hint">{words.ZIP_HINT}</p>'
        f"{_button(REPORT, '', words.REPORT, words.REPORT)}"
        f'<p class="pag-hint">{words.REPORT_HINT}</p></div>'
        f'<div><p class="pag-subtitle">{words.LINK_TITLE}</p>'
        f'<button type="button" class="pag-button" id="copy-link">{words.LINK}</button>'
        f'<p class="pag-hint">{words.LINK_HINT}</p>'
        f'<input id="settings-link" readonly aria-label="{words.LINK_LABEL}" hidden></div></div>'
        '<p class="pag-hint" id="take-words" role="status"></p>',
        elem_id="take-panel",
        js_on_load=markup.MOUNTED,
    )


def make(session: Session, question: dict[str, Any], desk: Desk, cache: str) -> str:
    """The file that the page's script asks for, in Gradio's cache.

    Args:
        session: whose photo it is.
        question: ``what``, a picture of `app.figures.files` with its ``format``, everything,
            or the report, and the ``budget`` on the screen; unchecked.
        desk: computes what is not remembered.
        cache: the folder that Gradio serves.

    Raises:
        InputError: there is no answer yet, or no such file.
        BudgetError: the budget is no number that the network can meet.
    """
    what, kind, budget = (question.get(key) for key in ("what", "format", "budget"))
    if what == download.EVERYTHING:
        return download.make(what, session, budget, desk, cache)
    is_picture = what in PICTURES and kind in FORMATS
    if what != REPORT and not is_picture:
        expected = ", ".join((download.EVERYTHING, REPORT, *PICTURES))
        raise InputError(words.UNKNOWN.format(expected=expected))
    download.check_answered(session, budget)
    answer = desk.answer_at(session, budget)
    place = download.in_cache(cache)
    if is_picture:
        ending, data = file_of(answer, str(what), str(kind), session.first)
        stem = f"{words.STEM}-{what}-{'raw' if kind != 'coloured' else kind}"
        path = place / f"{stem}-{answer.budget_requested:.2f}.{ending}"
        path.write_bytes(data)
        return str(path)
    others, forgotten = session.remembered(desk.budgets, answer)
    report = html_report(
        answer,
        session.settings,
        others,
        session.first,
        forgotten=forgotten,
        option=desk.models.option,
    )
    path = place / f"{words.REPORT_STEM}.html"
    path.write_text(report, encoding="utf-8")
    return str(path)


def _row(name: str) -> str:
    title = NAMES[name]
    coloured, *raw = (
        _button(name, kind, text, words.ONE_ROW.format(name=title, kind=text))
        for kind, text in words.FORMATS.items()
    )
    return (
        f'<tr><th scope="row">{escape(title)}</th><td>{coloured}</td><td>{"".join(raw)}</td>'
        f"<td>{escape(words.RAW[name])}</td></tr>"
    )


def _button(what: str, kind: str, text: str, label: str) -> str:
    return (
        f'<button type="button" class="pag-button" data-take="{what}" data-format="{kind}" '
        f'aria-label="{escape(label)}">{escape(text)}</button>'
    )
