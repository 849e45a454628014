"""The pixel's story, and the receptive field drawn to scale."""

from __future__ import annotations

import re
from pathlib import Path

import gradio as gr
import pytest

from app import asides, content
from app.actions import Desk
from app.examples import find_examples
from app.figures.pixel import layers_by_budget, pixel_story
from app.session import Session
from app.wish import Wish
from pag import Inference
from tests.app.fake import FakePredictor
from tests.app.photos import write_photo
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser

STORY = "() => window.pagExplorer.page.story"  # as the server told it last


@pytest.fixture
def desk(fake: FakePredictor) -> Desk:
    return Desk(fake)


@pytest.fixture
def session(desk: Desk) -> Session:
    return desk.open(Session(), find_examples()[0], Wish())


@pytest.fixture
def record(session: Session) -> Inference:
    assert session.answer is not None
    return session.answer


def place_of(visitor: Visitor) -> tuple[float, float]:
    """The place that was clicked, as the page has it."""
    x, y = visitor.page.evaluate(
        """() => {
            const pin = document.querySelector('#output-depth .pag-pin').getBoundingClientRect();
            const box = document.querySelector('#output-depth .pag-stack').getBoundingClientRect();
            return [(pin.left + pin.width / 2 - box.left) / box.width,
                    (pin.top + pin.height / 2 - box.top) / box.height];
        }"""
    )
    return x, y


def test_a_click_tells_the_whole_story(
    settled: Visitor, desk: Desk, session: Session, record: Inference
) -> None:
    told_before = settled.page.evaluate(STORY)
    settled.point("#output-depth", 0.37, 0.61, click=True)
    settled.open_tab("pixel")
    settled.page.wait_for_function(f"before => ({STORY})() !== before", arg=told_before)
    settled.page.wait_for_selector("#pixel-panel .pag-paths")
    settled.page.wait_for_function(
        "document.querySelectorAll('.pag-paths thead th').length === 9"  # name, 7 budgets, wish
    )
    words = re.sub(r"\s+", " ", settled.page.inner_text("#pixel-panel .pag-story"))
    told = pixel_story(record, *place_of(settled))
    found = re.match(r"x (\d+), y (\d+)", words)
    assert found is not None
    assert (int(found[1]), int(found[2])) == pytest.approx((told.x, told.y), abs=2)
    # Read at the middle of the very pixel that the page names.
    at = (int(found[1]) + 0.5) / record.image_size[1], (int(found[2]) + 0.5) / record.image_size[0]
    told = pixel_story(record, *at)
    assert f"sees {told.name}" in words
    assert f"{told.depth:.2f} m away" in words
    assert f"strength {told.boundary:.2f}" in words
    assert f"{told.count} of 15 gated layers ran" in words
    assert f"{told.kilo_macs:.1f} of {told.dense_kilo_macs:.1f} thousand" in words
    answers = [desk.answer_at(session, budget) for budget in sorted([*settled.budgets(), 0.6])]
    expected = layers_by_budget(answers, *at)
    ran = settled.page.eval_on_selector_all(
        ".pag-paths tbody tr",
        "rows => rows.map(row => [...row.querySelectorAll('i')].map("
        "cell => cell.getAttribute('aria-label') === 'ran'))",
    )
    assert ran == expected.tolist()


def test_the_story_follows_the_budget(visitor: Visitor) -> None:
    visitor.until_swept()
    visitor.open_tab("pixel")
    assert "Click anywhere" in visitor.page.inner_text("#pixel-panel")
    visitor.point("#output-normals", 0.5, 0.5, click=True)
    visitor.page.wait_for_selector("#pixel-panel .pag-story")
    visitor.move_slider(1.0)
    visitor.page.wait_for_function(
        "document.querySelector('.pag-story').innerText.includes('No layer was skipped')"
    )
    assert "budget 1.00" in visitor.page.inner_text(".pag-story")


def test_the_story_is_told_where_playing_was_stopped(settled: Visitor) -> None:
    page = settled.page
    settled.open_tab("pixel")
    settled.point("#output-normals", 0.5, 0.5, click=True)
    page.wait_for_function("document.querySelector('.pag-story')?.innerText.includes('0.60')")
    page.click("#sweep .pag-play")
    page.wait_for_function("document.body.dataset.budget > 0.75")
    page.click("#sweep .pag-play")
    page.wait_for_function(
        "document.querySelector('.pag-story').innerText"
        ".includes(`At budget ${document.body.dataset.budget},`)"
    )


def test_a_new_photo_takes_along_what_was_said_of_the_old_one(
    guest: Visitor, tmp_path: Path
) -> None:
    page = guest.page
    guest.open_tab("pooling")
    page.wait_for_selector("#dilation-map .pag-stack")
    guest.point("#dilation-map", 0.4, 0.6, click=True)
    page.wait_for_selector("#dilation-map svg")
    page.wait_for_selector("#readout [data-value=place]")
    guest.open_tab("pixel")
    page.wait_for_selector("#pixel-panel .pag-story")
    guest.choose_own(tmp_path)
    said = {
        selector: (page.text_content(selector) or "").strip()
        for selector in ("#pixel-panel [data-slot]", "#field-words", "#readout")
    }
    assert list(said.values()) == [content.PIXEL_EMPTY, content.FIELD_HINT, content.READOUT]


def test_an_answer_without_a_story_leaves_what_is_there(settled: Visitor) -> None:
    """The server gives one where another photo has come in between."""
    page = settled.page
    settled.open_tab("pixel")
    settled.point("#output-normals", 0.5, 0.5, click=True)
    page.wait_for_selector("#pixel-panel .pag-story")
    before = page.inner_text("#pixel-panel")
    page.evaluate(
        """() => {
            const {connect, page} = window.pagExplorer;
            const channel = page.channels.pixel;
            const answer = {value: {scene: page.scene.id, name: ""}};
            connect("pixel", answer, (name, arrived) => arrived(), () => {});
            page.channels.pixel = channel;
        }"""
    )
    assert page.inner_text("#pixel-panel") == before


def test_a_place_that_could_not_be_read_can_be_asked_for_again(
    settled: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = settled.page
    settled.open_tab("pixel")

    def fail(*_: object) -> str:
        raise RuntimeError("a bug")

    for again in ((0.31, 0.67), None):
        with monkeypatch.context() as broken:
            broken.setattr(asides.pixel, "story", fail)
            settled.point("#output-normals", 0.62, 0.44, click=True)
            page.wait_for_selector("#pixel-panel [role=alert]:has-text('could not be read')")
        assert "another place, or this one twice" in page.inner_text("#pixel-panel")
        if again:
            settled.point("#output-normals", *again, click=True)
        else:
            settled.point("#output-normals", 0.62, 0.44, click=True)
            page.wait_for_function("document.body.dataset.pin === 'off'")  # it was let go
            settled.point("#output-normals", 0.62, 0.44, click=True)
        page.wait_for_selector("#pixel-panel .pag-story")


def test_a_photo_that_the_server_has_forgotten_is_asked_for_again(
    visitor: Visitor, blocks: gr.Blocks, tmp_path: Path
) -> None:
    mine = write_photo(tmp_path / "mine.png", 110, 150, seed=13)
    page = visitor.page
    with page.expect_request("**/queue/join*") as request:
        visitor.choose(mine)
    visitor.until_numbers("150 × 110")
    visitor.until_swept()
    visitor.open_tab("pixel")
    asked = request.value.post_data_json
    assert asked is not None
    blocks.state_holder.session_data.pop(asked["session_hash"])
    visitor.point("#output-normals", 0.5, 0.5, click=True)
    page.wait_for_selector("#pixel-panel [role=alert]:has-text('holds no photo')")
    visitor.open_tab("two")
    page.select_option("#two-against select", "policy:adaptive")
    page.wait_for_selector("#two-b-numbers [role=alert]:has-text('holds no photo')")
    visitor.open_tab("take")
    page.click("#take-panel [data-take=zip]")
    page.wait_for_selector("[data-testid=toast-body]:has-text('holds no photo')")
    # The same photo once more, and all is well.
    visitor.choose(mine)
    visitor.open_tab("two")
    page.wait_for_selector("#two-b-numbers:has-text('achieved')")
    visitor.open_tab("pixel")
    visitor.move_slider(visitor.budgets()[3])
    page.wait_for_selector("#pixel-panel .pag-story")


def test_the_receptive_field_is_drawn_to_scale(settled: Visitor, record: Inference) -> None:
    settled.open_tab("pooling")
    settled.page.wait_for_selector("#dilation-map .pag-stack")
    stride, (height, width) = record.dilation_stride, record.image.shape[:2]
    for x, y in ((0.3, 0.4), (0.62, 0.71)):
        settled.point("#dilation-map", x, y)
        settled.page.wait_for_function(
            "x => Math.abs(parseInt(document.querySelector('#readout [data-value=place]')"
            "?.innerText.slice(2)) - x) <= 2",
            arg=x * record.image_size[1],
        )
        words = settled.page.inner_text("#field-words")
        place = re.search(r"x (\d+), y (\d+)", words)
        assert place is not None
        photo_height, photo_width = record.image_size
        row = int((int(place[2]) + 0.5) / photo_height * height) // stride
        column = int((int(place[1]) + 0.5) / photo_width * width) // stride
        dilation = record.dilations[record.dilation[row, column]]
        boxes = settled.page.eval_on_selector_all(
            "#dilation-map svg rect",
            "boxes => boxes.map(box => ['x', 'y', 'width', 'height'].map("
            "name => Number(box.getAttribute(name))))",
        )
        steps = (0,) if dilation == 0 else (-1, 0, 1)
        expected = [
            [(column + i * dilation) * stride, (row + j * dilation) * stride, stride, stride]
            for j in steps
            for i in steps
        ]
        assert boxes == expected
        if dilation:
            assert f"{dilation * stride} pixels apart" in words
        scale = settled.page.evaluate(
            """() => {
                const box = document.querySelector('#dilation-map svg').getBoundingClientRect();
                const stack = document.querySelector('#dilation-map .pag-stack')
                    .getBoundingClientRect();
                return [box.width / stack.width, box.height / stack.height];
            }"""
        )
        assert scale == pytest.approx([1, 1], abs=0.02)
        view = settled.page.get_attribute("#dilation-map svg", "viewBox")
        assert view == f"0 0 {width} {height}"
    shares = settled.page.locator("#dilation-legend .pag-share").all_inner_texts()
    assert len(shares) == len(record.dilations)
