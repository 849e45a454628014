"""Files that are taken away: decoded, they are what the record says."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app import content
from app.actions import Desk, Wish
from app.comparison import compare_summary
from app.figures.files import FORMATS, PICTURES, coloured, file_of
from app.figures.png16 import png16
from app.report import html_report
from app.session import Session, Settings
from app.views import takeaway
from app.words import guide
from app.words import takeaway as words
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
    for what in ("zip", "report", "depth"):
        question = {"what": what, "format": "png", "budget": 0.5}
        with pytest.raises(InputError, match=re.escape(content.NOTHING_TO_DOWNLOAD)):
            takeaway.make(Session(), question, desk, str(tmp_path))


def test_a_bad_budget_is_explained(desk: Desk, session: Session, tmp_path: Path) -> None:
    with pytest.raises(BudgetError, match=r"0\.20 to 1"):
        takeaway.make(session, {"what": "report", "budget": "all"}, desk, str(tmp_path))


# ---------------------------------------------------------------- the report


class Page(HTMLParser):
    """What is on a page: tags, addresses, and the text."""

    VOID = ("meta", "img", "link", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.addresses: list[str] = []
        self.alts: list[str] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "action", "data"):
                self.addresses.append(value or "")
            if name == "alt":
                self.alts.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def report(answer: Inference) -> str:
    others = [build_inference(60, 85, seed=4, budget=b) for b in (0.3, 0.6, 1.0)]
    return html_report(answer, Settings(0.6, size=320, labels="street"), others)


def test_the_report_is_one_file_without_network(report: str) -> None:
    page = Page(report)
    assert "script" not in page.seen
    assert len(page.addresses) == 1 + 4 + 1 + 2 + 1  # photo, outputs, ball, compute, gates
    assert all(address.startswith("data:image/") for address in page.addresses)
    assert all(len(alt) > 10 for alt in page.alts)
    assert not re.search(r"url\(|@import|https?://", report)
    assert "@media print" in report


def test_the_report_says_what_the_record_says(report: str, answer: Inference) -> None:
    text = re.sub(r"\s+", " ", Page(report).text)
    assert f"{answer.budget_achieved:.3f}" in text
    assert answer.checkpoint in text
    assert "320 px, seen at 85 × 60" in text
    assert "170 × 121 px" in text
    for gate in answer.gates:
        row = f"{gate.name}{gate.stride}{gate.active_fraction:.1%}{gate.macs_executed / 1e6:.1f}"
        assert row in text
    for term, meaning in guide.TERMS.items():
        assert term.capitalize() in text
        assert meaning in text
    assert "--budget 0.60 --policy exact --execution auto --labels street --size 320" in text
    assert "kong2019pag" in text


def test_the_report_sets_the_budgets_side_by_side(report: str, answer: Inference) -> None:
    text = Page(report).text
    low, full = (build_inference(60, 85, seed=4, budget=b) for b in (0.3, 1.0))
    alike = compare_summary(low, full)["agreement"]
    assert f"{alike['segmentation']:.1%}{alike['depth']:.1%}{alike['normals']:.1f}°" in text
    assert words.BUDGETS not in Page(html_report(answer, Settings())).text


def test_the_report_is_the_same_for_the_same_records(report: str, answer: Inference) -> None:
    others = [build_inference(60, 85, seed=4, budget=b) for b in (0.3, 0.6, 1.0)]
    assert report == html_report(answer, Settings(0.6, size=320, labels="street"), others)


def test_a_report_of_fewer_tasks() -> None:
    page = Page(html_report(build_inference(40, 50, tasks=("depth",)), Settings()))
    assert content.DEPTH in page.text
    assert content.BOUNDARY not in page.text


def test_the_report_of_the_page_knows_the_other_budgets(
    desk: Desk, session: Session, tmp_path: Path
) -> None:
    for budget in desk.budgets[::4]:
        desk.step(session, budget)
    path = takeaway.make(session, {"what": "report", "budget": 0.5}, desk, str(tmp_path))
    text = Page(Path(path).read_text(encoding="utf-8")).text
    assert words.BUDGETS in text
    for budget in desk.budgets[::4]:
        assert f"{budget:.2f}" in text


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
