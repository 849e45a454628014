"""Layer by layer: masks, wishes, the large view, what differs between two budgets."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.actions import Desk
from app.examples import find_examples
from app.session import Session
from app.wish import Wish
from pag import Inference
from tests.app.fake import Brake, FakePredictor
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser

LARGE = "dialog.pag-large[open]"


@pytest.fixture
def at(fake: FakePredictor) -> Callable[[float], Inference]:
    """The record of what the page opens with, at any budget, as the API would have it."""

    def answer(budget: float) -> Inference:
        found = Desk(fake).open(Session(), find_examples()[0], Wish(budget)).answer
        assert found is not None
        return found

    return answer


@pytest.fixture
def layers(settled: Visitor) -> Visitor:
    settled.open_tab("gates")
    settled.page.wait_for_selector("#gates .pag-tile >> nth=14")
    settled.page.check("#gates-show input[value=mask]")
    return settled


def is_gold(picture: np.ndarray) -> np.ndarray:
    return picture[..., 0] > 128


def test_fifteen_masks_in_network_order_with_their_numbers(
    layers: Visitor, at: Callable[[float], Inference]
) -> None:
    record = at(0.6)
    captions = layers.page.locator("#gates .pag-caption").all_inner_texts()
    for caption, gate in zip(captions, record.gates, strict=True):
        words = re.sub(r"\s+", " ", caption)
        assert words.startswith(f"{gate.name} · stride {gate.stride} · ")
        assert f"{gate.active_fraction:.0%} active" in words
        assert f"{gate.macs_executed / 1e6:.0f} of {gate.macs_dense / 1e6:.0f} million" in words
        assert np.array_equal(is_gold(layers.picture(f"mask-{gate.name}")), gate.mask)
    widths = layers.page.eval_on_selector_all(
        "#gates .pag-fill", "fills => fills.map(fill => parseFloat(fill.style.width))"
    )
    assert widths == pytest.approx([100 * g.active_fraction for g in record.gates], abs=0.06)


def test_masks_follow_the_slider(layers: Visitor, at: Callable[[float], Inference]) -> None:
    budget = layers.budgets()[3]
    layers.move_slider(budget)
    layers.until_numbers(rf"Requested {budget:.2f}")
    for gate in at(budget).gates[::5]:
        assert np.array_equal(is_gold(layers.picture(f"mask-{gate.name}")), gate.mask)


def test_the_gates_own_wish(layers: Visitor, at: Callable[[float], Inference]) -> None:
    layers.page.click("#gates-show input[value=wish]")
    gate = at(0.6).gates[0]
    slot = f"wish-{gate.name}"
    layers.page.wait_for_selector(f"#gates img[data-slot='{slot}']")
    bright = layers.picture(slot).astype(int).sum(2)
    likely, unlikely = gate.probability > 0.8, gate.probability < 0.2
    assert bright[likely].min() > bright[unlikely].max()
    assert "probability" in layers.page.inner_text("[data-slot=gates-key]")


def test_a_layer_is_seen_large_and_stays_large_while_the_slider_moves(layers: Visitor) -> None:
    page = layers.page
    page.click("#gates .pag-tile >> nth=4 >> .pag-stack")
    page.wait_for_selector(LARGE)
    assert "res3_2 · stride 8" in page.inner_text(LARGE)
    box = page.locator(f"{LARGE} .pag-stack").bounding_box()
    small = page.locator("#gates .pag-stack").nth(4).bounding_box()
    assert box is not None and small is not None and box["width"] > 2 * small["width"]
    large = f"{LARGE} img.pag-picture"
    before = page.get_attribute(large, "src")
    layers.move_slider(layers.budgets()[2])
    page.wait_for_function(
        "([place, old]) => document.querySelector(place).src !== old", arg=[large, before]
    )
    page.keyboard.press("Escape")
    page.wait_for_selector(LARGE, state="detached")


def test_large_by_keyboard(layers: Visitor) -> None:
    layers.page.locator("#gates .pag-stack").nth(2).focus()
    layers.page.keyboard.press("Enter")
    layers.page.wait_for_selector(LARGE)
    assert "res2_3" in layers.page.inner_text(LARGE)
    layers.page.click(f"{LARGE} .pag-close")
    layers.page.wait_for_selector(LARGE, state="detached")


def test_the_difference_to_another_budget(
    layers: Visitor, at: Callable[[float], Inference]
) -> None:
    page = layers.page
    low = layers.budgets()[4]
    layers.move_slider(low)
    layers.until_numbers(rf"Requested {low:.2f}")
    page.click("#gates-show input[value=difference]")
    page.wait_for_selector("#gates-against select", state="visible")
    assert page.eval_on_selector("#gates-against select", "select => select.value") == "1.000"
    here, full = at(low), at(1.0)
    for index in (0, 7, 14):
        a, b = here.gates[index].mask, full.gates[index].mask
        off, on = (b & ~a).mean(), (a & ~b).mean()
        caption = page.locator("#gates .pag-changed").nth(index)
        page.wait_for_function(
            "index => document.querySelectorAll('#gates .pag-changed')[index].innerText", arg=index
        )
        words = caption.inner_text()
        shares = [float(share) for share in re.findall(r"([\d.]+)%", words)]
        assert shares == pytest.approx([100 * off, 100 * on], abs=0.6)
    drawn = page.evaluate(
        """() => {
            const canvas = document.querySelector('#gates .pag-difference');
            const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            return {width: canvas.width, data: [...pixels.data]};
        }"""
    )
    pixels = np.array(drawn["data"]).reshape(-1, drawn["width"], 4)
    magenta = (pixels[..., 2] > pixels[..., 1] + 40) & (pixels[..., 0] > 150)
    assert np.array_equal(magenta, full.gates[0].mask & ~here.gates[0].mask)


SHARES = """() => [...document.querySelectorAll('#gates .pag-changed')]
    .map(line => parseFloat(line.innerText)).filter(share => share > 0).length"""
CHOSEN = "value => document.querySelector('#gates-against select').value === value"


@pytest.mark.parametrize("chosen", [None, "1.000", "0.200"])
def test_the_difference_outlives_the_photo(
    guest: Visitor, brake: Brake, tmp_path: Path, chosen: str | None
) -> None:
    guest.until_swept()
    page = guest.page
    guest.open_tab("gates")
    page.click("#gates-show input[value=difference]")
    if chosen:
        page.select_option("#gates-against select", chosen)
    page.wait_for_function(f"({SHARES})() > 0" if chosen != "0.200" else "true")
    brake.hold(0.6)
    guest.choose_own(tmp_path)
    page.wait_for_function(CHOSEN, arg="0.600")  # there is nothing else yet
    page.wait_for_function(f"({SHARES})() === 0")
    brake.let(1)
    page.wait_for_function(CHOSEN, arg="1.000")
    page.wait_for_function(f"({SHARES})() > 0")
    brake.let(1)
    page.wait_for_function(CHOSEN, arg=chosen or "1.000")
    brake.release()
    guest.until_swept()
    assert page.evaluate(CHOSEN, chosen or "1.000")
    page.select_option("#gates-against select", "1.000")
    page.click("#gates-show input[value=mask]")


def test_a_picture_is_saved_at_its_full_size(settled: Visitor) -> None:
    import io

    from PIL import Image

    settled.page.locator("#output-depth .pag-view").hover()
    with settled.page.expect_download() as download:
        settled.page.click("#output-depth .pag-save")
    assert download.value.suggested_filename == "depth-0.60.png"
    with open(download.value.path(), "rb") as file:
        saved = np.asarray(Image.open(io.BytesIO(file.read())).convert("RGB"))
    assert np.array_equal(saved, settled.picture("depth"))
