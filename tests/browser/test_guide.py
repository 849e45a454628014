"""Help: terms that explain themselves, and a tour that leads through the page by the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from app.ui import TABS
from app.words import guide
from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = pytest.mark.browser

IN_SIGHT = """selector => {
    const box = document.querySelector(selector).getBoundingClientRect();
    const card = document.querySelector('.pag-tour').getBoundingClientRect();
    return box.top < card.top && box.bottom > 0 && box.top > -8;
}"""


@pytest.fixture(scope="module")
def guest(context: BrowserContext, url: str) -> Iterator[Visitor]:
    someone = Visitor(context, url)
    someone.until_swept()
    yield someone
    someone.leave()


def test_every_panel_says_what_is_seen(guest: Visitor) -> None:
    for name in TABS:
        guest.open_tab(name)
        words = guest.page.locator(f"#{name}-panel .pag-explain").first
        words.wait_for(state="visible")
        assert len(words.inner_text()) > 40
    hints = guest.page.locator("#outputs .pag-title + .pag-hint").all_inner_texts()
    assert len(hints) == 4
    assert min(map(len, hints)) > 20


def test_terms_are_explained_by_pointer_focus_and_escape(guest: Visitor) -> None:
    page = guest.page
    guest.open_tab("gates")
    bubble = page.locator("#pag-bubble")
    term = page.locator("#gates-panel [data-term='active fraction']")
    term.hover()
    bubble.wait_for(state="visible")
    assert bubble.inner_text() == guide.TERMS["active fraction"]
    page.mouse.move(5, 5)
    bubble.wait_for(state="hidden")
    term.focus()
    bubble.wait_for(state="visible")
    assert term.get_attribute("aria-describedby") == "pag-bubble"
    assert bubble.get_attribute("role") == "tooltip"
    page.keyboard.press("Escape")
    bubble.wait_for(state="hidden")
    assert term.get_attribute("aria-describedby") is None


def test_all_terms_can_be_looked_up(guest: Visitor) -> None:
    page = guest.page
    explained = set()
    page.click("#more button")
    for name in TABS:
        guest.open_tab(name)
        page.wait_for_selector(f"#{name}-panel", state="visible")
        explained |= set(
            page.eval_on_selector_all("[data-term]", "all => all.map(t => t.dataset.term)")
        )
    assert explained == set(guide.TERMS)
    page.click("#glossary button")
    page.wait_for_selector(".pag-glossary", state="visible")
    for meaning in guide.TERMS.values():
        assert meaning in page.inner_text(".pag-glossary")


def test_the_tour_by_keyboard(guest: Visitor) -> None:
    page = guest.page
    assert page.locator(".pag-tour").count() == 0  # never by itself
    page.locator("#tour").focus()
    page.keyboard.press("Enter")
    for step, (selector, tab, title, text) in enumerate(guide.STEPS, 1):
        page.wait_for_selector(f"{selector}.pag-toured")
        assert page.inner_text(".pag-tour-count") == f"{step} of {len(guide.STEPS)}"
        assert page.inner_text(".pag-tour h2") == title
        assert page.inner_text("#pag-tour-text") == text
        assert page.evaluate("document.activeElement.dataset.tour") == "next"
        page.wait_for_function(IN_SIGHT, arg=selector)
        if tab:
            assert page.get_attribute(f"#tab-{tab}-button", "aria-selected") == "true"
        page.keyboard.press("Enter")
    page.wait_for_selector(".pag-tour", state="detached")
    assert page.locator(".pag-toured").count() == 0
    assert page.evaluate("document.activeElement.id") == "tour"


def test_the_tour_goes_back_and_ends_with_escape(guest: Visitor) -> None:
    page = guest.page
    page.click("#tour")
    assert page.locator("[data-tour=back]").is_disabled()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#budget.pag-toured")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("#photo.pag-toured")
    page.click("[data-tour=next]")
    page.keyboard.press("Tab")  # the focus has left the card: Escape ends the tour all the same
    page.keyboard.press("Escape")
    page.wait_for_selector(".pag-tour", state="detached")
    assert page.locator(".pag-toured").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_help_and_taking_away_on_a_phone(phone: Visitor, theme: str) -> None:
    page = phone.page
    page.click("#tour")
    for selector, *_ in guide.STEPS:
        page.wait_for_selector(f"{selector}.pag-toured")
        page.wait_for_function(IN_SIGHT, arg=selector)
        card = page.locator(".pag-tour").bounding_box()
        assert card is not None
        assert card["x"] >= 0
        assert card["x"] + card["width"] <= 390
        assert card["y"] + card["height"] <= 900
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.click("[data-tour=next]")
    phone.open_tab("gates")
    page.locator("#gates-panel [data-term='gate']").first.click()
    page.wait_for_selector("#pag-bubble", state="visible")
    bubble = page.locator("#pag-bubble").bounding_box()
    assert bubble is not None
    assert bubble["x"] >= 0
    assert bubble["x"] + bubble["width"] <= 390
