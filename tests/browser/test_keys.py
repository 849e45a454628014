"""Keys of the browser's own stay the browser's, wherever the focus is."""

from __future__ import annotations

import pytest

from tests.browser.test_outputs import CLOUD
from tests.browser.test_space import show_picture, show_space
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser

SWALLOWED = """([selector, key]) => ['ctrlKey', 'metaKey', 'altKey'].filter(modifier => {
    const pressed = {key, [modifier]: true, bubbles: true, cancelable: true};
    return !document.querySelector(selector).dispatchEvent(new KeyboardEvent('keydown', pressed));
})"""


def test_shortcuts_of_the_browser_are_not_swallowed(settled: Visitor) -> None:
    page = settled.page
    page.check("#compare")
    page.wait_for_selector("#outputs .pag-divider >> nth=3")
    show_space(settled)
    settled.open_tab("steer")
    page.wait_for_selector(".pag-paint")
    keys = {
        "#output-normals .pag-stack": ("ArrowLeft", "Enter"),  # back in the history
        CLOUD: ("+", "-", "ArrowLeft"),  # zoom
        "#output-normals .pag-divider": ("Home", "ArrowLeft"),
        ".pag-paint": ("s", "ArrowLeft"),
    }
    for selector, pressed in keys.items():
        for key in pressed:
            assert page.evaluate(SWALLOWED, [selector, key]) == [], (selector, key)
    show_picture(settled)
