"""Opening images from anyone: files, bytes and arrays become upright RGB, or a clear refusal.

An image may be wrong in many ways: damaged, disguised, enormous, sideways, 16-bit,
transparent, animated. Here every one of them either becomes plain pixels that look as
its maker meant, or raises `InputError` with a message for a person, which contains
numbers and never the file's name. The size is judged from the header, before anything is
decoded, and no global setting of Pillow is touched. Only pixels leave this module:
EXIF, GPS, colour profiles and comments stay behind (profiles are not applied: all colours
are taken as sRGB).
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image

from pag.errors import InputError
from pag.image_source import READABLE, image_stream

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""The formats that are read, as Pillow names them; JPEG includes MPO, its form with more views."""

MAX_PIXELS = 40_000_000
MAX_ASPECT = 8
MIN_SIDE = 16
MIN_WORKING_SIDE = 32

_ORIENTATION_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> the turn that makes the image upright."""
_FIRST_SIDEWAYS = 5


@dataclass(frozen=True, eq=False)
class Picture:
    """An image ready for use.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, upright. May be smaller than the original where a
            size hint allowed it.
        size: (height, width) of the original, upright, in pixels.
    """

    pixels: np.ndarray
    size: tuple[int, int]


def open_image(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO,
    size_hint: int | None = None,
) -> Picture:
    """Open an image that nobody vouches for.

    16-bit and floating-point images are scaled to 8 bits, transparency is laid on white,
    of an animation the first frame is taken, and EXIF orientation is applied.

    Args:
        source: a path, the bytes of a file, or a seekable binary file, which is read from
            its start and left open.
        size_hint: the longer side, in pixels, that the caller is going to work at. A large
            JPEG is then decoded at 1/2, 1/4 or 1/8 of its size, much faster, but never
            below `fit_size(height, width, size_hint)`.

    Returns:
        The upright pixels, and the size of the original.

    Raises:
        InputError: not a readable image, damaged, above 40 megapixels or 256 MiB, a side
            below 16 pixels, or more than 8 times as long as wide.
    """
    with image_stream(source) as stream, _explained(), Image.open(stream, formats=FORMATS) as image:
        return _picture(image, size_hint)


def image_from_array(array: np.ndarray | Image.Image) -> Picture:
    """Take an image that a program hands over, under the rules of `open_image`.

    Args:
        array: a Pillow image, or a numpy array (H, W), (H, W, 1) gray, (H, W, 2) gray and
            alpha, (H, W, 3) RGB or (H, W, 4) RGBA. uint8 counts 0..255, uint16 0..65535,
            bool 0..1; floats 0..1, or 0..255 if any value is above 1; other integers
            0..255. Never changed, never aliased.

    Returns:
        Its upright pixels and its size.

    Raises:
        InputError: another type, shape or range of values, or a size that `open_image`
            refuses.
    """
    if isinstance(array, Image.Image):
        with _explained():
            return _picture(array, None)
    if not isinstance(array, np.ndarray):
        kind = "no image" if array is None else f"a {type(array).__name__}"
        raise InputError(f"Got {kind}; expected a numpy array or a Pillow image.")
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 2, 3, 4):
        raise InputError(
            f"The array has shape {array.shape}; expected (height, width) or "
            "(height, width, channels) with 1 to 4 channels."
        )
    _check_size(*array.shape[:2])
    values = _array_to_uint8(array)
    return _picture(Image.fromarray(values[..., 0] if values.shape[2] == 1 else values), None)


def fit_size(height: int, width: int, size: int) -> tuple[int, int]:
    """The working size (height, width) of an image whose longer side shall be `size`.

    The aspect ratio is kept and an image is not enlarged, with one exception: the shorter
    side comes out at 32 pixels at least, which the network needs.

    Raises:
        InputError: `size` is not a whole number from 32 up.
    """
    whole = isinstance(size, int | np.integer) and not isinstance(size, bool)
    if not whole or size < MIN_WORKING_SIDE:
        raise InputError(
            f"The working size is {size!r}; expected a whole number of pixels, "
            f"{MIN_WORKING_SIDE} or more."
        )
    scale = min(1.0, size / max(height, width))
    scale = max(scale, MIN_WORKING_SIDE / min(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An (H, W, 3) uint8 image at another size (height, width): Lanczos, antialiased."""
    height, width = size
    if image.shape[:2] == (height, width):
        return image.copy()
    resample = Image.Resampling.LANCZOS
    return np.array(Image.fromarray(image).resize((width, height), resample, reducing_gap=3.0))


@contextmanager
def _explained() -> Iterator[None]:
    """Whatever Pillow raises on a bad file, as an `InputError` that says what is wrong."""
    try:
        yield
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Pillow's own limit strikes before we see the size; its message tells the number.
        seen = re.search(r"\((\d+) pixels\)", str(error))
        raise InputError(_too_large(int(seen[1]) if seen else None)) from error
    except Image.UnidentifiedImageError as error:
        raise InputError(
            "The file is not an image of a known kind, or its beginning is damaged; "
            f"expected {READABLE}. (HEIC, raw, SVG and PDF files have to be exported first.)"
        ) from error
    except MemoryError as error:
        raise InputError("There is not enough memory to open this image.") from error
    except Exception as error:
        # The decoders raise nearly anything on damaged data: OSError, SyntaxError,
        # struct.error, EOFError, ValueError, IndexError, zlib.error.
        raise InputError("The image is damaged or incomplete: it cannot be decoded.") from error


def _picture(image: Image.Image, size_hint: int | None) -> Picture:
    width, height = image.size
    _check_size(height, width)
    if size_hint is not None:
        fit_height, fit_width = fit_size(height, width, size_hint)
        image.draft("RGB", (fit_width, fit_height))  # JPEG obeys, other formats ignore it
    image.load()
    orientation = _orientation(image)  # TIFF: already upright, and 1 from here on
    image = _to_rgb(image)
    if orientation > 1:
        image = image.transpose(_TURNS[orientation])
    if orientation >= _FIRST_SIDEWAYS:
        height, width = width, height
    return Picture(np.array(image), (height, width))


def _check_size(height: int, width: int) -> None:
    seen = f"The image has {width} x {height} pixels"
    if height * width > MAX_PIXELS:
        raise InputError(_too_large(height * width))
    if min(height, width) < 1 or max(height, width) > MAX_ASPECT * min(height, width):
        raise InputError(
            f"{seen}; expected the longer side to be at most {MAX_ASPECT} times the shorter."
        )
    if min(height, width) < MIN_SIDE:
        raise InputError(f"{seen}; expected at least {MIN_SIDE} on each side.")


def _too_large(pixels: int | None) -> str:
    seen = f"{pixels / 1e6:.1f} megapixels" if pixels else "far too many pixels"
    return (
        f"The image has {seen}; expected at most {MAX_PIXELS // 10**6} megapixels. "
        "Make it smaller and try again."
    )


def _orientation(image: Image.Image) -> int:
    try:
        orientation = int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # damaged EXIF is no reason to refuse a good picture
        return 1
    return orientation if orientation in _TURNS else 1


def _to_rgb(image: Image.Image) -> Image.Image:
    """Any mode of Pillow's to RGB of 8 bits, transparency laid on white."""
    if image.mode in ("F", "I") or image.mode.startswith("I;16"):
        return Image.fromarray(_deep_to_uint8(np.asarray(image))).convert("RGB")
    if image.mode == "La":  # Pillow has no direct way from premultiplied gray
        image = image.convert("LA")
    if image.has_transparency_data:
        colour = image.convert("RGBA")
        white = Image.new("RGBA", colour.size, "white")
        return Image.alpha_composite(white, colour).convert("RGB")
    return image.convert("RGB")  # also of CMYK: Pillow knows that JPEG stores it inverted


def _deep_to_uint8(values: np.ndarray) -> np.ndarray:
    """Gray of 16 or 32 bits or floats, of a file, to 0..255.

    A 16-bit file has a known range. One of 32 bits or floats has none: the narrowest usual
    range that holds all values is taken, else their own.
    """
    if values.dtype.itemsize == 2:
        return _sixteen_to_eight(values)
    finite = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = finite.min(), finite.max()
    usual = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (255.0, 65535.0)
    top = next((t for t in usual if low >= 0 and high <= t), None)
    if top is None:
        finite, top = finite - low, (high - low) or 1.0
    return np.rint(finite * (255.0 / top)).astype(np.uint8)


def _array_to_uint8(array: np.ndarray) -> np.ndarray:
    kind = array.dtype.kind
    if array.dtype == np.uint8:
        return array.copy()
    if array.dtype == np.uint16:
        return _sixteen_to_eight(array)
    if kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if kind not in "iuf":
        raise InputError(f"The array holds {array.dtype}; expected uint8, uint16 or floats.")
    low, high = float(array.min()), float(array.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InputError("The array holds NaN or infinite values; expected numbers in 0..1.")
    if low < 0 or high > 255:
        expected = "0..1 or 0..255" if kind == "f" else "0..255"
        raise InputError(f"The array's values are {low:g}..{high:g}; expected {expected}.")
    scale = 255.0 if kind == "f" and high <= 1.0 else 1.0
    return np.rint(array.astype(np.float32) * scale).astype(np.uint8)


def _sixteen_to_eight(values: np.ndarray) -> np.ndarray:
    """uint16 to uint8 with rounding: 65535 becomes 255, and nothing saturates."""
    table = (np.arange(65536, dtype=np.uint32) * 255 + 32767) // 65535
    return table.astype(np.uint8)[values]
