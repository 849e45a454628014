"""What the command lines share."""

from __future__ import annotations

import argparse
from pathlib import Path


def new_file(text: str) -> Path:
    """A file that can be written, for ``argparse``: nobody measures for an hour to lose it."""
    path = Path(text)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"the folder {str(path.parent)!r} does not exist")
    return path
