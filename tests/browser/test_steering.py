"""Steering by hand: what is painted is where the compute goes, at the same budget."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from pag.steering import read_steering, steering_at
from tests.app.fake import FakePredictor
from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

CANVAS = "#steer-panel .pag-paint"
COUNTS = """() => {
    const page = window.pagExplorer.page;
    const grid = page.shown.fill.data.ponder;
    return [grid.rows, grid.columns, grid.layers];
}"""
# The marks as the page shows them, read off its canvas: 1 where the blue is, -1 where the pink is.
MARKS = """() => {
    const canvas = document.querySelector('.pag-painted');
    const {width, height} = canvas;
    const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
    let marks = '';
    for (let i = 0; i < data.length; i += 4) {
        marks += String.fromCharCode(data[i + 3] === 0 ? 0 : data[i] < 128 ? 1 : 255);
    }
    return [height, width, btoa(marks)];
}"""


def grid_of(visitor: Visitor, script: str) -> np.ndarray:
    rows, columns, data = visitor.page.evaluate(script)
    return np.frombuffer(base64.b64decode(data), np.int8).reshape(rows, columns).astype(float)


def ready(visitor: Visitor, folder: Path) -> Path:
    """A photo of our own, and the tab open."""
    path = visitor.choose_own(folder)
    visitor.until_swept()
    visitor.open_tab("steer")
    visitor.page.wait_for_selector(CANVAS)
    visitor.page.check("#steer-brush input[value=spend]")
    return path


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
    guest: Visitor, fake: FakePredictor, tmp_path: Path
) -> None:
    ready(guest, tmp_path)
    before, plain, spent = grid_of(guest, COUNTS), guest.scene(), achieved(guest)
    paint(guest, "spend", (0.15, 0.2), (0.15, 0.8))
    steered = guest.until_scene(plain)
    paint(guest, "skip", (0.8, 0.3), (0.8, 0.7))
    guest.until_scene(steered)
    marks = grid_of(guest, MARKS)
    after = grid_of(guest, COUNTS)
    over = steering_at(marks, (after.shape[0], after.shape[1]))
    assert (over > 0).mean() > 0.05 and (over < 0).mean() > 0.05
    # What the server was given is what is seen on the canvas.
    given = last_map(fake)
    assert np.array_equal(steering_at(given, (marks.shape[0], marks.shape[1])), marks)
    assert after[over > 0].mean() > before[over > 0].mean() + 2
    assert after[over < 0].mean() < before[over < 0].mean() - 2
    assert achieved(guest) == pytest.approx(spent, abs=0.005)
    assert achieved(guest) == pytest.approx(0.6, abs=0.005)
    # The pins of all pictures have stayed free: painting keeps no place.
    assert guest.page.evaluate("document.body.dataset.pin") != "fixed"


def test_a_painting_that_was_not_answered_is_asked_about_again(
    guest: Visitor, tmp_path: Path
) -> None:
    """As where too many stand in line."""
    ready(guest, tmp_path)
    plain, line = guest.scene(), re.compile(r"/queue/join")
    guest.page.route(line, lambda route: route.fulfill(status=503, json={"detail": "full"}))
    with guest.page.expect_response(line):
        paint(guest, "spend", (0.15, 0.2), (0.15, 0.8))
    marks = grid_of(guest, MARKS)
    guest.page.unroute(line)
    guest.until_scene(plain)
    assert np.array_equal(grid_of(guest, MARKS), marks)
    guest.errors = [error for error in guest.errors if "503" not in error]


def test_it_says_in_numbers_what_changed(
    guest: Visitor, fake: FakePredictor, tmp_path: Path
) -> None:
    path = ready(guest, tmp_path)
    plain = guest.scene()
    paint(guest, "spend", (0.2, 0.2), (0.2, 0.8))
    guest.until_scene(plain)
    guest.page.wait_for_function(
        "document.querySelector('#steer-change').innerText.includes('layers ran on average')"
    )
    said = text(guest, "#steer-change")
    match = re.search(r"spend here, ([\d.]+) of 15 layers .*? marks ([\d.]+)\.", said)
    assert match is not None, said
    steer = last_map(fake)
    inside = steering_at(steer, (150, 200)) > 0
    after, before = (fake(path, 0.6, steer=given) for given in (steer, None))
    for number, answer in ((match[1], after), (match[2], before)):
        assert float(number) == pytest.approx(answer.ponder_layers[inside].mean(), abs=0.051)
    assert float(match[1]) > float(match[2]) + 2
    assert "skip here" not in said
    assert re.search(r"Budget: 0\.(59|60)\d achieved, 0\.(59|60)\d without; 0\.60", said)
    # Another budget has other numbers; at full budget there is nothing to steer.
    guest.until_swept()
    guest.move_slider(guest.budgets()[2])
    guest.page.wait_for_function(
        "old => !document.querySelector('#steer-change').innerText.includes(old)", arg=match[0]
    )
    guest.move_slider(1.0)
    guest.page.wait_for_function(
        "document.querySelector('#steer-change').innerText.includes('every layer runs everywhere')"
    )


def test_a_steered_answer_has_a_sweep_and_is_taken_back(
    guest: Visitor, fake: FakePredictor, tmp_path: Path
) -> None:
    ready(guest, tmp_path)
    plain, outputs = guest.scene(), grid_of(guest, COUNTS)
    assert guest.page.locator("#numbers .pag-steered").count() == 0
    paint(guest, "skip", (0.5, 0.2), (0.5, 0.8))
    guest.until_scene(plain)
    guest.until_swept()
    assert re.search(r"Steered by hand\. 0% .* \d+% “skip here”", text(guest, "#numbers"))
    inside = grid_of(guest, MARKS) < 0
    calls: list[Any] = list(fake.calls)
    shares: list[float] = []
    for budget in guest.budgets()[2:-1]:
        guest.move_slider(budget)
        guest.until_numbers(rf"Requested {budget:.2f}")
        assert achieved(guest) == pytest.approx(budget, abs=0.005)
        counts = grid_of(guest, COUNTS)
        shares.append(counts[steering_at(inside, (counts.shape[0], counts.shape[1]))].mean())
        assert shares[-1] < counts.mean()
    assert shares == sorted(shares)
    steered = [steer for steer in fake.steers[len(calls) :] if steer is not None]
    assert steered == []  # the slider was answered from the sweep
    guest.move_slider(0.6)
    guest.until_numbers(r"Requested 0\.60")
    guest.page.click("#numbers .pag-unsteer")
    guest.page.wait_for_function("id => document.body.dataset.scene === id", arg=plain)
    guest.until_numbers(r"Requested 0\.60")
    assert guest.page.locator(".pag-steered").count() == 0
    assert (grid_of(guest, MARKS) == 0).all()
    assert text(guest, "#steer-change") == ""
    assert np.array_equal(grid_of(guest, COUNTS), outputs)


def test_the_eraser_takes_marks_away_and_clear_all_of_them(guest: Visitor, tmp_path: Path) -> None:
    ready(guest, tmp_path)
    plain = guest.scene()
    paint(guest, "spend", (0.3, 0.5), (0.7, 0.5))
    first = guest.until_scene(plain)
    whole = (grid_of(guest, MARKS) > 0).sum()
    paint(guest, "erase", (0.6, 0.5), (0.9, 0.5))
    guest.until_scene(first)
    left = grid_of(guest, MARKS)
    assert 0.3 * whole < (left > 0).sum() < 0.8 * whole
    assert (left[:, int(0.7 * left.shape[1]) :] == 0).all()
    guest.page.click("#steer-clear")
    guest.page.wait_for_function("id => document.body.dataset.scene === id", arg=plain)
    assert text(guest, "#steer-status") == "Nothing is painted."


def test_marks_are_made_by_keys(visitor: Visitor, tmp_path: Path) -> None:
    ready(visitor, tmp_path)
    plain = visitor.scene()
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
    visitor.until_scene(plain)
    press("e")
    assert (grid_of(visitor, MARKS) >= 0).all()
    press("Space")  # the brush that is chosen
    assert (grid_of(visitor, MARKS) > 0).sum() > (marks > 0).sum()


def test_no_mark_is_lost_while_an_answer_is_on_its_way(guest: Visitor, tmp_path: Path) -> None:
    ready(guest, tmp_path)
    plain = guest.scene()
    guest.page.locator(CANVAS).focus()
    # As between a new scene and its first pictures.
    guest.page.evaluate("Object.assign(window.pagExplorer.page, {shown: null, wanted: null})")
    guest.page.keyboard.press("s")
    assert (grid_of(guest, MARKS) > 0).any()
    guest.until_scene(plain)
    assert (grid_of(guest, MARKS) > 0).any()


def test_another_photo_starts_without_marks(guest: Visitor, tmp_path: Path) -> None:
    ready(guest, tmp_path)
    plain = guest.scene()
    paint(guest, "spend", (0.3, 0.5), (0.7, 0.5))
    guest.until_scene(plain)
    guest.choose_own(tmp_path, height=100, width=130)
    assert guest.page.locator(".pag-steered").count() == 0
    assert (grid_of(guest, MARKS) == 0).all()


def test_other_settings_keep_the_marks(
    visitor: Visitor, fake: FakePredictor, tmp_path: Path
) -> None:
    ready(visitor, tmp_path)
    plain = visitor.scene()
    paint(visitor, "spend", (0.3, 0.5), (0.7, 0.5))
    steered = visitor.until_scene(plain)
    marks = grid_of(visitor, MARKS)
    visitor.page.click("#more button")
    visitor.page.click("#policy label:has-text('Adaptive')")
    visitor.until_scene(steered)
    visitor.until_numbers("adaptive policy")
    assert np.array_equal(grid_of(visitor, MARKS), marks)
    calls = zip(fake.calls, fake.steers, strict=True)
    assert any(call[1] == "adaptive" and steer is not None for call, steer in calls)


def test_the_map_is_saved_for_the_command_line(
    guest: Visitor, fake: FakePredictor, tmp_path: Path
) -> None:
    ready(guest, tmp_path)
    plain = guest.scene()
    paint(guest, "spend", (0.2, 0.5), (0.3, 0.6))
    steered = guest.until_scene(plain)
    paint(guest, "skip", (0.8, 0.5), (0.7, 0.4))
    guest.until_scene(steered)
    with guest.page.expect_download() as download:
        guest.page.click("#steer-save")
    assert download.value.suggested_filename == "steering-map.png"
    saved = read_steering(Path(download.value.path()).read_bytes())
    given = last_map(fake)
    assert set(np.unique(saved)) == {-1.0, 0.0, 1.0}
    assert np.array_equal(steering_at(saved, (150, 200)), steering_at(given, (150, 200)))
    with Image.open(io.BytesIO(Path(download.value.path()).read_bytes())) as picture:
        assert picture.format == "PNG"


def test_what_is_no_painting_is_explained_and_the_answer_stays(
    guest: Visitor, tmp_path: Path
) -> None:
    ready(guest, tmp_path)
    plain = guest.scene()
    ask = """painting => {
        const page = window.pagExplorer.page;
        const photo = page.scene.fill.data.painting.photo;
        page.channels.steer.ask({photo, budget: 0.6, painting});
    }"""
    guest.page.evaluate(ask, {"rows": 2, "columns": 2, "cells": [0, 1, 0, 5]})
    notice = "#numbers .pag-notice"
    guest.page.wait_for_selector(notice)
    assert "from -1 (skip here) to 1 (spend here)" in text(guest, notice)
    assert guest.scene() == plain


def test_a_finger_paints(browser: Browser, url: str, tmp_path: Path) -> None:
    context: Any = browser.new_context(has_touch=True, viewport={"width": 390, "height": 844})
    visitor = Visitor(context, url, width=390)
    ready(visitor, tmp_path)
    plain = visitor.scene()
    visitor.page.locator(CANVAS).scroll_into_view_if_needed()
    session = context.new_cdp_session(visitor.page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y} for x, y in (place(visitor, *at) for at in places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (0.3, 0.3))
    for step in range(1, 6):
        touch("touchMove", (0.3, 0.3 + step / 12))
    touch("touchEnd")
    visitor.until_scene(plain)
    marks = grid_of(visitor, MARKS)
    column = marks[:, int(0.3 * marks.shape[1])]
    assert column[int(0.31 * len(column)) : int(0.7 * len(column))].all()  # a line, no dots
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
    visitor.leave()
    context.close()
