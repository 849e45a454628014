"""Terms in running text, explained by the page's script when they are pointed at or focused."""

from __future__ import annotations

import re
from html import escape
from typing import Any

import gradio as gr

from app.words import guide

_ENDINGS = {"gate": "(?:s|d)?"} | dict.fromkeys(
    ("budget", "dilation", "layer name", "pooling field"), "s?"
)
_TERM = re.compile(
    r"\b(?:"
    + "|".join(
        f"({re.escape(term)}{_ENDINGS.get(term, '')})"
        for term in sorted(guide.TERMS, key=len, reverse=True)
    )
    + r")\b",
    re.IGNORECASE,
)
_NAMES = sorted(guide.TERMS, key=len, reverse=True)
_TAG = re.compile(r"(<[^>]*>)")


def with_terms(html: str) -> str:
    """HTML in which the first mention of each term can be asked what it means."""
    seen: set[str] = set()

    def mark(match: re.Match[str]) -> str:
        term = _NAMES[(match.lastindex or 1) - 1]
        if term in seen:
            return match[0]
        seen.add(term)
        return f'<dfn class="pag-term" tabindex="0" data-term="{escape(term)}">{match[0]}</dfn>'

    # Every second part is a tag, whose attributes are left alone.
    parts = _TAG.split(html)
    return "".join(part if i % 2 else _TERM.sub(mark, part) for i, part in enumerate(parts))


def glossary() -> str:
    """All terms and what they mean, as a list."""
    entries = "".join(
        f"<dt>{escape(term[0].upper() + term[1:])}</dt><dd>{escape(text)}</dd>"
        for term, text in guide.TERMS.items()
    )
    return f'<dl class="pag-glossary">{entries}</dl>'


def build_tour() -> Any:
    """The button that starts the tour."""
    return gr.HTML(
        f'<button type="button" class="pag-button" id="tour">{guide.TOUR}</button>',
        elem_id="tour-row",
        js_on_load=None,
    )


def build_glossary() -> Any:
    """The list of terms, folded away."""
    with gr.Accordion(guide.GLOSSARY, open=False, elem_id="glossary"):
        return gr.HTML(glossary(), js_on_load=None)
