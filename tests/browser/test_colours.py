"""Colours as the browser has them: letters of charts, and what styles take from the palette."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import pytest

from app.palette import DIFFERENCE, PONDER_MAP, PROBABILITY_MAP, css, css_gradient
from tests.app.test_palette import contrast, on_page
from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = pytest.mark.browser

CHARTS = {
    "ponder": ["#ponder-plot"],
    "cost": ["#cost-plot"],
    "quality": ["#quality-here .pag-plot", "#quality-heldout .pag-plot"],
}
COLOURED = """([place, colour]) => {
    const letters = [...document.querySelector(place).querySelectorAll('svg text')];
    const written = letters.filter(text => text.textContent);
    return written.length && written.every(text => getComputedStyle(text).fill === colour);
}"""


BACKGROUND = """place => {
    const { backgroundColor, backgroundImage } = getComputedStyle(document.querySelector(place));
    return backgroundImage === 'none' ? backgroundColor : backgroundImage;
}"""


def as_rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(level, 16)) for level in re.findall(r'[0-9a-f]{2}', colour))})"


def until_coloured(visitor: Visitor, tab: str, mode: Literal["light", "dark"]) -> None:
    colour = on_page("body_text_color_subdued", mode)
    assert contrast(colour, on_page("block_background_fill", mode)) >= 4.5
    for chart in CHARTS[tab]:
        visitor.page.wait_for_function(COLOURED, arg=[chart, as_rgb(colour)], timeout=15_000)


def test_letters_of_charts_follow_the_page(context: BrowserContext, url: str) -> None:
    visitor = Visitor(context, url, theme="system")
    visitor.until_swept()
    for tab in CHARTS:
        visitor.open_tab(tab)
        until_coloured(visitor, tab, "light")
    visitor.page.emulate_media(color_scheme="dark")
    until_coloured(visitor, "quality", "dark")  # the one that is open
    for tab in ("cost", "ponder"):
        visitor.open_tab(tab)
        until_coloured(visitor, tab, "dark")
    visitor.page.emulate_media(color_scheme="light")
    until_coloured(visitor, "ponder", "light")
    visitor.leave()


def test_keys_have_the_colours_of_the_palette(settled: Visitor) -> None:
    page = settled.page
    settled.open_tab("gates")
    page.wait_for_selector("#gates .pag-tile >> nth=14")
    page.click("#gates-show input[value=difference]")
    for kind, colour in DIFFERENCE.items():
        found = page.evaluate(BACKGROUND, f"[data-slot=gates-key] .pag-{kind}")
        assert found == as_rgb(css(colour[:3]))
    page.click("#gates-show input[value=wish]")
    wish = page.evaluate(BACKGROUND, "[data-slot=gates-key] .pag-wish")
    page.click("#gates-show input[value=mask]")
    settled.open_tab("two")
    page.click("#two-show input[value=ponder]")
    page.wait_for_selector("#two-key .pag-scale")
    ponder = page.evaluate(BACKGROUND, "#two-key .pag-scale")
    page.click("#two-show input[value=segmentation]")
    for found, name, stops in ((wish, PROBABILITY_MAP, 3), (ponder, PONDER_MAP, 4)):
        colours = [as_rgb(stop) for stop in re.findall("#[0-9a-f]{6}", css_gradient(name, stops))]
        assert found == f"linear-gradient(to right, {', '.join(colours)})"
    settled.open_tab("steer")
    for brush, kind in (("spend", "on"), ("skip", "off")):
        hatched = page.evaluate(BACKGROUND, f"#steer-brush .pag-{brush}")
        assert as_rgb(css(DIFFERENCE[kind][:3])) in hatched
