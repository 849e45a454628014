"""Steering by hand: what is painted is where the compute goes, at the same budget."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from pag.steering import read_steering, steering_at
from tests.app.fake import FakePredictor
from tests.app.photos import write_photo
from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

CANVAS = "#steer-panel .pag-paint"
COUNTS = """() => {
    const page = window.pagExplorer.page;
    const grid = page.shown.fill.data.ponder;
    const bytes = Uint8Array.from(atob(grid.layers), letter => letter.charCodeAt(0));
    return [grid.rows, grid.columns, [...bytes]];
}"""
# The marks as the page shows them, read off its canvas: 1 where the blue is, -1 where the pink is.
MARKS = """() => {
    const canvas = document.querySelector('.pag-painted');
    const {width, height} = canvas;
    const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
    const marks = [];
    for (let i = 0; i < data.length; i += 4) {
        marks.push(data[i + 3] === 0 ? 0 : data[i] < 128 ? 1 : -1);
    }
    return [height, width, marks];
}"""


def grid_of(visitor: Visitor, script: str) -> np.ndarray:
    rows, columns, values = visitor.page.evaluate(script)
    return np.array(values, float).reshape(rows, columns)


def ready(visitor: Visitor, folder: Path, name: str = "mine.png", seed: int = 5) -> None:
    """A photo of our own, and the tab open."""
    visitor.choose(write_photo(folder / name, 150, 200, seed=seed))
    visitor.until_numbers("200 × 150")
    visitor.until_swept()
    visitor.open_tab("steer")
    visitor.page.wait_for_selector(CANVAS)


def place(visitor: Visitor, x: float, y: float) -> tuple[float, float]:
    box = visitor.page.locator(CANVAS).bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def paint(visitor: Visitor, brush: str, *places: tuple[float, float], size: int = 16) -> None:
    visitor.page.check(f"#steer-brush input[value={brush}]")
    visitor.page.locator("#steer-size input").fill(str(size))
    visitor.page.locator(CANVAS).scroll_into_view_if_needed()
    visitor.page.mouse.move(*place(visitor, *places[0]))
    visitor.page.mouse.down()
    for at in places[1:]:
        visitor.page.mouse.move(*place(visitor, *at), steps=4)
    visitor.page.mouse.up()


def until_scene(visitor: Visitor, before: str) -> str:
    visitor.page.wait_for_function(
        "old => document.body.dataset.scene !== old && window.pagExplorer.page.shown", arg=before
    )
    return scene(visitor)


def scene(visitor: Visitor) -> str:
    return visitor.page.evaluate("document.body.dataset.scene")


def last_map(fake: FakePredictor) -> np.ndarray:
    """The last steering map handed in; the unsteered answer is asked for to compare with."""
    return next(steer for steer in reversed(fake.steers) if steer is not None)


def achieved(visitor: Visitor) -> float:
    match = re.search(r"Achieved ([\d.]+)", visitor.numbers())
    assert match is not None
    return float(match[1])


def text(visitor: Visitor, selector: str) -> str:
    return re.sub(r"\s+", " ", visitor.page.inner_text(selector)).strip()


def test_painting_moves_the_compute_at_the_same_budget(
    visitor: Visitor, fake: FakePredictor, tmp_path: Path
) -> None:
    ready(visitor, tmp_path)
    before, plain, spent = grid_of(visitor, COUNTS), scene(visitor), achieved(visitor)
    paint(visitor, "spend", (0.15, 0.2), (0.15, 0.8))
    steered = until_scene(visitor, plain)
    paint(visitor, "skip", (0.8, 0.3), (0.8, 0.7))
    until_scene(visitor, steered)
    marks = grid_of(visitor, MARKS)
    after = grid_of(visitor, COUNTS)
    over = steering_at(marks, (after.shape[0], after.shape[1]))
    assert (over > 0).mean() > 0.05 and (over < 0).mean() > 0.05
    # What the server was given is what is seen on the canvas.
    given = last_map(fake)
    assert np.array_equal(steering_at(given, (marks.shape[0], marks.shape[1])), marks)
    assert after[over > 0].mean() > before[over > 0].mean() + 2
    assert after[over < 0].mean() < before[over < 0].mean() - 2
    assert achieved(visitor) == pytest.approx(spent, abs=0.005)
    assert achieved(visitor) == pytest.approx(0.6, abs=0.005)
    # The pins of all pictures have stayed free: painting keeps no place.
    assert visitor.page.evaluate("document.body.dataset.pin") != "fixed"


def test_a_painting_that_was_not_answered_is_asked_about_again(
    visitor: Visitor, tmp_path: Path
) -> None:
    """As where too many stand in line."""
    ready(visitor, tmp_path)
    plain, line = scene(visitor), re.compile(r"/queue/join")
    visitor.page.route(line, lambda route: route.fulfill(status=503, json={"detail": "full"}))
    with visitor.page.expect_response(line):
        paint(visitor, "spend", (0.15, 0.2), (0.15, 0.8))
    marks = grid_of(visitor, MARKS)
    visitor.page.unroute(line)
    until_scene(visitor, plain)
    assert np.array_equal(grid_of(visitor, MARKS), marks)
    visitor.errors = [error for error in visitor.errors if "503" not in error]


def test_it_says_in_numbers_what_changed(
    visitor: Visitor, fake: FakePredictor, tmp_path: Path
) -> None:
    ready(visitor, tmp_path)
    plain = scene(visitor)
    paint(visitor, "spend", (0.2, 0.2), (0.2, 0.8))
    until_scene(visitor, plain)
    visitor.page.wait_for_function(
        "document.querySelector('#steer-change').innerText.includes('layers ran on average')"
    )
    said = text(visitor, "#steer-change")
    match = re.search(r"spend here, ([\d.]+) of 15 layers .*? marks ([\d.]+)\.", said)
    assert match is not None, said
    steer = last_map(fake)
    inside = steering_at(steer, (150, 200)) > 0
    after, before = (fake(tmp_path / "mine.png", 0.6, steer=given) for given in (steer, None))
    for number, answer in ((match[1], after), (match[2], before)):
        assert float(number) == pytest.approx(answer.ponder_layers[inside].mean(), abs=0.051)
    assert float(match[1]) > float(match[2]) + 2
    assert "skip here" not in said
    assert re.search(r"Budget: 0\.(59|60)\d achieved, 0\.(59|60)\d without; 0\.60", said)
    # Another budget has other numbers; at full budget there is nothing to steer.
    visitor.until_swept()
    visitor.move_slider(visitor.budgets()[2])
    visitor.page.wait_for_function(
        "old => !document.querySelector('#steer-change').innerText.includes(old)", arg=match[0]
    )
    visitor.move_slider(1.0)
    visitor.page.wait_for_function(
        "document.querySelector('#steer-change').innerText.includes('every layer runs everywhere')"
    )


def test_a_steered_answer_has_a_sweep_and_is_taken_back(
    visitor: Visitor, fake: FakePredictor, tmp_path: Path
) -> None:
    ready(visitor, tmp_path)
    plain, outputs = scene(visitor), grid_of(visitor, COUNTS)
    assert visitor.page.locator("#numbers .pag-steered").count() == 0
    paint(visitor, "skip", (0.5, 0.2), (0.5, 0.8))
    until_scene(visitor, plain)
    visitor.until_swept()
    assert re.search(r"Steered by hand\. 0% .* \d+% “skip here”", text(visitor, "#numbers"))
    inside = grid_of(visitor, MARKS) < 0
    calls: list[Any] = list(fake.calls)
    shares: list[float] = []
    for budget in visitor.budgets()[2:-1:3]:
        visitor.move_slider(budget)
        visitor.until_numbers(rf"Requested {budget:.2f}")
        assert achieved(visitor) == pytest.approx(budget, abs=0.005)
        counts = grid_of(visitor, COUNTS)
        shares.append(counts[steering_at(inside, (counts.shape[0], counts.shape[1]))].mean())
        assert shares[-1] < counts.mean()
    assert shares == sorted(shares)
    steered = [steer for steer in fake.steers[len(calls) :] if steer is not None]
    assert steered == []  # the slider was answered from the sweep
    visitor.move_slider(0.6)
    visitor.until_numbers(r"Requested 0\.60")
    visitor.page.click("#numbers .pag-unsteer")
    visitor.page.wait_for_function("id => document.body.dataset.scene === id", arg=plain)
    visitor.until_numbers(r"Requested 0\.60")
    assert visitor.page.locator(".pag-steered").count() == 0
    assert (grid_of(visitor, MARKS) == 0).all()
    assert text(visitor, "#steer-change") == ""
    assert np.array_equal(grid_of(visitor, COUNTS), outputs)


def test_the_eraser_takes_marks_away_and_clear_all_of_them(
    visitor: Visitor, tmp_path: Path
) -> None:
    ready(visitor, tmp_path)
    plain = scene(visitor)
    paint(visitor, "spend", (0.3, 0.5), (0.7, 0.5))
    first = until_scene(visitor, plain)
    whole = (grid_of(visitor, MARKS) > 0).sum()
    paint(visitor, "erase", (0.6, 0.5), (0.9, 0.5))
    until_scene(visitor, first)
    left = grid_of(visitor, MARKS)
    assert 0.3 * whole < (left > 0).sum() < 0.8 * whole
    assert (left[:, int(0.7 * left.shape[1]) :] == 0).all()
    visitor.page.click("#steer-clear")
    visitor.page.wait_for_function("id => document.body.dataset.scene === id", arg=plain)
    assert text(visitor, "#steer-status") == "Nothing is painted."


def test_marks_are_made_by_keys(visitor: Visitor, tmp_path: Path) -> None:
    ready(visitor, tmp_path)
    plain = scene(visitor)
    visitor.page.locator("#steer-size input").fill("8")
    visitor.page.locator(CANVAS).focus()
    press = visitor.page.keyboard.press
    for _ in range(2):
        press("Shift+ArrowLeft")
    press("s")
    assert re.match(r"x \d+, y \d+: spend here", text(visitor, "#steer-status"))
    for _ in range(4):
        press("Shift+ArrowRight")
    press("k")
    marks = grid_of(visitor, MARKS)
    middle = marks.shape[0] // 2
    assert marks[middle, int(0.3 * marks.shape[1])] == 1
    assert marks[middle, int(0.7 * marks.shape[1])] == -1
    until_scene(visitor, plain)
    press("e")
    assert (grid_of(visitor, MARKS) >= 0).all()
    press("Space")  # the brush that is chosen
    assert (grid_of(visitor, MARKS) > 0).sum() > (marks > 0).sum()


def test_no_mark_is_lost_while_an_answer_is_on_its_way(visitor: Visitor, tmp_path: Path) -> None:
    ready(visitor, tmp_path)
    plain = scene(visitor)
    visitor.page.locator(CANVAS).focus()
    # As between a new scene and its first pictures.
    visitor.page.evaluate("Object.assign(window.pagExplorer.page, {shown: null, wanted: null})")
    visitor.page.keyboard.press("s")
    assert (grid_of(visitor, MARKS) > 0).any()
    until_scene(visitor, plain)
    assert (grid_of(visitor, MARKS) > 0).any()


def test_another_photo_starts_without_marks(visitor: Visitor, tmp_path: Path) -> None:
    ready(visitor, tmp_path)
    plain = scene(visitor)
    paint(visitor, "spend", (0.3, 0.5), (0.7, 0.5))
    until_scene(visitor, plain)
    visitor.choose(write_photo(tmp_path / "other.png", 100, 130, seed=8))
    visitor.until_numbers("130 × 100")
    assert visitor.page.locator(".pag-steered").count() == 0
    assert (grid_of(visitor, MARKS) == 0).all()


def test_other_settings_keep_the_marks(
    visitor: Visitor, fake: FakePredictor, tmp_path: Path
) -> None:
    ready(visitor, tmp_path)
    plain = scene(visitor)
    paint(visitor, "spend", (0.3, 0.5), (0.7, 0.5))
    steered = until_scene(visitor, plain)
    marks = grid_of(visitor, MARKS)
    visitor.page.click("#more button")
    visitor.page.click("#policy label:has-text('Adaptive')")
    until_scene(visitor, steered)
    visitor.until_numbers("adaptive policy")
    assert np.array_equal(grid_of(visitor, MARKS), marks)
    calls = zip(fake.calls, fake.steers, strict=True)
    assert any(call[1] == "adaptive" and steer is not None for call, steer in calls)


def test_the_map_is_saved_for_the_command_line(
    visitor: Visitor, fake: FakePredictor, tmp_path: Path
) -> None:
    ready(visitor, tmp_path)
    plain = scene(visitor)
    paint(visitor, "spend", (0.2, 0.5), (0.3, 0.6))
    steered = until_scene(visitor, plain)
    paint(visitor, "skip", (0.8, 0.5), (0.7, 0.4))
    until_scene(visitor, steered)
    with visitor.page.expect_download() as download:
        visitor.page.click("#steer-save")
    assert download.value.suggested_filename == "steering-map.png"
    saved = read_steering(Path(download.value.path()).read_bytes())
    given = last_map(fake)
    assert set(np.unique(saved)) == {-1.0, 0.0, 1.0}
    assert np.array_equal(steering_at(saved, (150, 200)), steering_at(given, (150, 200)))
    with Image.open(io.BytesIO(Path(download.value.path()).read_bytes())) as picture:
        assert picture.format == "PNG"


def test_what_is_no_painting_is_explained_and_the_answer_stays(
    visitor: Visitor, tmp_path: Path
) -> None:
    ready(visitor, tmp_path)
    plain = scene(visitor)
    ask = """painting => {
        const page = window.pagExplorer.page;
        const photo = page.scene.fill.data.painting.photo;
        page.channels.steer.ask({photo, budget: 0.6, painting});
    }"""
    visitor.page.evaluate(ask, {"rows": 2, "columns": 2, "cells": [0, 1, 0, 5]})
    notice = "#numbers .pag-notice"
    visitor.page.wait_for_selector(notice)
    assert "from -1 (skip here) to 1 (spend here)" in text(visitor, notice)
    assert scene(visitor) == plain


def test_a_finger_paints(browser: Browser, url: str, tmp_path: Path) -> None:
    context: Any = browser.new_context(has_touch=True, viewport={"width": 390, "height": 844})
    visitor = Visitor(context, url, width=390)
    ready(visitor, tmp_path)
    plain = scene(visitor)
    visitor.page.locator(CANVAS).scroll_into_view_if_needed()
    session = context.new_cdp_session(visitor.page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y} for x, y in (place(visitor, *at) for at in places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (0.3, 0.3))
    for step in range(1, 6):
        touch("touchMove", (0.3, 0.3 + step / 12))
    touch("touchEnd")
    until_scene(visitor, plain)
    marks = grid_of(visitor, MARKS)
    column = marks[:, int(0.3 * marks.shape[1])]
    assert column[int(0.31 * len(column)) : int(0.7 * len(column))].all()  # a line, no dots
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
    visitor.leave()
    context.close()
