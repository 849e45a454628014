"""Downloads, made when they are asked for: everything as a zip, the sweep as an animation."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

import gradio as gr

from app import content
from app.actions import Desk
from app.figures.animation import sweep_animation
from app.session import Session
from pag import InputError, write_folder

EVERYTHING = "zip"
# The visitor presses a plain button; once the file is there, the page's script hands it over.
HAND_OVER = "file => { window.pagExplorer.handOver(file); }"
WITH_BUDGET = "session => [session, window.pagExplorer.page.shown?.budget ?? null]"


def build() -> tuple[gr.Button, gr.DownloadButton]:
    """(the button to press, the hidden one that holds the file)."""
    button = gr.Button(content.DOWNLOAD, elem_id="download", size="sm")
    holder = gr.DownloadButton(visible="hidden", elem_id="download-file")
    return button, holder


def make(kind: str, session: Session, budget: Any, desk: Desk, cache: str) -> str:
    """A file in Gradio's cache, from where alone Gradio serves, and deletes what is old.

    Args:
        kind: ``zip``, or a kind of animation of `content.SWEEP_KINDS`.
        session: whose photo it is.
        budget: the one on the screen.
        desk: computes what is not remembered.
        cache: the folder that Gradio serves.

    Raises:
        InputError: there is no answer yet, or not any more.
        BudgetError: the budget is no number that the network can meet.
    """
    check_answered(session, budget)
    if kind != EVERYTHING:
        path = in_cache(cache) / f"{content.SWEEP_STEM}.{kind.lower()}"
        path.write_bytes(sweep_animation(desk.sweep(session), kind))
        return str(path)
    # The folder of `pag.predict`, zipped.
    answer = desk.answer_at(session, budget)
    place = in_cache(cache)
    with tempfile.TemporaryDirectory() as folder:
        write_folder(answer, Path(folder) / content.DOWNLOAD_STEM)
        return shutil.make_archive(
            str(place / content.DOWNLOAD_STEM), "zip", folder, content.DOWNLOAD_STEM
        )


def check_answered(session: Session, budget: Any) -> None:
    """Whether there is something to make files from.

    Raises:
        InputError: there is no answer yet, or it is forgotten, although the page shows one.
    """
    if session.answer is None:
        raise InputError(content.NOTHING_TO_DOWNLOAD if budget is None else content.NO_PHOTO)


def in_cache(cache: str) -> Path:
    """A new folder of the cache that Gradio serves, with a name that nobody can guess."""
    place = Path(cache) / secrets.token_hex(16)
    place.mkdir(parents=True)
    return place
