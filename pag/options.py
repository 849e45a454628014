"""What the command lines share."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any


def settings(text: str) -> dict[str, Any]:
    """Settings as a JSON object, for ``argparse``.

    Raises:
        ArgumentTypeError: it is none.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f'{text!r}: expected an object such as {{"steps": 100}}')
    return value


def folder_to_write(text: str) -> Path:
    """A folder to write into, which may not exist yet, for ``argparse``.

    Raises:
        ArgumentTypeError: it is a file, or nothing may be written there.
    """
    path = Path(text)
    there = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not there.is_dir():
        raise argparse.ArgumentTypeError(f"{str(there)!r} is a file; expected a folder")
    if not os.access(there, os.W_OK):
        raise argparse.ArgumentTypeError(f"nothing may be written into {str(there)!r}")
    return path


def file_to_write(text: str) -> Path:
    """A file to write or to continue, for ``argparse``: nobody measures for an hour to lose it.

    Raises:
        ArgumentTypeError: it is a folder, or its folder does not exist.
    """
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a folder; expected a file")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"the folder {str(path.parent)!r} does not exist")
    return path
