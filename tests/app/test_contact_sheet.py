"""The contact sheet, with a stand-in for the network and a tiny folder of photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app import contact_sheet as command
from app.contact_sheet import SHIPPED, Shipped, find_photographs, main
from app.figures import contact_sheet as figures
from app.figures import outputs
from app.figures.contact_sheet import CELL, GAP, SheetRow, contact_sheet
from app.figures.outputs import same_class
from app.figures.steering import changed_classes
from app.words import contact_sheet as words
from pag import Inference
from tests.app.fake import FakePredictor
from tests.app.photos import photo, write_photo

RED = (200, 30, 30)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "Predictor", FakePredictor)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        assert picture.format == "JPEG" and picture.mode == "RGB"
        return np.asarray(picture).astype(float)


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_a_folder_of_photographs_becomes_a_sheet(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    write_photo(photos / "a.png")
    Image.new("RGB", (120, 90), RED).save(photos / "é.png")
    (photos / "notes.txt").write_text("not a picture")
    assert run("--photos", photos, "--out", tmp_path / "two.jpg") == 0
    (photos / "é.png").unlink()
    assert run("--photos", photos, "--out", tmp_path / "one.jpg") == 0
    two, one = pixels(tmp_path / "two.jpg"), pixels(tmp_path / "one.jpg")
    assert two.shape[1] == one.shape[1] == GAP + 6 * (CELL[0] + GAP)
    assert two.shape[0] > one.shape[0] + 180  # a photograph of 4:3 is shown 240x180
    red = np.abs(two - RED).max(axis=2) < 12
    assert 0.95 < red[:, : GAP + CELL[0]].sum() / (240 * 180) < 1.05
    top = int(np.flatnonzero(red.any(axis=1))[0])
    for column in range(6):  # each has a picture beside the photograph
        left = GAP + column * (CELL[0] + GAP)
        cell = two[top : top + 180, left : left + CELL[0]]
        assert (cell < 250).mean() > 0.02, column


def test_what_is_shown_is_at_full_budget_and_the_ponder_cost_at_the_lower_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, sheets = FakePredictor(), []
    monkeypatch.setattr(FakePredictor, "from_checkpoint", lambda *_: fake)

    def keep(rows: list[SheetRow], note: str) -> Image.Image:
        sheets.append((rows, note))
        return Image.new("RGB", (8, 8))

    monkeypatch.setattr(command, "contact_sheet", keep)
    write_photo(tmp_path / "a.png")
    arguments = ["--photos", tmp_path, "--out", tmp_path / "x.jpg", "--budget", 0.4]
    assert run(*arguments, "--labels", "street", "--size", 100) == 0
    assert fake.calls == [(b, "exact", "auto", 100, "street") for b in (1.0, 0.4)]
    (((row,), note),) = sheets
    assert (row.full.budget_requested, row.low.budget_requested) == (1.0, 0.4)
    checkpoint, gates = row.full.checkpoint, len(row.full.gates)
    assert row.words == ("a.png",)
    assert note == words.NOTE.format(checkpoint=checkpoint, size=100, gates=gates)


def test_the_photograph_is_shown_as_it_is(make_inference: Callable[..., Inference]) -> None:
    record = make_inference(height=216, width=240)
    sheet = np.asarray(contact_sheet([SheetRow(("a name", "whose"), record, record)]))
    rows = [
        y for y in range(80) if np.array_equal(sheet[y : y + 216, GAP : GAP + 240], record.image)
    ]
    assert len(rows) == 1
    with pytest.raises(ValueError, match="at least one row"):
        contact_sheet([])


def test_the_legend_has_the_classes_of_all_photographs(
    make_inference: Callable[..., Inference],
) -> None:
    rows = [SheetRow((), r, r) for r in (make_inference(seed=1), make_inference(seed=2))]
    sheet = np.asarray(contact_sheet(rows))
    foot = {tuple(c) for c in sheet[-60:].reshape(-1, 3).tolist()}
    for row in rows:
        for item in outputs.class_legend(row.full, 0.01):
            assert item.colour in foot


def test_all_that_is_written_is_in_the_words(
    make_inference: Callable[..., Inference], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {name: value for name, value in vars(words).items() if name.isupper()}
    for name, value in texts.items():
        marked = [f"¤{text}" for text in value] if isinstance(value, tuple) else f"¤{value}"
        monkeypatch.setattr(words, name, marked)
    written: list[str] = []
    monkeypatch.setattr(figures, "_write", lambda on, x, y, text, *_: written.append(text))
    record = make_inference()
    contact_sheet([SheetRow(("¤a name", "¤whose"), record, record)], "¤note")
    classes = {item.name for item in outputs.class_legend(record)}
    assert {text for text in written if not text.startswith("¤")} <= classes
    assert {text for text in written if text.startswith("¤class as")} == {
        "¤class as at full budget: 100%"
    }


def test_same_class(make_inference: Callable[..., Inference]) -> None:
    one, other = make_inference(seed=1), make_inference(seed=2)
    assert same_class(one, one) == 1 > same_class(one, other)
    assert one.segmentation is not None and other.segmentation is not None
    assert same_class(one, other) == (one.segmentation == other.segmentation).mean()
    assert changed_classes(one, other) == pytest.approx(1 - same_class(one, other))
    with pytest.raises(ValueError, match="not asked for"):
        same_class(one, make_inference(tasks=("depth",)))


def test_shipped_photographs_are_named_with_their_licence() -> None:
    found, missing = find_photographs()
    assert len(found) + len(missing) == len(SHIPPED)
    assert any(photograph.words[0] == "matplotlib: grace_hopper.jpg" for photograph in found)
    for shipped in SHIPPED:
        assert shipped.credit.endswith(("CC0", "public domain", "CC BY 2.0"))
        assert shipped.project != "gradio"  # which does not say whose its pictures are


def test_what_is_not_installed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = Shipped("no-such-project", "no_such_package", "x/y.png", "CC0")
    monkeypatch.setattr(
        command, "SHIPPED", (*(s for s in SHIPPED if s.project == "matplotlib"), absent)
    )
    assert run("--out", tmp_path / "sheet.jpg") == 0
    assert "left out: no-such-project: y.png" in capsys.readouterr().err
    monkeypatch.setattr(command, "SHIPPED", (absent,))
    with pytest.raises(SystemExit) as stop:
        run("--out", tmp_path / "sheet.jpg")
    assert stop.value.code == 2
    assert "no photograph is installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--photos": "empty"}, "no picture found"),
        ({"--photos": "bad"}, "app.contact_sheet: "),
        ({"--out": "absent/x.jpg"}, "cannot write the sheet"),
        ({"--model": "absent"}, "no model called 'absent'"),
    ],
)
def test_what_is_wrong_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], message: str
) -> None:
    for name in ("good", "bad", "empty"):
        (tmp_path / name).mkdir()
    Image.fromarray(photo()).save(tmp_path / "good" / "a.png")
    (tmp_path / "bad" / "a.png").write_text("not a picture")
    options = {"--photos": "good", "--out": "x.jpg"} | changes
    paths = {k: v if k == "--model" else tmp_path / v for k, v in options.items()}
    with pytest.raises(SystemExit) as stop:
        run(*(part for option in paths.items() for part in option))
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
