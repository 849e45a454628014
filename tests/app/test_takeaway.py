"""Files that are taken away: decoded, they are what the record says."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app import content
from app.actions import Desk
from app.comparison import compare_summary
from app.figures.files import FORMATS, PICTURES, coloured, file_of
from app.figures.png16 import png16
from app.session import Session
from app.views import takeaway
from app.wish import Wish
from pag import BudgetError, Inference, InputError, at_image_size
from tests.records import build_inference


def read_png16(data: bytes) -> np.ndarray:
    """A 16-bit PNG, decoded by the letter of its specification for the filters 0 and 2."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks: dict[bytes, bytes] = {}
    at = 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        (check,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert check == zlib.crc32(kind + body)
        chunks[kind] = chunks.get(kind, b"") + body
        at += 12 + length
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, rest) == (16, [0, 0, 0])
    channels = {0: 1, 2: 3}[colour]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    assert set(np.unique(rows[:, 0])) <= {0, 2}
    lines = np.zeros((height, rows.shape[1] - 1), np.uint8)
    above = np.zeros(rows.shape[1] - 1, np.uint8)
    for y, row in enumerate(rows):
        above = lines[y] = row[1:] + (above if row[0] == 2 else 0)
    levels = lines.view(">u2").reshape(height, width, channels).astype(np.uint16)
    return levels[..., 0] if channels == 1 else levels


@pytest.fixture(scope="module")
def answer() -> Inference:
    return build_inference(60, 85, seed=4, image_size=(121, 170))


def test_16_bit_files_hold_every_level() -> None:
    rng = np.random.default_rng(0)
    for shape in ((7, 5), (1, 1), (6, 9, 3)):
        levels = rng.integers(0, 65536, shape).astype(np.uint16)
        data = png16(levels)
        assert np.array_equal(read_png16(data), levels)
        with Image.open(io.BytesIO(data)) as picture:  # other programs read it too
            assert picture.size == (shape[1], shape[0])
            picture.load()
            if len(shape) == 2:
                assert np.array_equal(np.asarray(picture), levels)
            else:
                assert np.array_equal(np.asarray(picture), levels >> 8)
    with pytest.raises(ValueError, match="uint16"):
        png16(np.zeros((3, 3), np.uint8))
    with pytest.raises(ValueError, match=r"\(3, 3, 2\)"):
        png16(np.zeros((3, 3, 2), np.uint16))


@pytest.mark.parametrize("name", [name for name in PICTURES if name != "gates"])
def test_raw_files_are_the_values_at_the_photos_size(answer: Inference, name: str) -> None:
    expected = at_image_size(answer)[name]
    ending, data = file_of(answer, name, "npy")
    got = np.load(io.BytesIO(data))
    assert ending == "npy"
    assert got.dtype == expected.dtype
    assert np.array_equal(got, expected)
    ending, data = file_of(answer, name, "png")
    assert ending == "png"
    match name:
        case "boundary":
            assert np.abs(read_png16(data) / 65535 - expected).max() < 1e-5
        case "depth":
            assert np.abs(read_png16(data) / 1000 - expected).max() <= 0.00051
        case "normals":
            assert np.abs(read_png16(data) / 32767.5 - 1 - expected).max() < 2e-5
        case _:
            with Image.open(io.BytesIO(data)) as picture:
                assert np.array_equal(np.asarray(picture), expected)


def test_raw_gates_are_the_masks_on_their_own_grids(answer: Inference) -> None:
    ending, data = file_of(answer, "gates", "npy")
    masks = np.load(io.BytesIO(data))
    assert (ending, list(masks)) == ("npz", [gate.name for gate in answer.gates])
    ending, data = file_of(answer, "gates", "png")
    assert ending == "zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for gate in answer.gates:
            assert np.array_equal(masks[gate.name], gate.mask)
            with Image.open(io.BytesIO(archive.read(f"{gate.name}.png"))) as picture:
                assert np.array_equal(np.asarray(picture), gate.mask * 255)


@pytest.mark.parametrize("name", PICTURES)
def test_coloured_files_look_as_the_page(answer: Inference, name: str) -> None:
    first = build_inference(60, 85, seed=9)
    ending, data = file_of(answer, name, "coloured", first)
    with Image.open(io.BytesIO(data)) as picture:
        assert (ending, picture.format) == ("png", "PNG")
        expected = coloured(answer, name, first)
        assert picture.convert("RGB").tobytes() == expected.convert("RGB").tobytes()
        if name != "gates":
            assert picture.size == (85, 60)


def test_the_sheet_shows_gold_where_a_layer_ran() -> None:
    shut = np.asarray(coloured(build_inference(64, 96, gates="closed"), "gates")).astype(int)
    wide = np.asarray(coloured(build_inference(64, 96, gates="open"), "gates")).astype(int)
    assert shut.shape == wide.shape
    gold = (wide[..., 0] - wide[..., 2]).mean()
    assert gold > (shut[..., 0] - shut[..., 2]).mean() + 40


def test_unknown_files_are_no_files(answer: Inference) -> None:
    for name, kind in (("sound", "png"), ("depth", "exe")):
        with pytest.raises(ValueError, match="expected one of"):
            file_of(answer, name, kind)


# ---------------------------------------------------------------- asked for by the page


@pytest.fixture
def session(desk: Desk, photo_file: Path) -> Session:
    return desk.open(Session(), photo_file, Wish(0.5))


def test_the_page_gets_the_budget_that_it_shows(
    desk: Desk, session: Session, tmp_path: Path
) -> None:
    question = {"what": "depth", "format": "npy", "budget": 0.8}
    path = Path(takeaway.make(session, question, desk, str(tmp_path)))
    assert path.name == "pag-explorer-depth-raw-0.80.npy"
    assert tmp_path in path.parents
    expected = at_image_size(desk.answer_at(session, 0.8))["depth"]
    assert np.array_equal(np.load(path), expected)
    for kind in FORMATS:
        takeaway.make(session, question | {"format": kind}, desk, str(tmp_path))


def test_everything_is_the_folder_of_the_command(
    desk: Desk, session: Session, tmp_path: Path
) -> None:
    path = takeaway.make(session, {"what": "zip", "budget": 0.5}, desk, str(tmp_path))
    with zipfile.ZipFile(path) as archive:
        assert "pag-explorer/result.json" in archive.namelist()


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"what": "depth", "budget": 0.5},
        {"what": "../../etc/passwd", "format": "png", "budget": 0.5},
        {"what": ["depth"], "format": "png", "budget": 0.5},
        {"what": "depth", "format": {"a": 1}, "budget": 0.5},
    ],
    ids=str,
)
def test_what_is_no_file_is_explained(
    desk: Desk, session: Session, tmp_path: Path, question: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match="no such file"):
        takeaway.make(session, question, desk, str(tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()


def test_nothing_can_be_taken_before_an_answer(desk: Desk, tmp_path: Path) -> None:
    # The page says which budget it shows: then there was a photo, and it is forgotten.
    for budget, reason in ((None, content.NOTHING_TO_DOWNLOAD), (0.5, content.NO_PHOTO)):
        for what in ("zip", "report", "depth"):
            question = {"what": what, "format": "png", "budget": budget}
            with pytest.raises(InputError, match=re.escape(reason)):
                takeaway.make(Session(), question, desk, str(tmp_path))


def test_a_bad_budget_is_explained(desk: Desk, session: Session, tmp_path: Path) -> None:
    with pytest.raises(BudgetError, match=r"0\.20 to 1"):
        takeaway.make(session, {"what": "report", "budget": "all"}, desk, str(tmp_path))


# ---------------------------------------------------------------- agreement


def test_a_record_agrees_with_itself(answer: Inference) -> None:
    told = compare_summary(answer, answer)
    assert told["agreement"] == pytest.approx(
        {"segmentation": 1, "boundary": 0, "depth": 0, "normals": 0, "gates": 1}
    )
    assert told["cost"] == {"macs": 1, "seconds": 1}


def test_agreement_by_hand() -> None:
    import dataclasses

    b = build_inference(40, 50)
    assert b.depth is not None and b.segmentation is not None and b.boundary is not None
    ids = b.segmentation.copy()
    ids[:10] = (ids[:10] + 1) % len(b.classes)
    a = dataclasses.replace(b, depth=b.depth * 1.1, segmentation=ids, boundary=b.boundary * 0)
    told = compare_summary(a, b)["agreement"]
    assert told["segmentation"] == 0.75
    assert told["depth"] == pytest.approx(0.1, abs=1e-5)
    assert told["boundary"] == pytest.approx(b.boundary.mean(), abs=1e-6)
    less = compare_summary(build_inference(40, 50, tasks=("depth",)), b)["agreement"]
    assert set(less) == {"depth", "gates"}
    with pytest.raises(ValueError, match="expected the same"):
        compare_summary(a, build_inference(40, 60))
