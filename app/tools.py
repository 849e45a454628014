"""The endpoints as tools for language models: Gradio's server of the Model Context Protocol."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import gradio as gr
import gradio.mcp


def installed() -> bool:
    """Whether the package is there that Gradio's server needs."""
    return find_spec("mcp") is not None


def sweep_copies(blocks: gr.Blocks) -> None:
    """Let the copies of tools' photos be deleted as uploads are.

    A photo that comes as a `data:` address is written down before it is uploaded, and Gradio
    forgets that copy. Here such copies have a folder of their own, which the sweep of temporary
    files looks into, and which ends with the program.
    """
    files = _FilesIn(TemporaryDirectory(prefix="pag-explorer-tools-"))
    gradio.mcp.DEFAULT_TEMP_DIR = files.folder.name
    blocks.temp_file_sets.append(files)


class _FilesIn(set[str]):
    """The files in a folder at the moment, as one of the sets of files that Gradio sweeps."""

    def __init__(self, folder: TemporaryDirectory[str]) -> None:
        super().__init__()
        self.folder = folder

    def __iter__(self) -> Iterator[str]:
        return (str(path) for path in Path(self.folder.name).rglob("*") if path.is_file())
