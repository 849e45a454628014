"""Where the compute goes, and the outline that links all pictures."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import content
from app.actions import Desk
from app.examples import find_examples
from app.figures.ponder import most_kilo_macs
from app.session import Session
from app.wish import Wish
from pag import Inference
from tests.app.fake import FakePredictor
from tests.browser.visitor import OUTPUTS, Visitor

pytestmark = pytest.mark.browser

SMALLEST = 9
"""Pixels of the screen; see front/link.js."""
PINS = """() => [...document.querySelectorAll('.pag-stack')]
    .filter(stack => stack.offsetParent)
    .map(stack => {
        const pin = stack.querySelector('.pag-pin').getBoundingClientRect();
        const box = stack.getBoundingClientRect();
        return {
            name: stack.closest('.pag-view').dataset.name,
            shown: getComputedStyle(stack.querySelector('.pag-pin')).display !== 'none',
            x: (pin.left + pin.width / 2 - box.left) / box.width,
            y: (pin.top + pin.height / 2 - box.top) / box.height,
            width: pin.width / box.width,
            pixel: 1 / box.width,
        };
    })"""


@pytest.fixture
def record(fake: FakePredictor) -> Inference:
    """What the page shows when it opens, as the API would have it."""
    answer = Desk(fake).open(Session(), find_examples()[0], Wish()).answer
    assert answer is not None
    return answer


HOLD_PICTURES = """() => {
    const {createImageBitmap} = window;
    const held = new Promise(go => {
        window.release = () => go(Object.assign(window, {createImageBitmap}));
    });
    window.createImageBitmap = async (...given) => (await held, createImageBitmap(...given));
}"""


def until_read(visitor: Visitor, value: str) -> dict[str, str]:
    visitor.page.wait_for_function(
        "text => document.querySelector('#readout [data-value=place]')?.innerText === text",
        arg=value,
    )
    return visitor.readout()


def test_pointing_reads_that_place_in_every_panel(settled: Visitor, record: Inference) -> None:
    height, width = record.image.shape[:2]
    for x, y in ((0.3, 0.2), (0.71, 0.55), (0.52, 0.86)):
        settled.point("#output-depth", x, y)
        settled.page.wait_for_function("document.body.dataset.pin === 'hover'")
        settled.page.wait_for_timeout(300)
        place = settled.readout()["place"]
        match = re.fullmatch(r"x (\d+), y (\d+)", place)
        assert match is not None
        share = int(match[1]) + 0.5, int(match[2]) + 0.5
        photo_height, photo_width = record.image_size
        assert share == pytest.approx((x * photo_width, y * photo_height), abs=3)
        column = int(share[0] / photo_width * width)
        row = int(share[1] / photo_height * height)
        read = until_read(settled, place)
        assert record.segmentation is not None and record.depth is not None
        assert record.boundary is not None and record.normals is not None
        assert read["class"] == record.classes[record.segmentation[row, column]]
        assert float(read["depth"].removesuffix(" m")) == pytest.approx(
            float(record.depth[row, column]), abs=0.08
        )
        strength = float(read["boundary"].removeprefix("boundary "))
        assert strength == pytest.approx(float(record.boundary[row, column]), abs=0.01)
        layers = np.unique(record.ponder_layers[max(row - 4, 0) : row + 4, column - 4 : column + 4])
        assert read["layers"] in [f"{n} of 15 layers ran" for n in layers]
        stride = record.dilation_stride
        dilation = record.dilations[record.dilation[row // stride, column // stride]]
        assert (f"dilation {dilation}" if dilation else "no neighbours") in read["field"]


def test_the_outline_is_at_the_same_place_in_all_pictures(settled: Visitor) -> None:
    settled.point("#output-segmentation", 0.4, 0.3)
    settled.page.wait_for_function("document.body.dataset.pin === 'hover'")
    settled.page.wait_for_timeout(200)
    pins = settled.page.evaluate(PINS)
    assert [pin["name"] for pin in pins] == list(OUTPUTS)
    for pin in pins:
        assert pin["shown"]
        assert (pin["x"], pin["y"]) == pytest.approx((0.4, 0.3), abs=0.01)
    shapes = settled.page.evaluate("document.querySelector('#ponder-plot').layout.shapes")
    scene = settled.page.evaluate("window.pagExplorer.page.scene")
    middle = (shapes[0]["x0"] + shapes[0]["x1"]) / 2 / scene["width"]
    assert middle == pytest.approx(0.4, abs=0.01)
    settled.page.mouse.move(5, 5)
    settled.page.wait_for_function("document.body.dataset.pin === 'off'")
    assert not any(pin["shown"] for pin in settled.page.evaluate(PINS))


def test_a_click_keeps_the_place_while_the_budget_moves(settled: Visitor) -> None:
    settled.point("#output-normals", 0.6, 0.4, click=True)
    settled.page.wait_for_function("document.body.dataset.pin === 'fixed'")
    settled.page.wait_for_timeout(200)
    before = settled.readout()
    settled.page.mouse.move(5, 5)
    settled.move_slider(settled.budgets()[0])
    settled.until_numbers(r"Requested 0\.20")
    settled.page.wait_for_function(
        "old => document.querySelector('#readout [data-value=layers]').innerText !== old",
        arg=before["layers"],
    )
    assert settled.readout()["place"] == before["place"]
    settled.page.keyboard.press("Escape")
    settled.page.wait_for_function("document.body.dataset.pin === 'off'")


def test_the_place_is_moved_by_keys(visitor: Visitor) -> None:
    visitor.page.locator("#output-depth .pag-stack").focus()
    for _ in range(3):
        visitor.page.keyboard.press("ArrowRight")
    visitor.page.keyboard.press("ArrowUp")
    visitor.page.wait_for_function("document.body.dataset.pin === 'fixed'")
    visitor.page.wait_for_timeout(200)
    pin = visitor.page.evaluate(PINS)[2]
    assert (pin["x"], pin["y"]) == pytest.approx((0.56, 0.48), abs=0.01)


def test_what_was_read_goes_when_the_place_is_let_go(settled: Visitor) -> None:
    page = settled.page
    settled.open_tab("pooling")
    page.wait_for_selector("#dilation-map .pag-stack")
    settled.point("#dilation-map", 0.3, 0.4, click=True)
    page.wait_for_selector("#readout [data-value=place]")
    page.wait_for_selector("#dilation-map svg")
    assert page.inner_text("#field-words").startswith("At x ")
    page.keyboard.press("Escape")
    page.wait_for_function("document.body.dataset.pin === 'off'")
    assert page.inner_text("#readout") == content.READOUT
    assert page.inner_text("#field-words") == content.FIELD_HINT


def test_what_is_still_being_read_is_not_said_of_a_place_let_go(
    guest: Visitor, tmp_path: Path
) -> None:
    page = guest.page
    page.evaluate(HOLD_PICTURES)
    guest.choose_own(tmp_path)
    guest.point("#output-depth", 0.4, 0.6)
    page.wait_for_function("document.body.dataset.pin === 'hover'")
    page.mouse.move(5, 5)
    page.wait_for_function("document.body.dataset.pin === 'off'")
    page.evaluate("window.release()")
    page.wait_for_timeout(500)
    assert page.inner_text("#readout") == content.READOUT


def test_outlines_follow_the_cells_of_each_layer(settled: Visitor, record: Inference) -> None:
    settled.point("#output-depth", 0.5, 0.5, click=True)
    settled.open_tab("gates")
    settled.page.wait_for_selector("#gates .pag-tile >> nth=14")
    settled.page.wait_for_timeout(500)
    pins = {pin["name"]: pin for pin in settled.page.evaluate(PINS)}
    width = record.image.shape[1]
    coarse = pins["mask-res5_3"]
    # One cell, but never too small to be seen.
    assert coarse["width"] == pytest.approx(max(16 / width, SMALLEST * coarse["pixel"]), abs=0.004)
    assert abs(coarse["x"] - 0.5) <= 8.1 / width
    assert all(pin["shown"] for pin in pins.values())


# ---------------------------------------------------------------- the heatmap


def trace(visitor: Visitor) -> dict[str, Any]:
    visitor.page.wait_for_selector("#ponder-plot .heatmaplayer image")
    text = visitor.page.evaluate(
        """() => {
            const [trace] = document.querySelector('#ponder-plot').data;
            const z = trace.z.map(row => [...row]);
            return JSON.stringify({z, zmax: trace.zmax, opacity: trace.opacity,
                                   title: trace.colorbar.title.text});
        }"""
    )
    return json.loads(text)


def test_the_heatmap_has_the_records_values_in_both_units(
    settled: Visitor, record: Inference
) -> None:
    shown = trace(settled)
    assert shown["zmax"] == len(record.gates)
    assert shown["title"] == "layers that ran"
    cells = np.array(shown["z"])
    assert cells.mean() == pytest.approx(record.ponder_layers.mean(), rel=0.02)
    settled.page.click("#ponder-unit input[value=macs]")
    settled.page.wait_for_function("document.querySelector('#ponder-plot').data[0].zmax > 15")
    shown = trace(settled)
    assert "multiply-adds" in shown["title"]
    assert shown["zmax"] == pytest.approx(most_kilo_macs(record), rel=1e-4)
    assert np.array(shown["z"]).mean() == pytest.approx(record.ponder_macs.mean() / 1e3, rel=0.02)


def test_the_heatmap_follows_the_budget_and_its_opacity_is_set(visitor: Visitor) -> None:
    visitor.until_swept()
    visitor.move_slider(1.0)
    visitor.until_numbers(r"Requested 1\.00")
    assert np.array(trace(visitor)["z"]).min() == 15
    visitor.page.evaluate(
        """() => {
            const range = document.querySelector('#ponder-opacity input');
            range.value = 0.3;
            range.dispatchEvent(new Event('input', {bubbles: true}));
        }"""
    )
    visitor.move_slider(0.2)
    visitor.until_numbers(r"Requested 0\.20")
    shown = trace(visitor)
    assert np.array(shown["z"]).max() == 0
    assert shown["opacity"] == 0.3
    assert "100%" in visitor.page.inner_text("#ponder-histogram li:last-child")


def test_an_outline_taken_away_behind_another_tab_is_gone_from_the_heatmap(
    settled: Visitor,
) -> None:
    shapes = "(document.querySelector('#ponder-plot').layout.shapes ?? []).length"
    trace(settled)
    settled.point("#output-depth", 0.5, 0.5, click=True)
    settled.page.wait_for_function(f"{shapes} === 2")
    settled.open_tab("gates")
    settled.page.keyboard.press("Escape")
    settled.page.wait_for_function("document.body.dataset.pin === 'off'")
    settled.open_tab("ponder")
    settled.page.wait_for_function(f"{shapes} === 0")


def test_the_heatmap_is_read_by_hovering_and_links(settled: Visitor) -> None:
    plot = settled.page.locator("#ponder-plot .nsewdrag")
    plot.scroll_into_view_if_needed()
    words = ""
    for move in range(60):  # plotly answers to movement, once it has settled
        box = plot.bounding_box()
        assert box is not None
        settled.page.mouse.move(box["x"] + box["width"] / 2 + move, box["y"] + box["height"] / 2)
        settled.page.wait_for_timeout(200)
        words = "".join(
            settled.page.eval_on_selector_all(
                "#ponder-plot .hoverlayer text", "texts => texts.map(text => text.textContent)"
            )
        )
        if words:
            break
    assert re.fullmatch(
        r"\d+ of 15 layers ran here[\d.,]+ thousand multiply-adds at this pixel", words
    )
    settled.page.wait_for_function("document.body.dataset.pin === 'hover'")
    count = re.match(r"\d+", words)
    settled.page.wait_for_timeout(400)
    assert count is not None
    assert settled.readout()["layers"] == f"{count[0]} of 15 layers ran"


def test_the_heatmap_has_the_shape_of_each_new_photo(guest: Visitor, tmp_path: Path) -> None:
    for height, width in ((150, 200), (200, 150), (150, 200)):
        guest.choose_own(tmp_path, height, width)
        guest.page.wait_for_function(
            "() => { const { page } = window.pagExplorer;"
            "  const axes = document.querySelector('#ponder-plot')._fullLayout;"
            "  return axes.uirevision === page.scene.id && axes.xaxis.range[1] === page.scene.width"
            "    && axes.yaxis.range[0] === page.scene.height; }"
        )
    guest.page.locator("#ponder-plot").scroll_into_view_if_needed()
    guest.page.hover("#ponder-plot .nsewdrag")
    guest.page.wait_for_selector("#readout [data-value=class]")
