"""Depth in space: the photo's points where the network sees them."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from PIL import Image

from app.examples import find_examples
from tests.browser.test_outputs import CLOUD, canvas, plain
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser


def show_picture(visitor: Visitor) -> None:
    """The depth as a picture again."""
    visitor.page.click("#space label:has-text('picture')")
    visitor.page.wait_for_selector(CLOUD, state="detached")
    assert visitor.page.locator("#space-tools").is_hidden()


def show_space(visitor: Visitor) -> None:
    visitor.page.click("#space label:has-text('3-D')")
    visitor.page.wait_for_selector(f"{CLOUD}[data-yaw]")
    visitor.page.wait_for_timeout(200)


def until_yaw(visitor: Visitor, yaw: str) -> None:
    visitor.page.wait_for_selector(f"{CLOUD}[data-yaw='{yaw}']")
    visitor.page.wait_for_timeout(200)


def test_from_the_front_space_is_the_photo(settled: Visitor) -> None:
    show_space(settled)
    points = int(plain(settled, "[data-slot=space-note]").split()[0])
    assert 15_000 < points <= 20_000
    assert "usual camera" in plain(settled, "[data-slot=space-note]")
    turned = canvas(settled, CLOUD)
    settled.page.click("#space-front")
    until_yaw(settled, "0.00")
    front = canvas(settled, CLOUD)
    size = front.shape[1], front.shape[0]
    with Image.open(find_examples()[0]) as photo:
        expected = np.asarray(photo.convert("RGB").resize(size, Image.Resampling.BOX), int)
    assert np.abs(front[..., :3] - expected).mean() < 12
    assert np.abs(turned[..., :3] - expected).mean() > 20


def test_space_is_turned_by_hand_and_by_keys(settled: Visitor) -> None:
    page = settled.page
    show_space(settled)
    page.click("#space-front")
    until_yaw(settled, "0.00")
    seen = [canvas(settled, CLOUD)]
    page.locator(CLOUD).focus()
    page.keyboard.press("ArrowRight")
    until_yaw(settled, "0.08")
    seen.append(canvas(settled, CLOUD))
    page.keyboard.press("+")
    page.wait_for_selector(f"{CLOUD}[data-zoom='1.15']")
    page.wait_for_timeout(200)
    seen.append(canvas(settled, CLOUD))
    box = page.locator(CLOUD).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] / 4, y, steps=4)
    page.mouse.up()
    until_yaw(settled, "0.58")
    seen.append(canvas(settled, CLOUD))
    for before, after in itertools.pairwise(seen):
        assert (before != after).any(axis=-1).mean() > 0.05
    assert page.get_attribute("body", "data-pin") != "fixed"  # a drag is no click
    page.click("#space-turn")
    assert page.get_attribute("#space-turn", "aria-pressed") == "true"
    page.wait_for_function(
        f"document.querySelector('{CLOUD}').dataset.yaw !== '0.58'",
    )
    page.click("#space-turn")
    assert page.get_attribute("#space-turn", "aria-pressed") == "false"
    show_picture(settled)


def test_space_follows_the_budget_and_knows_its_places(settled: Visitor) -> None:
    page = settled.page
    show_space(settled)
    page.click("#space-front")
    until_yaw(settled, "0.00")
    page.locator(CLOUD).focus()
    page.keyboard.press("ArrowLeft")
    until_yaw(settled, "-0.08")
    before = canvas(settled, CLOUD)
    settled.move_slider(settled.budgets()[0])
    settled.until_numbers(r"Requested 0\.20")
    page.wait_for_timeout(400)
    assert (canvas(settled, CLOUD) != before).any(axis=-1).mean() > 0.02
    page.click("#space-front")
    until_yaw(settled, "0.00")
    settled.point("#output-depth", 0.4, 0.6, click=True)
    page.wait_for_function("document.body.dataset.pin === 'fixed'")
    page.wait_for_timeout(300)
    match = re.fullmatch(r"x (\d+), y (\d+)", settled.readout()["place"])
    size = page.evaluate("(s => [s.photo_width, s.photo_height])(pagExplorer.page.scene)")
    assert match is not None
    place = int(match[1]) / size[0], int(match[2]) / size[1]
    assert place == pytest.approx((0.4, 0.6), abs=0.02)
    show_picture(settled)


def test_space_is_seen_large(settled: Visitor) -> None:
    page = settled.page
    show_space(settled)
    page.hover("#output-depth .pag-view")
    page.click("#output-depth .pag-enlarge")
    page.wait_for_selector("dialog canvas.pag-cloud[data-yaw]")
    page.wait_for_timeout(300)
    large = canvas(settled, "dialog canvas.pag-cloud")
    small = canvas(settled, CLOUD)
    assert large.shape[1] > 1.5 * small.shape[1]
    assert large[..., :3].std() > 10
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    show_picture(settled)
