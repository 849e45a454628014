"""Two at once: another budget, policy or model beside the answer that is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.actions import Desk
from app.examples import find_examples
from app.look import launch_options
from app.session import Session
from app.ui import build_app
from app.wish import Wish
from pag import Inference
from tests.app.fake import FakePredictor
from tests.browser.test_link import PINS
from tests.browser.test_steering import text
from tests.browser.visitor import STEPS, Visitor

pytestmark = pytest.mark.browser

SMALL_FLOOR = 0.4


@pytest.fixture(scope="module")
def small() -> FakePredictor:
    """Another network, which is loaded when it is asked for."""
    network = FakePredictor()
    network.floor = SMALL_FLOOR
    return network


@pytest.fixture(scope="module")
def url(fake: FakePredictor, small: FakePredictor) -> Iterator[str]:
    blocks = build_app(fake, {"small": lambda: small}, steps=STEPS)
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    yield address
    blocks.close()


def record(fake: FakePredictor, wish: Wish) -> Inference:
    """What the page shows of its first example, as the API would have it."""
    answer = Desk(fake).open(Session(), find_examples()[0], wish).answer
    assert answer is not None
    return answer


def ready(visitor: Visitor) -> None:
    visitor.until_swept()
    visitor.open_tab("two")
    visitor.page.wait_for_selector("#two-panel[data-state=ready]")
    visitor.page.check("#two-show input[value=segmentation]")


def choose(visitor: Visitor, choice: str) -> None:
    visitor.page.select_option("#two-against select", choice)
    visitor.page.wait_for_function(
        """choice => {
            const panel = document.querySelector('#two-panel');
            const select = panel.querySelector('select');
            return select.value === choice && panel.dataset.state !== 'waiting';
        }""",
        arg=choice,
    )


def until(visitor: Visitor, selector: str, pattern: str) -> str:
    visitor.page.wait_for_function(
        "([selector, pattern]) => new RegExp(pattern).test("
        "document.querySelector(selector).innerText.replace(/\\s+/g, ' '))",
        arg=[selector, pattern],
    )
    return text(visitor, selector)


def test_two_budgets_are_compared_without_a_request(settled: Visitor, fake: FakePredictor) -> None:
    ready(settled)
    calls = len(fake.calls)
    low = settled.budgets()[0]
    choose(settled, f"budget:{low:.3f}")
    assert text(settled, "#two-a [data-two=title]") == "A · budget 0.60"
    assert text(settled, "#two-b [data-two=title]") == f"B · budget {low:.2f}"
    a, b = record(fake, Wish()), record(fake, Wish(budget=low))
    calls += 2
    for side, answer in (("a", a), ("b", b)):
        words = until(settled, f"#two-{side}-numbers", f"{answer.budget_achieved:.3f} achieved")
        assert f"{answer.macs_executed / 1e9:.2f} of {answer.macs_dense / 1e9:.2f} billion" in words
        assert re.search(r"\d+ ms network", words)
    assert len(fake.calls) == calls
    # The pictures and their difference are those of the two records.
    settled.page.check("#two-show input[value=depth]")
    until(settled, "#two-difference-words", "Depth differs")
    assert not np.array_equal(settled.picture("two-a"), settled.picture("two-b"))
    assert np.array_equal(settled.picture("two-a"), settled.picture("depth"))
    settled.page.check("#two-show input[value=segmentation]")
    said = until(settled, "#two-difference-words", "another class")
    assert a.segmentation is not None and b.segmentation is not None
    share = 100 * (a.segmentation != b.segmentation).mean()
    assert float(said.split("%")[0]) == pytest.approx(share, abs=0.51)


def test_a_budget_that_is_the_same_does_not_differ(settled: Visitor) -> None:
    ready(settled)
    budget = settled.budgets()[3]
    settled.move_slider(budget)
    settled.until_numbers(rf"Requested {budget:.2f}")
    choose(settled, f"budget:{budget:.3f}")
    until(settled, "#two-difference-words", "^0% of the pixels have another class")
    assert np.array_equal(settled.picture("two-a"), settled.picture("two-b"))
    # A follows the slider, B stays.
    settled.move_slider(1.0)
    until(settled, "#two-a [data-two=title]", r"A · budget 1\.00")
    assert text(settled, "#two-b [data-two=title]") == f"B · budget {budget:.2f}"
    settled.page.check("#two-show input[value=ponder]")
    words = until(settled, "#two-difference-words", "A ran more layers at")
    assert re.search(r"at \d+% of the places, fewer at 0%", words)


def test_the_other_policy_and_model_are_asked_for(
    visitor: Visitor, fake: FakePredictor, small: FakePredictor
) -> None:
    ready(visitor)
    calls = len(fake.calls)
    choose(visitor, "policy:adaptive")
    until(visitor, "#two-b [data-two=title]", "B · adaptive policy")
    assert [call[:2] for call in fake.calls[calls:]] == [(0.6, "adaptive")]
    answer = record(fake, Wish(policy="adaptive"))
    until(visitor, "#two-b-numbers", f"{answer.budget_achieved:.3f} achieved")
    assert small.calls == []
    choose(visitor, "model:small")
    until(visitor, "#two-b [data-two=title]", "B · model small")
    assert [call[0] for call in small.calls] == [0.6]
    visitor.move_slider(visitor.budgets()[0])
    words = until(visitor, "#two-b-numbers", "can be run at any budget")
    assert f"from {SMALL_FLOOR:.2f} to 1" in words  # A goes lower than that network can
    assert visitor.source("two-b") == ""


def test_one_place_is_one_place_in_both(settled: Visitor) -> None:
    ready(settled)
    settled.point("#two-a", 0.3, 0.4, click=True)
    settled.page.wait_for_function("document.body.dataset.pin === 'fixed'")
    settled.page.wait_for_timeout(200)
    pins = {pin["name"]: pin for pin in settled.page.evaluate(PINS)}
    for side in ("a", "b", "difference"):
        pin = pins[f"two-{side}"]
        assert pin["shown"] and (pin["x"], pin["y"]) == pytest.approx((0.3, 0.4), abs=0.01)
    settled.page.keyboard.press("Escape")


def test_a_narrow_page_puts_them_below_each_other(phone: Visitor) -> None:
    ready(phone)
    boxes = [phone.page.locator(f"#two-{side}").bounding_box() for side in ("a", "b")]
    assert boxes[0] is not None and boxes[1] is not None
    assert boxes[0]["x"] == boxes[1]["x"] and boxes[1]["y"] > boxes[0]["y"] + 100
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_was_not_answered_is_said_and_can_be_asked_again(
    guest: Visitor, tmp_path: Path
) -> None:
    """As where too many stand in line."""
    guest.choose_own(tmp_path)
    ready(guest)
    line = re.compile(r"/queue/join")
    guest.page.route(line, lambda route: route.fulfill(status=503, json={"detail": "full"}))
    guest.page.select_option("#two-against select", "policy:adaptive")
    guest.page.wait_for_selector("#two-panel[data-state=failed]")
    assert "could not be computed" in text(guest, "#two-b-numbers")
    guest.page.unroute(line)
    choose(guest, "policy:adaptive")
    guest.page.wait_for_selector("#two-panel[data-state=ready]")
    guest.errors = [error for error in guest.errors if "503" not in error]
