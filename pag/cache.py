"""Where programs of this user keep what they can do again, and files that are written whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


def cache_folder() -> Path:
    """The project's own folder where this system's programs keep what they can do again.

    Raises:
        RuntimeError: this user has no home.
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        # The XDG rules say to leave out a path that is not absolute.
        named = os.environ.get("XDG_CACHE_HOME", "")
        base = named if os.path.isabs(named) else Path.home() / ".cache"
    return Path(base) / "pag-explorer"


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """The name of a draft, which becomes the file `path` at once if the block ends well.

    Of several that are written at the same time one whole one stays.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not by `tempfile`: what that makes stays hidden from everybody else.
    draft = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file as `whole` does.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    with whole(path) as draft:
        draft.write_bytes(data)
