"""Tab: layer by layer, the masks of all gates in network order."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components import Component

from app import content
from app.figures.gates import gate_thumbnails
from app.session import Session


def build() -> list[Component]:
    """The gallery of masks."""
    gr.Markdown(content.GATES_HINT, elem_classes="pag-explain")
    gallery = gr.Gallery(
        format="png",
        label=content.GATES,
        show_label=False,
        columns=5,
        height="auto",
        object_fit="contain",
        interactive=False,
        buttons=["download", "fullscreen"],
        elem_id="gates",
    )
    return [gallery]


def render(session: Session) -> list[Any]:
    """One update for it."""
    return [gate_thumbnails(session.answer) if session.answer else []]
