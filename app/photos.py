"""A file becomes a photo that the network can see."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from app import content
from app.session import Photo
from pag import InputError, open_image


def load_photo(source: Any, size: int) -> Photo:
    """Open a file for a working size.

    Args:
        source: a path on this machine.
        size: the longer side in pixels at which the network will see it.

    Raises:
        InputError: there is no image, or it cannot be used.
    """
    if source is None or source == "":
        raise InputError(content.NO_IMAGE)
    if not isinstance(source, str | Path):
        raise InputError(content.FILE_EXPECTED)
    # Judged by its header before it is read into memory.
    picture = open_image(source, size_hint=size)
    data = Path(source).read_bytes()
    return Photo(data, hashlib.sha256(data).hexdigest(), picture, size)


def fit_photo(photo: Photo, size: int) -> Photo:
    """The photo decoded for another working size; itself where nothing changes."""
    if photo.size == size:
        return photo
    return replace(photo, picture=open_image(photo.data, size_hint=size), size=size)
