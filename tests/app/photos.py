"""Image files, good and bad, made on the spot."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image


def photo(height: int = 90, width: int = 120, seed: int = 0) -> np.ndarray:
    """A smooth (H, W, 3) uint8 picture, another one for each seed."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    rng = np.random.default_rng(seed)
    waves = [np.sin(a * x + b * y + c) for a, b, c in rng.uniform(2, 12, (3, 3))]
    return (127 + 120 * np.stack(waves, -1)).astype(np.uint8)


def write_photo(path: Path, height: int = 90, width: int = 120, seed: int = 0) -> Path:
    Image.fromarray(photo(height, width, seed)).save(path)
    return path


def write_rotated(path: Path) -> Path:
    """A JPEG 60 high and 100 wide that says it has to be turned: upright it is 100 x 60."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "A maker nobody should read about"
    Image.fromarray(photo(60, 100)).save(path, exif=exif)
    return path


def bad_files(folder: Path) -> dict[str, Path]:
    """Files that are no usable photo, by what is wrong with them."""
    buffer = io.BytesIO()
    Image.fromarray(photo(200, 200)).save(buffer, "JPEG")
    jpeg = buffer.getvalue()
    huge = bytearray(_png(photo(16, 16)))
    huge[16:24] = (20_000).to_bytes(4, "big") + (10_000).to_bytes(4, "big")  # the header's size
    contents = {
        "text": b"This is no image at all.",
        "truncated": jpeg[: len(jpeg) // 2],
        "empty": b"",
        "one pixel": _png(photo(1, 1)),
        "too long": _png(photo(10, 2000)),
        "too large": bytes(huge),
    }
    files = {}
    for name, data in contents.items():
        # A name as bad as it gets: it must not come back in any message.
        files[name] = folder / f"<img src=x onerror=alert(1)> {name}.jpg"
        files[name].write_bytes(data)
    return files


BAD = ("text", "truncated", "empty", "one pixel", "too long", "too large")


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
