"""The download: the folder of `pag.predict`, zipped, made when it is asked for."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from pathlib import Path

import gradio as gr

from app import content
from app.session import Session
from pag import InputError, write_folder

# The visitor presses a plain button; once the file is there, the browser presses the
# hidden one that hands it over.
PRESS = "() => { document.querySelector('#zip-file')?.click(); }"


def build() -> tuple[gr.Button, gr.DownloadButton]:
    """(the button to press, the hidden one that holds the file)."""
    button = gr.Button(content.DOWNLOAD, elem_id="download", size="sm")
    holder = gr.DownloadButton(visible="hidden", elem_id="zip-file")
    return button, holder


def make_zip(session: Session, cache: str) -> str:
    """Everything about the answer on the screen, as a file in Gradio's cache.

    Gradio serves files from its cache only, and deletes old ones there.

    Raises:
        InputError: there is no answer yet.
    """
    if session.answer is None:
        raise InputError(content.NOTHING_TO_DOWNLOAD)
    place = Path(cache) / secrets.token_hex(16)
    place.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        write_folder(session.answer, Path(folder) / content.DOWNLOAD_STEM)
        return shutil.make_archive(
            str(place / content.DOWNLOAD_STEM), "zip", folder, content.DOWNLOAD_STEM
        )
