"""Where programs of this user keep what they can do again."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path


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


def write_whole(path: Path, data: bytes) -> None:
    """Write a file at once; of several that are written at the same time one whole one stays.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as stream:
            draft = stream.name
            stream.write(data)
        os.replace(draft, path)
    except OSError:
        if draft is not None and os.path.exists(draft):
            os.unlink(draft)
        raise
