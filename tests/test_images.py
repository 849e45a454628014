"""`pag.images`: every trap that a file from a stranger may hold, one test each."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pag.errors import InputError
from pag.images import MAX_PIXELS, Picture, fit_size, image_from_array, open_image, resize

LOSSLESS = 0
LOSSY = 6  # levels out of 255 that a good JPEG may be off on smooth content


def scene(height: int = 40, width: int = 60) -> np.ndarray:
    """Smooth and without any symmetry: red grows to the right, green downwards."""
    y, x = np.mgrid[0:height, 0:width]
    red, green = 255 * x // (width - 1), 255 * y // (height - 1)
    return np.stack([red, green, np.full_like(red, 90)], -1).astype(np.uint8)


def encode(image: Image.Image | np.ndarray, format: str = "PNG", **options: object) -> bytes:
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG by hand; `rows` is raw data, each row led by its filter byte."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(rows)) if rows else b""
    return b"\x89PNG\r\n\x1a\n" + header + extra + data + chunk(b"IEND", b"")


def assert_close(picture: Picture, expected: np.ndarray, tolerance: int = LOSSLESS) -> None:
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.shape == expected.shape
    assert picture.size == expected.shape[:2]
    assert np.abs(picture.pixels.astype(int) - expected.astype(int)).max() <= tolerance


def refused(source: object, *words: str, **options: object) -> str:
    """Opening fails with a message for a person that holds all `words`."""
    with pytest.raises(InputError) as caught:
        open_image(source, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    for word in words:
        assert word in message
    assert "<" not in message and "/" not in message.replace("Pillow image", "")
    assert len(message) < 250
    return message


# ------------------------------------------------------------------ the plain cases


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "JPEG", "WEBP", "AVIF"])
def test_common_formats(format: str) -> None:
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}, "AVIF": {"quality": 98}}
    data = encode(scene(), format, **options.get(format, {}))
    assert_close(open_image(data), scene(), LOSSY if format in ("JPEG", "AVIF") else LOSSLESS)


def test_path_bytes_and_open_file_agree(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encode(scene()))
    with path.open("rb") as file:
        file.read(7)  # somebody looked at its beginning
        sources = [path, str(path), path.read_bytes(), memoryview(path.read_bytes()), file]
        for source in sources:
            assert_close(open_image(source), scene())
        assert not file.closed


def test_the_name_decides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "photo.gif"
    path.write_bytes(encode(scene(), "PNG"))
    assert_close(open_image(path), scene())


def test_two_view_jpeg_is_its_first_view() -> None:
    first, second = Image.fromarray(scene()), Image.new("RGB", (60, 40), "black")
    data = encode(first, "MPO", save_all=True, append_images=[second], quality=95)
    assert_close(open_image(data), scene(), LOSSY)


# ------------------------------------------------------------------ depth, alpha, palettes


def ramp_16() -> np.ndarray:
    return np.linspace(0, 65535, 40 * 60).reshape(40, 60).astype(np.uint16)


def gray(values: np.ndarray) -> np.ndarray:
    return np.repeat(values.astype(np.uint8)[..., None], 3, -1)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_gray_is_rescaled(format: str) -> None:
    expected = gray(np.rint(ramp_16() / 257))
    assert_close(open_image(encode(ramp_16(), format)), expected)


def test_16_bit_big_endian_tiff() -> None:
    image = Image.frombytes("I;16B", (60, 40), ramp_16().astype(">u2").tobytes())
    assert_close(open_image(encode(image, "TIFF")), gray(np.rint(ramp_16() / 257)))


def test_16_bit_rgb_png() -> None:
    values = (scene().astype(np.uint16) * 257).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    assert_close(open_image(png(60, 40, 16, 2, rows)), scene())


@pytest.mark.parametrize("scale", [1.0, 255.0, 65535.0])
def test_floating_point_tiff_finds_its_range(scale: float) -> None:
    values = (ramp_16() / 65535 * scale).astype(np.float32)
    expected = gray(np.rint(ramp_16() / 65535 * 255))
    assert_close(open_image(encode(values, "TIFF")), expected, tolerance=1)


def test_32_bit_and_negative_values_are_stretched_to_their_own_range() -> None:
    values = np.linspace(-1e6, 1e6, 40 * 60).reshape(40, 60)
    expected = gray(np.rint(np.linspace(0, 255, 40 * 60).reshape(40, 60)))
    assert_close(open_image(encode(values.astype(np.int32), "TIFF")), expected, tolerance=1)
    values[0, 0] = np.nan
    pixels = open_image(encode(values.astype(np.float32), "TIFF")).pixels
    assert pixels.min() == 0 and pixels.max() == 255


def test_constant_float_image_is_accepted() -> None:
    values = np.full((20, 20), -3.0, np.float32)
    assert open_image(encode(values, "TIFF")).pixels.max() == 0


def test_alpha_is_laid_on_white() -> None:
    rgba = np.dstack([scene(), np.full((40, 60), 255, np.uint8)])
    rgba[:10, :, 3] = 0
    rgba[10:20, :, 3] = 128
    expected = scene().astype(int)
    expected[:10] = 255
    expected[10:20] = np.rint(expected[10:20] * 128 / 255 + 255 * 127 / 255)
    for format in ("PNG", "TIFF"):
        assert_close(open_image(encode(rgba, format)), expected, tolerance=1)


def test_gray_with_alpha() -> None:
    la = np.dstack([np.full((40, 60), 50, np.uint8), np.full((40, 60), 255, np.uint8)])
    la[:10, :, 1] = 0
    expected = gray(np.full((40, 60), 50))
    expected[:10] = 255
    assert_close(open_image(encode(Image.fromarray(la, "LA"))), expected)


def palette_image() -> Image.Image:
    image = Image.new("P", (60, 40), 1)
    image.putpalette([10, 20, 30, 200, 100, 50, 0, 0, 255])
    image.paste(0, (0, 0, 60, 10))
    image.paste(2, (0, 30, 60, 40))
    return image


def test_palette() -> None:
    pixels = open_image(encode(palette_image())).pixels
    assert [tuple(pixels[y, 5]) for y in (0, 20, 39)] == [(10, 20, 30), (200, 100, 50), (0, 0, 255)]


@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_palette_with_a_transparent_colour(format: str) -> None:
    pixels = open_image(encode(palette_image(), format, transparency=0)).pixels
    assert [tuple(pixels[y, 5]) for y in (0, 20)] == [(255, 255, 255), (200, 100, 50)]


def test_palette_with_an_alpha_per_colour() -> None:
    pixels = open_image(encode(palette_image(), transparency=bytes([0, 255, 128]))).pixels
    assert [tuple(pixels[y, 5]) for y in (0, 20)] == [(255, 255, 255), (200, 100, 50)]
    assert np.abs(pixels[39, 5].astype(int) - (127, 127, 255)).max() <= 1


def test_rgb_with_a_transparent_colour() -> None:
    values = np.full((40, 60, 3), 77, np.uint8)
    values[:10] = (1, 2, 3)
    pixels = open_image(encode(Image.fromarray(values), transparency=(1, 2, 3))).pixels
    assert (pixels[:10] == 255).all() and (pixels[10:] == 77).all()


def test_one_bit() -> None:
    bits = np.zeros((40, 60), bool)
    bits[:, 30:] = True
    assert_close(open_image(encode(Image.fromarray(bits))), gray(bits * 255))


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk(format: str) -> None:
    # Pillow writes CMYK JPEGs as Adobe does: inverted, with the Adobe marker.
    data = encode(Image.fromarray(scene()).convert("CMYK"), format)
    assert b"Adobe" in data or format != "JPEG"
    assert_close(open_image(data), scene(), 12 if format == "JPEG" else LOSSLESS)


def test_lab() -> None:
    # L* = 53.6 without colour is the middle gray of sRGB, 128; stored as 8 bits: 137.
    bands = [Image.new("L", (40, 40), value) for value in (137, 128, 128)]
    pixels = open_image(encode(Image.merge("LAB", bands), "TIFF")).pixels
    assert np.abs(pixels.astype(int) - 128).max() <= 2


# ------------------------------------------------------------------ animations


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "AVIF", "TIFF"])
def test_animation_is_its_first_frame(format: str) -> None:
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "lime", "blue")]
    data = encode(frames[0], format, save_all=True, append_images=frames[1:])
    with Image.open(io.BytesIO(data)) as check:
        assert getattr(check, "n_frames", 1) == 3
    expected = np.broadcast_to(np.array([255, 0, 0], np.uint8), (40, 60, 3))
    assert_close(open_image(data), expected, tolerance=4)


# ------------------------------------------------------------------ EXIF


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "SECRETCAMERA"
    return tags.tobytes()


def turned(orientation: int) -> np.ndarray:
    """The stored pixels of `scene` for an EXIF orientation, from the EXIF specification.

    The stored row 0 and column 0 are: 1 top left, 2 top right, 3 bottom right, 4 bottom
    left, 5 left top, 6 right top, 7 right bottom, 8 left bottom of the scene.
    """
    image = scene()
    sideways = image.transpose(1, 0, 2)
    return {
        1: image,
        2: image[:, ::-1],
        3: image[::-1, ::-1],
        4: image[::-1],
        5: sideways,
        6: sideways[::-1],
        7: sideways[::-1, ::-1],
        8: sideways[:, ::-1],
    }[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_orientation_is_applied(format: str, orientation: int) -> None:
    stored = np.ascontiguousarray(turned(orientation))
    data = encode(stored, format, exif=exif(orientation), quality=95)
    assert_close(open_image(data), scene(), 14)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_orientation_out_of_range_is_ignored(orientation: int) -> None:
    assert_close(open_image(encode(scene(), exif=exif(orientation))), scene())


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_does_not_spoil_a_good_picture() -> None:
    data = encode(scene(), "JPEG", quality=95, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12\0")
    assert_close(open_image(data), scene(), LOSSY)


def test_only_pixels_come_back() -> None:
    picture = open_image(encode(scene(), "JPEG", exif=exif(6)))
    assert type(picture.pixels) is np.ndarray and picture.pixels.base is None
    assert vars(picture).keys() == {"pixels", "size"}


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"])
def test_truncated(format: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    data = encode(noise, format)
    for share in (0.01, 0.5, 0.9):
        refused(data[: int(share * len(data))], "damaged")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"])
def test_random_damage_gives_pixels_or_a_clear_refusal(format: str) -> None:
    data = encode(scene(), format)
    rng = np.random.default_rng(0)
    for _ in range(60):
        broken = np.frombuffer(data, np.uint8).copy()
        where = rng.integers(0, min(len(data), 400), 5)
        broken[where] = rng.integers(0, 256, 5)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                picture = open_image(broken.tobytes())
            except InputError:
                continue
        assert picture.pixels.shape == (*picture.size, 3)


def test_text_with_an_image_name(tmp_path: Path) -> None:
    path = tmp_path / "holiday<b>secret.jpg"
    path.write_text("I am not a photograph.\n" * 50)
    message = refused(path, "not an image", "JPEG")
    assert "holiday" not in message and "secret" not in message


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    for source in (tmp_path / "empty.jpg", b"", io.BytesIO()):
        refused(source, "empty", "0 bytes")


@pytest.mark.parametrize("format", ["PPM", "ICO", "TGA", "PCX", "JPEG2000", "PDF"])
def test_other_formats(format: str) -> None:
    refused(encode(scene(), format), "not an image of a known kind", "PNG")


def test_missing_file_folder_and_pipe(tmp_path: Path) -> None:
    assert "nowhere" not in refused(tmp_path / "nowhere.jpg", "no such file")
    refused(tmp_path, "folder")
    refused("x" * 5000, "cannot be opened")
    refused("a\0b", "cannot be opened")
    os.mkfifo(tmp_path / "pipe.jpg")
    refused(tmp_path / "pipe.jpg", "not an ordinary file")


@pytest.mark.parametrize(
    "address",
    ["http://host/a.jpg", "HTTPS://host/a.jpg", "file:///a.png", "data:image/png;base64,"],
)
def test_web_addresses(address: str) -> None:
    assert "host" not in refused(address, "web address")


@pytest.mark.parametrize("source", [None, 7, np.zeros((20, 20, 3), np.uint8)])
def test_sources_of_another_type(source: object) -> None:
    refused(source, "expected")


def test_file_open_as_text(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encode(scene()))
    with path.open(encoding="latin-1") as file:
        refused(file, "binary")


@pytest.mark.parametrize("action", ["error", "ignore"])
@pytest.mark.parametrize(
    ("width", "height", "seen"),
    [(20000, 10000, "200.0"), (12000, 10000, "120.0"), (8000, 5001, "40.0")],
)
def test_decompression_bombs_are_refused_from_the_header(
    width: int, height: int, seen: str, action: str
) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter(action)  # type: ignore[arg-type]
        refused(png(width, height, 8, 2, b""), f"{seen} megapixels", "at most 40")
    assert limit == Image.MAX_IMAGE_PIXELS


def test_largest_size_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_PIXELS == 40_000_000
    monkeypatch.setattr("pag.images.MAX_PIXELS", 60 * 40)
    assert_close(open_image(encode(scene(40, 60))), scene(40, 60))
    refused(encode(scene(40, 61)), "megapixels")


@pytest.mark.parametrize("size", [(1, 1), (15, 15), (100, 15)])
def test_too_small(size: tuple[int, int]) -> None:
    refused(encode(Image.new("RGB", size)), f"{size[0]} x {size[1]} pixels", "at least 16")


@pytest.mark.parametrize("size", [(20000, 10), (10, 20000), (161, 20)])
def test_too_long(size: tuple[int, int]) -> None:
    refused(encode(Image.new("RGB", size)), f"{size[0]} x {size[1]} pixels", "8 times")


def test_smallest_and_longest_are_allowed() -> None:
    assert open_image(encode(Image.new("RGB", (16, 16)))).size == (16, 16)
    assert open_image(encode(Image.new("RGB", (160, 20)))).size == (20, 160)


def test_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(300 * 2**20)  # sparse: takes no room
    refused(path, "300 MiB", "at most 256 MiB")


# ------------------------------------------------------------------ size hint


@pytest.mark.parametrize("hint", [100, 500, 501, 999, 1000, 5000])
@pytest.mark.parametrize("orientation", [1, 6])
def test_size_hint_keeps_enough_pixels(hint: int, orientation: int) -> None:
    image = Image.fromarray(scene(752, 1000))
    picture = open_image(encode(image, "JPEG", exif=exif(orientation)), size_hint=hint)
    assert picture.size == ((752, 1000) if orientation == 1 else (1000, 752))
    longer = max(picture.pixels.shape)
    assert longer >= min(hint, 1000)
    assert longer < 2 * hint or hint == 100  # 1/8 is the strongest reduction
    landscape = picture.pixels.shape[0] < picture.pixels.shape[1]
    assert landscape == (orientation == 1)


def test_size_hint_of_a_long_image_respects_the_shorter_side() -> None:
    data = encode(Image.new("RGB", (1600, 200)), "JPEG")
    assert fit_size(200, 1600, 100) == (32, 256)
    assert open_image(data, size_hint=100).pixels.shape[1] >= 256


def test_size_hint_changes_the_look_of_nothing() -> None:
    data = encode(scene(960, 1280), "JPEG", quality=95)
    small = resize(open_image(data, size_hint=320).pixels, (240, 320)).astype(int)
    full = resize(open_image(data).pixels, (240, 320)).astype(int)
    assert np.abs(small - full).max() <= 3


def test_size_hint_leaves_other_formats_alone() -> None:
    assert_close(open_image(encode(scene()), size_hint=32), scene())


@pytest.mark.parametrize("hint", [0, -5, 31, 480.0, True, "480"])
def test_bad_size_hint(hint: object) -> None:
    refused(encode(scene()), "working size", "32 or more", size_hint=hint)


# ------------------------------------------------------------------ arrays


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: x,
        lambda x: x.astype(np.uint16) * 257,
        lambda x: x.astype(np.float32) / 255,
        lambda x: x.astype(np.float64),
        lambda x: x.astype(np.int64),
        lambda x: np.dstack([x, np.full(x.shape[:2], 255, np.uint8)]),
        lambda x: x[::-1][::-1],
        Image.fromarray,
    ],
)
def test_array_forms_of_the_same_image(convert: Callable[[np.ndarray], np.ndarray]) -> None:
    assert_close(image_from_array(convert(scene())), scene())


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 1)])
def test_gray_array(shape: tuple[int, ...]) -> None:
    values = scene()[..., 0].reshape(shape)
    assert_close(image_from_array(values), gray(scene()[..., 0]))
    assert_close(image_from_array(values > 127), gray((scene()[..., 0] > 127) * 255))


def test_array_with_alpha_is_laid_on_white() -> None:
    rgba = np.zeros((20, 30, 4))
    rgba[:, 15:, 3] = 1.0
    pixels = image_from_array(rgba).pixels
    assert (pixels[:, :15] == 255).all() and (pixels[:, 15:] == 0).all()
    assert (image_from_array(np.zeros((20, 30, 2), np.uint8)).pixels == 255).all()


def test_array_is_neither_changed_nor_aliased() -> None:
    values = scene()
    image_from_array(values).pixels[:] = 0
    assert (values == scene()).all()


def test_pillow_image_is_turned_upright() -> None:
    with Image.open(io.BytesIO(encode(turned(6), "PNG", exif=exif(6)))) as image:
        assert_close(image_from_array(image), scene())
        assert image.size == (40, 60)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (None, ["no image"]),
        ("photo.jpg", ["str", "numpy array"]),
        (np.zeros((3, 40, 60)), ["(3, 40, 60)", "(height, width, channels)"]),
        (np.zeros((40, 60, 5)), ["(40, 60, 5)"]),
        (np.zeros(40), ["(40,)"]),
        (np.full((40, 60), np.nan), ["NaN"]),
        (np.full((40, 60), 300.0), ["300", "0..255"]),
        (np.full((40, 60), -0.5), ["-0.5"]),
        (np.zeros((40, 60), complex), ["complex128"]),
        (np.zeros((0, 60, 3)), ["60 x 0"]),
        (np.zeros((8, 8, 3)), ["8 x 8", "16"]),
        (np.broadcast_to(np.uint8(0), (7000, 7000, 3)), ["49.0 megapixels"]),
        (Image.new("RGB", (400, 20)), ["400 x 20", "8 times"]),
    ],
)
def test_arrays_that_are_refused(array: np.ndarray, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        image_from_array(array)
    for word in words:
        assert word in str(caught.value)


# ------------------------------------------------------------------ sizes


@pytest.mark.parametrize(
    ("height", "width", "size", "expected"),
    [
        (3000, 4000, 480, (360, 480)),
        (4000, 3000, 480, (480, 360)),
        (300, 400, 480, (300, 400)),  # never enlarged
        (100, 800, 100, (32, 256)),  # unless the shorter side would be below 32
        (16, 16, 480, (32, 32)),
        (16, 128, 480, (32, 256)),
        (333, 1000, 480, (160, 480)),
    ],
)
def test_fit_size(height: int, width: int, size: int, expected: tuple[int, int]) -> None:
    assert fit_size(height, width, size) == expected


def test_resize_is_antialiased_and_keeps_colours() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    small = resize(stripes, (8, 8))
    assert small.shape == (8, 8, 3) and small.dtype == np.uint8
    assert np.abs(small[:, 1:-1].astype(int) - 100).max() <= 3
    assert (resize(np.full((50, 70, 3), 93, np.uint8), (31, 99)) == 93).all()


def test_resize_to_the_same_size_is_a_copy() -> None:
    values = scene()
    result = resize(values, (40, 60))
    assert (result == values).all() and not np.shares_memory(result, values)
