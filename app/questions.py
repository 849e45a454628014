"""What the page's script asks, and what of it an answer repeats."""

from __future__ import annotations

from typing import Any

import gradio as gr

LONGEST = 200  # characters of what is repeated


def question_of(event: gr.EventData) -> dict[str, Any]:
    """What the page's script asks. It is checked by whoever answers: it may be no browser."""
    data = getattr(event, "_data", None)
    return data if isinstance(data, dict) else {}


def echo(question: dict[str, Any]) -> dict[str, Any]:
    """The question's ``scene`` and ``name``, by which the browser finds what an answer is for.

    It is told nothing here that it did not say itself; what is no short text comes back empty.
    """
    said = {key: question.get(key) for key in ("scene", "name")}
    return {
        key: value if isinstance(value, str) and len(value) < LONGEST else ""
        for key, value in said.items()
    }
