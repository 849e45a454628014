"""Finding and reading the files of a dataset, with errors that say what was expected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from pag.errors import InputError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


def check_split(dataset: str, split: str, allowed: tuple[str, ...]) -> str:
    """Return `split` if it is one of `allowed`; raise `InputError` otherwise."""
    if split not in allowed:
        raise InputError(f"{dataset}: no split '{split}', expected one of {', '.join(allowed)}")
    return split


def image_stems(folder: Path) -> dict[str, Path]:
    """Images directly in `folder`, stem to file, sorted by stem."""
    files = (p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
    return dict(sorted((p.stem, p) for p in files))


def read_rgb(path: Path) -> np.ndarray:
    """Read an image file as (H, W, 3) uint8 RGB; raise `InputError` if it cannot be read."""
    with _opened(path) as image:
        return np.array(image.convert("RGB"))


def read_ids(path: Path) -> np.ndarray:
    """Read a one-channel PNG of class ids as (H, W) uint8, palette indices unresolved.

    Raises:
        InputError: the file cannot be read, or has colours in place of ids.
    """
    with _opened(path) as image:
        if image.mode not in ("L", "P"):
            raise InputError(
                f"{path.name}: a label image of mode {image.mode}, expected 8-bit ids (L or P)"
            )
        return np.array(image)


def read_uint16(path: Path) -> np.ndarray:
    """Read a 16-bit grey PNG as (H, W) int32.

    Raises:
        InputError: the file cannot be read, or is not 16-bit grey.
    """
    with _opened(path) as image:
        if not image.mode.startswith("I"):
            raise InputError(
                f"{path.name}: a depth image of mode {image.mode}, expected 16-bit grey"
            )
        return np.array(image, dtype=np.int32)


def _opened(path: Path) -> Image.Image:
    try:
        image = Image.open(path)
        image.load()
    except FileNotFoundError as error:
        raise InputError(f"{path.name} is missing") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path.name} is not a readable image") from error
    return image
