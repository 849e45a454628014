"""Where an untrusted image comes from: a path, bytes or an open file, as one safe stream."""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from pag.errors import InputError

MAX_BYTES = 256 * 2**20
READABLE = "JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF"
"""The formats that are read, in words."""

# "http:", "file:", "data:", but not a drive letter.
_ADDRESS = r"(?:[a-z][a-z0-9+.-]+:/|data:)"


@contextmanager
def image_stream(source: Any) -> Iterator[BinaryIO]:
    """A seekable binary stream at its start, holding 1 byte to 256 MiB.

    A file that was opened here is closed at the end; one that the caller opened is not.

    Args:
        source: a path, the bytes of a file, or a seekable file opened as binary.

    Raises:
        InputError: a web address, missing, not an ordinary file, empty, too large, or
            nothing of the above.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        _check_bytes(memoryview(source).nbytes)
        yield io.BytesIO(source)
    elif isinstance(source, str | os.PathLike):
        with _open_file(os.fspath(source)) as file:
            yield file
    elif hasattr(source, "read") and hasattr(source, "seek"):
        try:
            length = source.seek(0, os.SEEK_END)
            source.seek(0)
            binary = isinstance(source.read(0), bytes)
        except (OSError, ValueError) as error:
            raise InputError(
                "The open file cannot be read from its start; expected a seekable file."
            ) from error
        _check_bytes(length)
        if not binary:
            raise InputError("The file is open as text; expected it to be open as binary ('rb').")
        yield source
    elif source is None:
        raise InputError("There is no image; expected a photograph.")
    else:
        raise InputError(
            f"Got a {type(source).__name__}; expected a path, the bytes of a file, or an open file."
        )


def _open_file(path: str | bytes) -> BinaryIO:
    text = os.fsdecode(path)
    if re.match(_ADDRESS, text, re.IGNORECASE):
        raise InputError(
            "Got a web address; images are not fetched from the network. "
            "Download the image and open the file."
        )
    try:
        status = Path(text).stat()
        if stat.S_ISDIR(status.st_mode):
            raise InputError("This is a folder; expected one image file.")
        if not stat.S_ISREG(status.st_mode):  # a pipe or a device may never end
            raise InputError("This is not an ordinary file; expected an image file.")
        _check_bytes(status.st_size)
        return Path(text).open("rb")
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError("There is no such file.") from error
    except PermissionError as error:
        raise InputError("The file may not be read: permission denied.") from error
    except (OSError, ValueError) as error:
        raise InputError("The file cannot be opened.") from error


def _check_bytes(count: int) -> None:
    if count == 0:
        raise InputError(f"The file is empty (0 bytes); expected a {READABLE} image.")
    if count > MAX_BYTES:
        raise InputError(
            f"The file has {count / 2**20:.0f} MiB; expected at most {MAX_BYTES // 2**20} MiB."
        )
