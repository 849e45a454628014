"""One person in front of the page, as a test steers them."""

from __future__ import annotations

import base64
import io
import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import numpy as np
from PIL import Image

from tests.app.photos import write_photo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

OUTPUTS = ("segmentation", "boundary", "depth", "normals")
STEPS = 6
"""Budgets of a sweep: half as many as in use, as every page that is opened has one."""
PATIENCE = 120_000  # milliseconds; shared machines are slow at times
NUMBERS = "#numbers .html-container"  # without what Gradio writes over it while something runs
RESTS = "#numbers [data-testid=status-tracker].hide"
NEVER_SEEN = itertools.count(1000)  # seeds of photos
MOVE_SLIDER = """value => {
    const slider = document.querySelector('#budget input[type=range]');
    slider.value = value;
    slider.dispatchEvent(new Event('input', {bubbles: true}));
}"""
CLOSE_TOASTS = """() => {
    for (const button of document.querySelectorAll('[data-testid=toast-close]')) button.click();
}"""
READ_PICTURE = """async selector => {
    const image = document.querySelector(selector);
    const data = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
    return btoa(data.reduce((text, byte) => text + String.fromCharCode(byte), ''));
}"""


class Visitor:
    """One person in front of the page; every error in the browser is noted."""

    def __init__(
        self,
        browser: Browser | BrowserContext,
        url: str,
        width: int = 1440,
        theme: str = "light",
        query: Mapping[str, str] | None = None,
    ) -> None:
        self.url = url
        # A context of several visitors keeps what the page's script compiles to.
        self.page: Page = browser.new_page()
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.set_default_timeout(PATIENCE)
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        asked = urlencode({"__theme": theme, **(query or {})})
        self.page.goto(f"{url}?{asked}")
        self.page.wait_for_function("document.body.dataset.budget")

    def _note(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def leave(self) -> None:
        """Close the tab; nothing may have gone wrong, and nothing been fetched elsewhere."""
        self.page.close()
        assert self.errors == [], self.errors
        assert self.hosts <= {urlsplit(self.url).netloc, ""}  # "" is data: and blob:

    # ------------------------------------------------------------ reading

    def numbers(self) -> str:
        return re.sub(r"\s+", " ", self.page.inner_text(NUMBERS))

    def until_numbers(self, pattern: str) -> str:
        self.page.wait_for_function(
            "([selector, text]) => new RegExp(text).test("
            "document.querySelector(selector).innerText.replace(/\\s+/g, ' '))",
            arg=[NUMBERS, pattern],
        )
        return self.numbers()

    def budgets(self) -> list[float]:
        """The budgets of the sweep, rising."""
        return self.page.evaluate("window.pagExplorer.page.scene.budgets")

    def answered(self) -> list[float]:
        """The budgets that the page has an answer at, rising: the sweep's, and others asked for."""
        frames = "[...window.pagExplorer.page.frames.values()]"
        return sorted(self.page.evaluate(f"{frames}.map(frame => frame.budget)"))

    def until_swept(self) -> None:
        self.page.wait_for_selector("#sweep[data-state=complete]")

    def scene(self) -> str:
        """Which photo and settings are shown."""
        return self.page.evaluate("document.body.dataset.scene")

    def until_scene(self, before: str) -> str:
        """Wait for another scene than `before`, and return which it is."""
        self.page.wait_for_function(
            "old => document.body.dataset.scene !== old && window.pagExplorer.page.shown",
            arg=before,
        )
        return self.scene()

    def source(self, slot: str) -> str:
        return self.page.get_attribute(f"img[data-slot='{slot}']", "src") or ""

    def picture(self, slot: str) -> np.ndarray:
        """The pixels of the picture in a slot, (H, W, 3)."""
        data = base64.b64decode(self.page.evaluate(READ_PICTURE, f"img[data-slot='{slot}']"))
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    def outputs(self) -> dict[str, np.ndarray]:
        return {name: self.picture(name) for name in OUTPUTS}

    def readout(self) -> dict[str, str]:
        """What is read out of the place under the pointer."""
        pairs = self.page.eval_on_selector_all(
            "#readout span", "parts => parts.map(part => [part.dataset.value, part.innerText])"
        )
        return dict(pairs)

    # ------------------------------------------------------------ doing

    def close_toasts(self) -> None:
        # In the page: a toast that goes by itself meanwhile is no button to wait for.
        self.page.evaluate(CLOSE_TOASTS)
        self.page.wait_for_selector("[data-testid=toast-body]", state="detached")

    def settle(self) -> None:
        """Bring the page back to how it opened, but for photo and settings."""
        self.page.bring_to_front()  # a page behind another one is drawn once a second
        self.close_toasts()
        self.page.keyboard.press("Escape")
        self.page.uncheck("#compare")
        self.page.evaluate("document.activeElement.blur()")
        self.page.mouse.move(5, 5)
        self.open_tab("ponder")
        self.page.check("#ponder-unit input[value=layers]")
        self.page.evaluate("window.scrollTo(0, 0)")
        self.move_slider(0.6)
        self.until_numbers(r"Requested 0\.60")
        self.page.wait_for_selector(RESTS, state="attached")
        self.page.wait_for_function("['off', undefined].includes(document.body.dataset.pin)")

    def choose(self, path: Path) -> None:
        self.page.set_input_files("#photo input[type=file]", path)

    def choose_own(self, folder: Path, height: int = 150, width: int = 200) -> Path:
        """Choose a made-up photo that nobody has seen yet, and wait for its first answer."""
        before, seed = self.scene(), next(NEVER_SEEN)
        path = write_photo(folder / f"{seed}.png", height, width, seed=seed)
        self.choose(path)
        self.until_scene(before)
        self.until_numbers(f"{width} × {height}")
        return path

    def move_slider(self, value: float) -> None:
        self.page.evaluate(MOVE_SLIDER, value)

    def open_tab(self, name: str) -> None:
        self.page.click(f"#tab-{name}-button")

    def point(self, view: str, x: float, y: float, *, click: bool = False) -> None:
        """Move the pointer to a place of a picture, in shares of its width and height."""
        stack = self.page.locator(f"{view} .pag-stack").first
        stack.scroll_into_view_if_needed()
        box = stack.bounding_box()
        assert box is not None
        place = box["x"] + x * box["width"], box["y"] + y * box["height"]
        self.page.mouse.move(*place)
        if click:
            self.page.mouse.click(*place)
