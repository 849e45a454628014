"""The four outputs: legends that answer, the line to full budget, agreement."""

from __future__ import annotations

import base64
import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.actions import Desk
from app.agreement import agreement
from app.examples import find_examples
from app.session import Session
from app.wish import Wish
from tests.app.fake import Brake, FakePredictor
from tests.browser.visitor import OUTPUTS, Visitor

pytestmark = pytest.mark.browser

CANVAS = """selector => document.querySelector(selector).toDataURL('image/png').split(',')[1]"""
EDGES = """() => [...document.querySelectorAll('#outputs .pag-divider')].map(line => {
    const box = line.parentElement.getBoundingClientRect();
    const at = line.getBoundingClientRect();
    return (at.left + at.width / 2 - box.left) / box.width;
})"""
LIT = "#output-segmentation canvas.pag-lit"
CLOUD = "#output-depth canvas.pag-cloud"


def canvas(visitor: Visitor, selector: str) -> np.ndarray:
    """The pixels of a canvas, (H, W, 4)."""
    data = base64.b64decode(visitor.page.evaluate(CANVAS, selector))
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"), int)


def saved(visitor: Visitor, name: str) -> np.ndarray:
    """What the button of a picture saves, (H, W, 3)."""
    visitor.page.hover(f"#output-{name} .pag-view")
    with visitor.page.expect_download() as download:
        visitor.page.click(f"#output-{name} .pag-save")
    return np.asarray(Image.open(download.value.path()).convert("RGB"), int)


def plain(visitor: Visitor, selector: str) -> str:
    return re.sub(r"\s+", " ", visitor.page.inner_text(selector)).strip()


# ---------------------------------------------------------------- legends that answer


def test_a_class_of_the_legend_lights_up_in_the_picture(settled: Visitor) -> None:
    page = settled.page
    classes = settled.picture("segmentation")
    items = page.locator("#legend-segmentation li")
    assert items.count() >= 2
    for place in (0, 1):
        items.nth(place).hover()
        page.wait_for_selector(LIT)
        page.wait_for_timeout(300)
        shade = canvas(settled, LIT)[..., 3]
        swatch = items.nth(place).locator(".pag-swatch")
        colour = re.findall(r"\d+", swatch.evaluate("s => getComputedStyle(s).backgroundColor"))
        wanted = (classes == np.array(colour[:3], int)).all(axis=-1)
        assert 0 < wanted.mean() < 1
        assert np.array_equal(shade == 0, wanted)  # the others are in the dark
    page.mouse.move(5, 5)
    page.wait_for_selector(LIT, state="detached")


def test_the_legend_is_walked_by_keyboard_and_outlives_the_budget(settled: Visitor) -> None:
    page = settled.page
    page.locator("#legend-segmentation li").first.focus()
    page.wait_for_selector(LIT)
    name = plain(settled, "#legend-segmentation li:focus .pag-name")
    settled.move_slider(settled.budgets()[0])
    settled.until_numbers(r"Requested 0\.20")
    page.wait_for_selector("#legend-segmentation li:focus")
    assert plain(settled, "#legend-segmentation li:focus .pag-name") == name
    page.wait_for_timeout(300)
    lit = canvas(settled, LIT)[..., 3] == 0
    first = settled.picture("segmentation")
    assert len({tuple(pixel) for pixel in first[lit]}) == 1  # of the budget now shown
    page.keyboard.press("Escape")
    page.wait_for_selector(LIT, state="detached")


def test_pointing_in_the_picture_names_the_class(settled: Visitor) -> None:
    page = settled.page
    for x, y in ((0.3, 0.2), (0.75, 0.8)):
        settled.point("#output-segmentation", x, y)
        page.wait_for_timeout(400)
        name = settled.readout()["class"]
        assert plain(settled, "#output-segmentation .pag-tag") == name
        assert plain(settled, "#legend-segmentation li.pag-here .pag-name") == name
        tag = page.locator("#output-segmentation .pag-tag").bounding_box()
        box = page.locator("#output-segmentation .pag-stack").bounding_box()
        assert tag and box
        assert box["x"] <= tag["x"] and tag["x"] + tag["width"] <= box["x"] + box["width"]
    # The same place on the depth's bar.
    bar = page.locator("#legend-depth .pag-bar").bounding_box()
    mark = page.locator("#legend-depth .pag-mark").bounding_box()
    assert bar and mark
    share = (mark["x"] + mark["width"] / 2 - bar["x"]) / bar["width"]
    span = page.evaluate("(({near, far}) => [near, far])(pagExplorer.page.scene.fill.data.depth)")
    metres = float(settled.readout()["depth"].removesuffix(" m"))
    assert share == pytest.approx(
        math.log(metres / span[0]) / math.log(span[1] / span[0]), abs=0.04
    )
    page.mouse.move(5, 5)
    page.wait_for_function("document.body.dataset.pin === 'off'")
    page.wait_for_selector("#output-segmentation .pag-tag", state="hidden")


# ---------------------------------------------------------------- agreement


def test_every_output_says_how_close_it_comes_to_full_budget(
    settled: Visitor, fake: FakePredictor
) -> None:
    desk = Desk(fake)
    session = desk.open(Session(), find_examples()[0], Wish())
    full = desk.answer_at(session, 1.0)
    budgets = settled.budgets()
    for budget in (0.6, budgets[0], budgets[3]):
        settled.move_slider(budget)
        settled.until_numbers(rf"Requested {budget:.2f}")
        found = agreement(desk.answer_at(session, budget), full)
        assert found.segmentation and found.boundary and found.depth and found.normals
        said = {name: plain(settled, f"#output-{name} .pag-agreement") for name in OUTPUTS}
        assert said["segmentation"].startswith(f"{found.segmentation[0]:.1%} of pixels")
        assert said["boundary"].startswith(f"F-measure {found.boundary[0]:.2f} against")
        assert said["depth"].startswith(f"{found.depth[0]:.1%} mean relative difference")
        assert said["normals"].startswith(f"{found.normals[0]:.1f}° mean angle")
    settled.move_slider(1.0)
    settled.until_numbers(r"Requested 1\.00")
    for name in OUTPUTS:
        assert "This is full budget" in plain(settled, f"#output-{name} .pag-agreement")


def test_agreement_and_line_wait_for_full_budget(
    guest: Visitor, brake: Brake, tmp_path: Path
) -> None:
    page = guest.page
    guest.until_swept()
    page.check("#compare")
    page.wait_for_selector("#outputs .pag-divider >> nth=3")
    brake.hold(0.6)
    guest.choose_own(tmp_path)
    assert "comes once full budget" in plain(guest, "#output-depth .pag-agreement")
    assert "is being computed" in plain(guest, "#compare-note")
    assert page.locator("#outputs .pag-divider").count() == 0
    brake.let()  # full budget is the first of the sweep
    page.wait_for_selector("#outputs .pag-divider >> nth=3")
    assert "mean relative difference" in plain(guest, "#output-depth .pag-agreement")
    assert "budget 0.60" in plain(guest, "#compare-note")
    assert page.get_attribute("#sweep", "data-state") == "running"
    brake.release()
    guest.until_swept()


# ---------------------------------------------------------------- the line


def test_the_line_shows_this_budget_left_and_full_budget_right(
    settled: Visitor, fake: FakePredictor
) -> None:
    page = settled.page
    calls = len(fake.calls)
    budget = settled.budgets()[2]
    pictures = {}
    for at in (1.0, budget):
        settled.move_slider(at)
        settled.until_numbers(rf"Requested {at:.2f}")
        pictures[at] = {name: saved(settled, name) for name in OUTPUTS}
    page.check("#compare")
    page.wait_for_selector("#outputs .pag-divider >> nth=3")
    assert f"Left of the line: budget {budget:.2f}" in plain(settled, "#compare-note")
    line = page.locator("#output-boundary .pag-divider")
    box = page.locator("#output-boundary .pag-stack").bounding_box()
    assert box is not None
    start, end = box["x"] + 0.5 * box["width"], box["x"] + 0.3 * box["width"]
    middle = box["y"] + box["height"] / 2
    page.mouse.move(start, middle)
    page.mouse.down()
    page.mouse.move(end, middle, steps=5)
    page.mouse.up()
    assert page.evaluate(EDGES) == pytest.approx([0.3] * 4, abs=0.01)  # all four move
    assert line.get_attribute("aria-valuenow") == "30"
    assert page.get_attribute("body", "data-pin") in (None, "off")  # nothing was clicked below
    for name in OUTPUTS:
        mixed = saved(settled, name)
        edge = round(0.3 * mixed.shape[1])
        left, right = np.s_[:, : edge - 3], np.s_[:, edge + 3 :]
        assert np.array_equal(mixed[left], pictures[budget][name][left])
        assert np.array_equal(mixed[right], pictures[1.0][name][right])
        assert (pictures[budget][name][right] != pictures[1.0][name][right]).any()
    assert len(fake.calls) == calls  # the browser had it all
    settled.move_slider(1.0)
    settled.until_numbers(r"Requested 1\.00")
    assert "Both sides are full budget" in plain(settled, "#compare-note")
    page.uncheck("#compare")
    assert page.locator(".pag-divider, .pag-full").count() == 0
    assert plain(settled, "#compare-note") == ""


def test_the_line_is_moved_by_keys(visitor: Visitor) -> None:
    page = visitor.page
    visitor.until_swept()
    page.locator("#compare").focus()
    page.keyboard.press("Space")
    page.wait_for_selector("#outputs .pag-divider >> nth=3")
    line = page.locator("#output-depth .pag-divider")
    line.focus()
    for key, share in (("ArrowLeft", 48), ("Shift+ArrowRight", 58), ("Home", 0), ("End", 100)):
        page.keyboard.press(key)
        assert line.get_attribute("aria-valuenow") == str(share)
        assert page.evaluate(EDGES) == pytest.approx([share / 100] * 4, abs=0.01)
    assert line.get_attribute("aria-valuetext") == "100% of the picture shows budget 0.60"
    assert page.get_attribute("body", "data-pin") in (None, "off")  # the outline stayed away


def test_the_readout_speaks_of_the_side_that_is_pointed_at(settled: Visitor) -> None:
    page = settled.page
    page.check("#compare")
    page.wait_for_selector("#outputs .pag-divider >> nth=3")
    read = {}
    for side, x in (("left", 0.2), ("right", 0.8)):
        settled.point("#output-depth", x, 0.4)
        page.wait_for_timeout(400)
        read[side] = settled.readout()
    assert read["right"]["layers"] == "15 of 15 layers ran"
    assert read["left"]["layers"] != read["right"]["layers"]


def test_a_large_picture_has_a_line_of_its_own(settled: Visitor) -> None:
    page = settled.page
    page.check("#compare")
    page.wait_for_selector("#outputs .pag-divider >> nth=3")
    page.hover("#output-normals .pag-view")
    page.click("#output-normals .pag-enlarge")
    line = page.locator("dialog .pag-divider")
    assert line.count() == 1
    line.focus()
    page.keyboard.press("Home")
    assert line.get_attribute("aria-valuenow") == "0"
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_fits_a_phone(phone: Visitor, theme: str) -> None:
    page = phone.page
    page.check("#compare")
    page.wait_for_selector("#outputs .pag-divider >> nth=3")
    page.click("#space label:has-text('3-D')")
    page.wait_for_selector(f"{CLOUD}[data-yaw]")
    phone.open_tab("quality")
    page.wait_for_selector("#quality-here .pag-plot .scatterlayer path.js-line >> nth=3")
    width: Any = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    page.click("#space label:has-text('picture')")
