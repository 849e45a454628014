"""Other circumstances: fingers in place of a mouse, and a chart library that comes late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Route

pytestmark = pytest.mark.browser

COUNTED = """
window.drawn = [];
let library;
Object.defineProperty(window, 'Plotly', {
    get: () => library,
    set: loaded => {
        const react = loaded.react;
        library = loaded;
        library.react = (plot, data, ...more) => {
            window.drawn.push(plot.id);
            return react(plot, data, ...more);
        };
    },
});
"""
"""Notes every chart that is drawn."""


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    held = browser.new_context(has_touch=True, is_mobile=True)
    yield held
    held.close()


def test_what_a_finger_may_tap_is_seen(phone: BrowserContext, url: str) -> None:
    visitor = Visitor(phone, url, width=390)
    visitor.until_swept()
    tools = visitor.page.locator("#output-depth .pag-tools")
    tools.scroll_into_view_if_needed()
    assert tools.evaluate("tools => getComputedStyle(tools).opacity") == "1"
    picture = visitor.page.locator("#output-depth .pag-stack").bounding_box()
    buttons = tools.bounding_box()
    assert picture is not None and buttons is not None
    share = buttons["width"] * buttons["height"] / (picture["width"] * picture["height"])
    assert share < 0.15  # the picture stays in sight
    visitor.leave()


def test_charts_wait_for_their_library_and_are_drawn_once(browser: Browser, url: str) -> None:
    context = browser.new_context()
    context.add_init_script(COUNTED)
    late: list[Route] = []
    context.route("**/PlotlyPlot*", lambda route: late.append(route))
    visitor = Visitor(context, url)
    visitor.until_swept()
    visitor.open_tab("cost")
    for budget in visitor.budgets()[::3]:
        visitor.move_slider(budget)
        visitor.until_numbers(rf"Requested {budget:.2f}")
    assert late
    for route in late:
        route.continue_()
    visitor.page.wait_for_selector("#cost-plot .barlayer .point")
    visitor.page.wait_for_timeout(500)
    assert visitor.page.evaluate("window.drawn").count("cost-plot") == 1
    assert visitor.page.evaluate(
        """() => JSON.stringify(document.querySelector('#cost-plot').data[1].y)
            === JSON.stringify(window.pagExplorer.page.shown.fill.data.cost.data[1].y)"""
    )
    visitor.leave()
    context.close()
