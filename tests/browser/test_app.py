"""The page in a real Chromium: what a visitor does, and what they see."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app import content
from app.examples import find_examples
from app.memory import Memory
from app.ui import TABS
from tests.app.photos import bad_files, write_photo
from tests.browser.visitor import OUTPUTS, STEPS, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = pytest.mark.browser


def test_the_page_opens_with_an_example_in_all_panels(visitor: Visitor) -> None:
    numbers = visitor.until_numbers(r"Requested 0\.\d\d Achieved 0\.\d{3}")
    assert "billion" in numbers
    assert "network" in numbers
    sizes = {picture.shape for picture in visitor.outputs().values()}
    assert len(sizes) == 1
    page = visitor.page
    assert page.locator("#legend-segmentation li").count() >= 1
    assert "no boundary" in page.inner_text("#legend-boundary")
    assert page.inner_text("#legend-depth").count(" m") == 3
    assert page.locator("#legend-normals img").count() == 1
    page.wait_for_selector("#ponder-plot .heatmaplayer image")
    assert page.locator("#ponder-histogram li").count() == 16
    visitor.open_tab("gates")
    page.wait_for_selector("#gates .pag-tile >> nth=14")
    captions = page.locator("#gates .pag-caption").all_inner_texts()
    assert re.match(
        r"res2_1 · stride 4 · \d+% active\s+\d+ of \d+ million multiply-adds", captions[0].strip()
    )
    assert captions[-1].startswith("res5_3")
    visitor.open_tab("pooling")
    page.wait_for_selector("#dilation-map img[data-slot=dilation]")
    shares = page.locator("#dilation-legend .pag-share").all_inner_texts()
    assert len(shares) == 7
    visitor.open_tab("cost")
    page.wait_for_selector("#cost-plot .barlayer .point")
    assert page.locator("#cost-plot .barlayer .point").count() == 30
    assert "network" in page.inner_text("#seconds")


def test_a_photo_is_uploaded_and_the_slider_changes_masks_and_outputs(
    guest: Visitor, tmp_path: Path
) -> None:
    guest.open_tab("gates")
    example = guest.outputs()
    guest.choose_own(tmp_path, height=180, width=240)
    first = guest.outputs()
    assert all(picture.shape == (180, 240, 3) for picture in first.values())
    assert all(first[name].shape != example[name].shape for name in OUTPUTS)
    before = guest.picture("mask-res3_1")
    achieved = re.search(r"Achieved (\S+)", guest.numbers())

    guest.move_slider(0.9)
    numbers = guest.until_numbers(r"Requested 0\.90 Achieved 0\.(89|90)\d")
    second = guest.outputs()
    assert achieved is not None and achieved[1] not in numbers
    assert all(not np.array_equal(first[name], second[name]) for name in OUTPUTS)
    after = guest.picture("mask-res3_1")
    assert after.shape == before.shape == (23, 30, 3)
    assert (after != before).any()


def test_dragging_ends_at_the_last_value(settled: Visitor) -> None:
    for step in range(12):
        settled.move_slider(0.5 + step / 40)
        settled.page.wait_for_timeout(30)
    settled.move_slider(0.93)
    numbers = settled.until_numbers(r"Requested 0\.93")
    assert re.search(r"Achieved 0\.9[23]\d", numbers)


def test_nothing_moves_the_slider_unanswered(settled: Visitor) -> None:
    """The slider's own button to reset it, which sends no event, is not there."""
    assert settled.page.locator("#budget input").count() == 2
    assert settled.page.locator("#budget button").count() == 0


def test_bad_files_are_explained_and_the_answer_stays(guest: Visitor, tmp_path: Path) -> None:
    guest.until_swept()  # which adds what full budget took to the numbers
    shown = guest.numbers()
    before = [guest.source(name) for name in OUTPUTS]
    for path in bad_files(tmp_path).values():
        guest.choose(path)
        guest.page.wait_for_selector("#numbers [role=alert]")
        toast = guest.page.locator("[data-testid=toast-body]").first
        toast.wait_for()
        for words in (toast.inner_text(), guest.numbers()):
            assert "onerror" not in words
            assert str(tmp_path) not in words
        assert shown in guest.numbers()
        assert [guest.source(name) for name in OUTPUTS] == before
        guest.close_toasts()
    guest.choose(write_photo(tmp_path / "good.png", 60, 80))
    assert "80 × 60" in guest.until_numbers("80 × 60")
    assert guest.page.locator("#numbers [role=alert]").count() == 0


def test_examples_run_on_a_click(guest: Visitor) -> None:
    before = guest.until_numbers("Photo")
    guest.page.click("#examples .gallery-item >> nth=2")
    size = re.search(r"Photo (.+)", before)
    assert size is not None
    guest.page.wait_for_function(
        "old => !document.querySelector('#numbers').innerText.includes(old)",
        arg=size[1].split(",")[0],
    )
    assert "Achieved" in guest.numbers()


def test_examples_are_named_where_they_are_not_seen(settled: Visitor) -> None:
    page = settled.page
    names = [content.EXAMPLE_NAMES[path.name] for path in find_examples()]
    labels = "items => items.map(item => item.getAttribute('aria-label'))"
    assert page.eval_on_selector_all("#examples .gallery-item", labels) == names
    # Gradio may make them anew.
    page.evaluate(
        """() => {
            for (const item of document.querySelectorAll('#examples .gallery-item')) {
                const next = item.nextSibling, {parentElement} = item;
                item.removeAttribute('aria-label');
                item.remove();
                parentElement.insertBefore(item, next);
            }
        }"""
    )
    page.wait_for_timeout(100)
    for name in names:
        assert page.get_by_role("button", name=name, exact=True).count() == 1


def test_settings_change_the_answer(visitor: Visitor) -> None:
    visitor.until_numbers("exact policy")
    visitor.page.click("#more button")
    visitor.page.click("#policy label:has-text('Adaptive')")
    visitor.until_numbers("adaptive policy")
    visitor.page.click("#size label:has-text('320')")
    numbers = visitor.until_numbers(r"seen at (320 × \d+|\d+ × 320)|seen at 256 × 256")
    assert "adaptive policy" in numbers


def test_taking_the_photo_away_costs_no_answer(guest: Visitor, tmp_path: Path) -> None:
    # Gradio takes the photo away before every file that is dropped, also before a bad one.
    guest.until_swept()  # which adds what full budget took to the numbers
    shown = guest.numbers()
    before = guest.source("depth")
    guest.page.click("#photo button[aria-label='Remove Image']")
    guest.page.wait_for_selector("#photo img", state="detached")
    guest.choose(bad_files(tmp_path)["text"])
    guest.page.wait_for_selector("#numbers [role=alert]")
    guest.page.wait_for_selector("#photo img")
    assert shown in guest.numbers()
    assert guest.source("depth") == before
    guest.move_slider(0.8)
    guest.until_numbers(r"Requested 0\.80")


def test_the_download_is_what_is_shown(guest: Visitor, tmp_path: Path) -> None:
    guest.choose_own(tmp_path, height=120, width=160)
    numbers = guest.numbers()
    with guest.page.expect_download() as download:
        guest.page.click("#download")
    assert download.value.suggested_filename == "pag-explorer.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        result = json.loads(archive.read("pag-explorer/result.json"))
        with archive.open("pag-explorer/depth.npy") as file:
            depth = np.load(io.BytesIO(file.read()))
    assert f"Achieved {result['budget_achieved']:.3f}" in numbers
    assert result["image_size"] == [120, 160]
    assert depth.shape == (120, 160)


def test_two_visitors_do_not_see_each_other(
    visitor: Visitor, context: BrowserContext, url: str, tmp_path: Path
) -> None:
    other = Visitor(context, url)
    other.until_swept()  # which adds what full budget took to the numbers
    shown = other.numbers()
    visitor.choose_own(tmp_path, height=100, width=140)
    assert other.numbers() == shown
    other.move_slider(0.77)
    assert "140 × 100" not in other.until_numbers(r"Requested 0\.77")
    other.leave()


def test_closing_the_tab_lets_go_of_the_answers(
    context: BrowserContext, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Visitors of earlier tests may be leaving still, with fewer answers.
    left: list[tuple[int, int]] = []
    forget = Memory.forget

    def note(memory: Memory) -> None:
        held = len(memory)
        forget(memory)
        left.append((held, len(memory)))

    monkeypatch.setattr(Memory, "forget", note)
    someone = Visitor(context, url)
    someone.until_swept()
    someone.leave()
    until = time.monotonic() + 60
    whole = (STEPS + 1, 0)  # the sweep, and the first answer
    while whole not in left and time.monotonic() < until:
        time.sleep(0.2)
    assert whole in left
    assert all(kept == 0 for _, kept in left)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_shows_everything_in_its_width(phone: Visitor, theme: str) -> None:
    page = phone.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    lefts = [
        round(page.evaluate(f"document.querySelector('#output-{n}').getBoundingClientRect().left"))
        for n in OUTPUTS
    ]
    assert lefts[0] == lefts[2] < lefts[1] == lefts[3]  # two by two
    for name in TABS:
        phone.open_tab(name)
        page.wait_for_selector(f"#{name}-panel", state="visible")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#tabs").scroll_into_view_if_needed()
    slider = page.locator("#budget").bounding_box()
    assert slider is not None and 0 <= slider["y"] < 100  # it stays in sight
    ink = page.evaluate("getComputedStyle(document.querySelector('#masthead h1')).color")
    levels = [int(level) for level in re.findall(r"\d+", ink)[:3]]
    assert (sum(levels) / 3 > 128) == (theme == "dark")


def test_every_tab_is_in_sight(
    settled: Visitor, phone: Visitor, context: BrowserContext, url: str
) -> None:
    tablet = Visitor(context, url, width=1024)
    for someone, width in ((settled, 1440), (tablet, 1024), (phone, 390)):
        for name in TABS:
            box = someone.page.locator(f"#tab-{name}-button").bounding_box()
            assert box is not None, f"{name} is behind a menu"
            assert 0 <= box["x"] < box["x"] + box["width"] <= width
    tablet.leave()
