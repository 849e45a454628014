"""Panels: as many updates as components, words instead of numbers, nothing unescaped."""

from __future__ import annotations

import zipfile
from pathlib import Path

import gradio as gr
import pytest

from app import content
from app.actions import Desk, Wish
from app.figures.raster import LegendItem
from app.session import Session
from app.views import cost, download, gates, markup, numbers, outputs, ponder, pooling
from pag import InputError, summary

VIEWS = {
    "numbers": numbers,
    "outputs": outputs,
    "ponder": ponder,
    "gates": gates,
    "pooling": pooling,
    "cost": cost,
}


@pytest.fixture
def session(desk: Desk, photo_file: Path) -> Session:
    return desk.open(Session(), photo_file, Wish())


@pytest.mark.parametrize("name", VIEWS)
def test_a_panel_has_one_update_for_each_component(name: str, session: Session) -> None:
    with gr.Blocks(analytics_enabled=False):
        components = VIEWS[name].build()
    for state in (Session(), session, session.told("a message")):
        updates = VIEWS[name].render(state)
        assert len(updates) == len(components)
        for component, update in zip(components, updates, strict=True):
            component.postprocess(update)  # Gradio can take it


def test_masks_and_maps_are_never_compressed_with_loss() -> None:
    with gr.Blocks(analytics_enabled=False):
        components = [c for view in VIEWS.values() for c in view.build()]
    pictures = [c for c in components if isinstance(c, gr.Image | gr.Gallery)]
    assert len(pictures) == 6
    assert {picture.format for picture in pictures} == {"png"}


def test_the_numbers_say_what_was_asked_and_what_was_met(session: Session) -> None:
    (html,) = numbers.render(session)
    assert session.answer is not None
    assert "<dd>0.60</dd>" in html
    assert f"<dd>{session.answer.budget_achieved:.3f}</dd>" in html
    assert f"of {session.answer.macs_dense / 1e9:.2f} billion" in html
    assert "ms network" in html
    assert "cpu, auto execution, exact policy" in html
    assert "120 × 90" in html  # width first, as people say it


def test_a_message_is_shown_with_the_numbers_and_is_no_markup(session: Session) -> None:
    (html,) = numbers.render(session.told("Not <b>this</b>"))
    assert "Not &lt;b&gt;this&lt;/b&gt;" in html
    assert 'role="alert"' in html
    assert "<dd>0.60</dd>" in html


def test_legends_escape_names() -> None:
    item = LegendItem("<script>", (1, 2, 3), 0.5)
    for html in (markup.legend([item]), markup.share_bars([item], title="<i>")):
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
        assert "#010203" in html
        assert "50%" in html


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (0.0004, "<0.1%"), (0.042, "4.2%"), (0.0996, "10%"), (0.634, "63%"), (1, "100%")],
)
def test_percent(share: float, text: str) -> None:
    assert markup.percent(share) == text


def test_milliseconds() -> None:
    assert content.milliseconds(0.0841) == "84 ms"
    assert content.milliseconds(1.239) == "1.24 s"


def test_the_depth_bar_has_metres(session: Session) -> None:
    bar = outputs.render(session)[5]
    assert bar.count(" m</span>") == 3


def test_the_zip_is_the_folder_of_predict(session: Session, tmp_path: Path) -> None:
    path = Path(download.make_zip(session, str(tmp_path)))
    assert path.is_relative_to(tmp_path)
    assert path.name == "pag-explorer.zip"
    assert session.answer is not None
    with zipfile.ZipFile(path) as archive:
        names = {Path(name).name for name in archive.namelist()}
        result = archive.read("pag-explorer/result.json").decode()
    assert names >= {"result.json", "segmentation.png", "boundary.png", "depth.npy", "gates.npz"}
    assert f'"macs_executed": {summary(session.answer)["macs_executed"]}' in result


def test_there_is_no_zip_without_an_answer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to download"):
        download.make_zip(Session(), str(tmp_path))
