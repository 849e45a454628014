"""What the command lines share."""

from __future__ import annotations

import argparse
from pathlib import Path


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
