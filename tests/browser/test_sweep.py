"""The slider is alive: the sweep runs behind, the slider answers from it, it plays and is saved."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.app.fake import Brake, FakePredictor
from tests.app.photos import write_photo
from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

ASKED = "**/queue/join*"
"""Where the page's questions go; the server answers that they stand in line."""
MOST_BEFORE = 2
"""Steps of the sweep before an answer that is waited for: the one that was in the network, and one
that was on its way there while the question came in."""


def test_the_first_answer_comes_first_and_the_sweep_fills_behind(
    guest: Visitor, fake: FakePredictor, brake: Brake, tmp_path: Path
) -> None:
    guest.until_swept()
    before = len(fake.calls)
    brake.hold(0.6)
    guest.choose_own(tmp_path)
    assert [call[0] for call in fake.calls[before:]] == [0.6]
    bar = guest.page.locator("#sweep [role=progressbar]")
    budgets = guest.budgets()
    for ready in range(len(budgets)):
        guest.page.wait_for_function(
            "count => document.querySelectorAll('#sweep .ready').length === count", arg=ready
        )
        assert bar.get_attribute("aria-valuenow") == str(ready)
        assert guest.page.get_attribute("#sweep", "data-state") == "running"
        brake.let()
    guest.until_swept()
    assert f"All {len(budgets)} budgets are ready" in guest.page.inner_text("#sweep")
    swept = {call[0] for call in fake.calls[before:]} - {0.6}
    assert sorted(swept) == pytest.approx(budgets)
    assert "Requested 0.60" in guest.numbers()  # what is shown stayed


def test_the_slider_answers_from_the_sweep_without_the_network(
    settled: Visitor, fake: FakePredictor
) -> None:
    calls = len(fake.calls)
    seen = {}
    for budget in settled.budgets():
        settled.move_slider(budget)
        settled.until_numbers(rf"Requested {budget:.2f}")
        seen[budget] = settled.picture("depth")
        assert settled.page.locator("[data-slot=preview]").inner_text() == ""
    assert len(fake.calls) == calls
    pictures = list(seen.values())
    assert all((a != b).any() for a, b in itertools.pairwise(pictures))


def test_between_two_budgets_the_nearest_is_shown_until_the_exact_one_is_there(
    guest: Visitor, brake: Brake, tmp_path: Path
) -> None:
    guest.choose_own(tmp_path)
    guest.until_swept()
    brake.hold()
    budgets = guest.budgets()
    asked = round((budgets[4] + budgets[5]) / 2 - 0.01, 2)
    guest.move_slider(asked)
    guest.page.wait_for_function(
        "document.querySelector('[data-slot=preview]').innerText.includes('is being computed')"
    )
    note = guest.page.inner_text("[data-slot=preview]")
    assert f"Shown: {budgets[4]:.2f}" in note
    assert f"{asked:.2f} is being computed" in note
    brake.release()
    guest.until_numbers(rf"Requested {asked:.2f}")
    assert guest.page.inner_text("[data-slot=preview]") == ""


def test_a_new_photo_stops_the_sweep_at_once(
    guest: Visitor, fake: FakePredictor, brake: Brake, tmp_path: Path
) -> None:
    guest.until_swept()
    brake.hold(0.6)
    guest.choose_own(tmp_path)
    brake.until_waiting()
    before = len(fake.calls)
    with guest.page.expect_response(ASKED):
        guest.choose(write_photo(tmp_path / "second.png", 100, 130, seed=7))
    brake.let(MOST_BEFORE)
    guest.until_numbers("130 × 100")
    assert [call[0] for call in fake.calls[before:]].index(0.6) <= MOST_BEFORE
    brake.release()
    guest.until_swept()
    assert guest.picture("depth").shape == (100, 130, 3)
    frames = guest.page.evaluate("window.pagExplorer.page.frames.size")
    assert (
        frames == len(guest.budgets()) + 1
    )  # the sweep's and the first answer's, of this photo alone


def test_a_new_setting_starts_the_sweep_again(visitor: Visitor, fake: FakePredictor) -> None:
    visitor.until_swept()
    before = len(fake.calls)
    visitor.page.click("#more button")
    visitor.page.click("#policy label:has-text('Adaptive')")
    visitor.until_numbers("adaptive policy")
    visitor.until_swept()
    assert [call[1] for call in fake.calls[before:]] == ["adaptive"] * (len(visitor.budgets()) + 1)


def test_what_is_said_of_time_is_measured_again_once_the_page_rests(
    guest: Visitor, fake: FakePredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest.until_swept()
    monkeypatch.setattr(fake, "device", "cpu")
    monkeypatch.setattr(fake, "seconds", 0.5)
    guest.choose_own(tmp_path)
    guest.until_swept()
    assert "500 ms network" in guest.numbers()
    pictures = guest.picture("depth")
    legend = guest.page.locator("#legend-segmentation li").first
    legend.focus()
    fake.seconds = 0.25
    guest.until_numbers("250 ms network")
    assert legend.evaluate("item => item === document.activeElement"), "nothing else is new"
    assert "250 ms here, 250 ms at full budget: 100%" in guest.numbers()
    assert (guest.picture("depth") == pictures).all()
    calls = len(fake.calls)
    for budget in guest.budgets():
        guest.move_slider(budget)
        guest.until_numbers(rf"Requested {budget:.2f}")
        assert "250 ms network" in guest.numbers()
    guest.page.wait_for_timeout(2500)
    assert len(fake.calls) == calls, "all have been timed already"


def hold_sweep(visitor: Visitor, brake: Brake, folder: Path, *free: float) -> None:
    """A new photo, its first answer there, its sweep held but for the budgets `free`."""
    visitor.until_swept()
    brake.hold(*free)
    visitor.choose_own(folder)
    brake.until_waiting()


def test_the_page_stays_usable_while_the_sweep_runs(
    guest: Visitor, fake: FakePredictor, brake: Brake, tmp_path: Path
) -> None:
    hold_sweep(guest, brake, tmp_path, 0.6, 0.97)
    before = len(fake.calls)
    with guest.page.expect_response(ASKED):
        guest.move_slider(0.97)
    brake.let(MOST_BEFORE)
    guest.until_numbers(r"Requested 0\.97")
    # It did not wait for the sweep.
    assert [call[0] for call in fake.calls[before:]].index(0.97) <= MOST_BEFORE
    assert guest.page.get_attribute("#sweep", "data-state") == "running"
    brake.release()
    guest.until_swept()


def test_a_sweep_that_is_sent_away_again_and_again_goes_on(
    guest: Visitor, brake: Brake, tmp_path: Path
) -> None:
    hold_sweep(guest, brake, tmp_path, 0.6)
    sent_away = "([...document.querySelectorAll('#sweep .ready')].length)"
    ready = guest.page.evaluate(sent_away)
    with guest.page.expect_response(ASKED):
        guest.move_slider(0.97)
    # Their own request is in the network now, and the next step is told to come later each time.
    brake.let(1)
    for _ in range(4):
        guest.page.wait_for_event("request", lambda request: "queue/join" in request.url)
    assert guest.page.evaluate(sent_away) <= ready + 1
    brake.release()
    guest.until_swept()


def test_a_step_without_an_answer_ends_the_sweep_until_the_slider_moves(
    guest: Visitor, brake: Brake, tmp_path: Path
) -> None:
    hold_sweep(guest, brake, tmp_path, 0.6)
    full = {"detail": "The queue is full."}
    guest.page.route(ASKED, lambda route: route.fulfill(status=503, json=full))
    brake.let(1)
    guest.page.wait_for_selector("#sweep[data-state=stopped]")
    guest.page.unroute(ASKED)
    guest.errors.clear()  # of the network
    brake.release()
    guest.move_slider(0.95)
    guest.until_swept()


def test_a_budget_is_typed_digit_by_digit(
    guest: Visitor, fake: FakePredictor, tmp_path: Path
) -> None:
    guest.choose_own(tmp_path)
    guest.until_swept()
    page = guest.page
    calls = len(fake.calls)
    box = page.locator("#budget input[type=number]")
    box.fill("")
    page.keyboard.type("0.45", delay=150)
    guest.until_numbers(r"Requested 0\.45")
    # The floor of 0.2 was never asked for, though "0" was in the box.
    assert {call[0] for call in fake.calls[calls:]} <= {0.4, 0.45}
    box.fill("")
    page.wait_for_timeout(300)
    assert "Requested 0.45" in guest.numbers()
    page.keyboard.press("Tab")
    assert box.input_value() == "0.45"
    box.fill("7")  # more than everything
    page.keyboard.press("Tab")
    guest.until_numbers(r"Requested 1\.00")
    assert box.input_value() == "1"
    assert page.locator("[data-testid=toast-body]").count() == 0


def test_an_animation_keeps_nobody_from_other_files(
    guest: Visitor, settled: Visitor, brake: Brake, tmp_path: Path
) -> None:
    guest.until_swept()  # else a step of the first photo's sweep may be held on its way
    brake.hold(0.6)
    guest.choose_own(tmp_path)
    with guest.page.expect_response(ASKED):
        guest.page.click("#save-gif")
    with settled.page.expect_download() as download:
        settled.page.click("#download")
    assert download.value.suggested_filename == "pag-explorer.zip"
    with guest.page.expect_download() as download:
        brake.release()
    assert download.value.suggested_filename == "pag-explorer-sweep.gif"


def test_the_sweep_plays_and_the_slider_stands_where_it_was_stopped(settled: Visitor) -> None:
    page = settled.page
    button = page.locator("#sweep .pag-play")
    button.focus()
    page.keyboard.press("Enter")  # by keyboard
    assert "Pause" in button.inner_text()
    assert button.get_attribute("aria-pressed") is None  # "Pause, pressed" would say that it rests
    seen = set()
    until = time.monotonic() + 60
    while len(seen) < 4 and time.monotonic() < until:
        seen.add(page.evaluate("document.body.dataset.budget"))
        page.wait_for_timeout(60)
    assert len(seen) >= 4
    button.click()
    assert "Play" in button.inner_text()
    page.wait_for_timeout(300)
    shown = page.evaluate("document.body.dataset.budget")
    value = page.evaluate("document.querySelector('#budget input[type=range]').value")
    assert float(value) == pytest.approx(float(shown), abs=0.006)
    settled.until_numbers(rf"Requested {float(shown):.2f}")


def test_the_slider_is_moved_by_keys(settled: Visitor) -> None:
    slider = settled.page.locator("#budget input[type=range]")
    slider.focus()
    settled.page.keyboard.press("End")
    settled.until_numbers(r"Requested 1\.00")
    settled.page.keyboard.press("Home")
    settled.until_numbers(r"Requested 0\.20")


@pytest.mark.parametrize("kind", ["WebP", "GIF"])
def test_the_sweep_is_saved_as_an_animation(settled: Visitor, kind: str) -> None:
    with settled.page.expect_download() as download:
        settled.page.click(f"#save-{kind.lower()}")
    assert download.value.suggested_filename == f"pag-explorer-sweep.{kind.lower()}"
    with Image.open(download.value.path()) as picture:
        assert picture.format == kind.upper()
        rising = len(settled.budgets())
        assert getattr(picture, "n_frames", 1) == 2 * rising - 2  # down again between the ends
        first = np.asarray(picture.convert("RGB"), int)
        picture.seek(rising - 1)
        assert (np.asarray(picture.convert("RGB"), int) != first).any()


def test_a_failed_step_is_said_and_can_be_tried_again(
    guest: Visitor, fake: FakePredictor, brake: Brake, tmp_path: Path
) -> None:
    guest.until_swept()
    brake.hold(0.6)
    guest.choose_own(tmp_path)
    brake.until_waiting()
    fake.fail = RuntimeError("a bug")
    brake.release()
    guest.page.wait_for_selector("#sweep[data-state=stopped]")
    assert "could not be computed" in guest.page.inner_text("#sweep")
    guest.move_slider(0.95)
    guest.until_swept()


CLOSED_LATE = """() => {
    const plain = window.fetch, text = new TextDecoder();
    window.fetch = async (...given) => {
        const response = await plain(...given);
        if (!String(given[0].url ?? given[0]).includes('/queue/data')) return response;
        const late = new TransformStream({async transform(chunk, out) {
            const closing = text.decode(chunk).includes('close_stream');
            if (closing) await new Promise(go => setTimeout(go, 300));
            out.enqueue(chunk);
        }});
        return new Response(response.body.pipeThrough(late), response);
    };
}"""


def test_an_answer_behind_the_word_of_closing_is_not_lost(browser: Browser, url: str) -> None:
    context = browser.new_context()
    context.add_init_script(f"({CLOSED_LATE})()")
    visitor = Visitor(context, url)
    visitor.until_swept()
    visitor.move_slider(0.77)
    visitor.until_numbers(r"Requested 0\.77")
    visitor.leave()
    context.close()


def test_who_waits_for_an_answer_asks_nothing_else(
    guest: Visitor, brake: Brake, tmp_path: Path
) -> None:
    guest.until_swept()
    hold_sweep(guest, brake, tmp_path, 0.6)
    asked: list[str] = []
    guest.page.on("request", lambda request: asked.append(request.url))
    guest.page.wait_for_timeout(5000)  # past the silence after which the page asks about nothing
    assert not [url for url in asked if "queue/join" in url]
    brake.release()
    guest.until_swept()
