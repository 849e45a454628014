"""Pictures of the page: ``python -m tests.benchmarks.screenshot --out FOLDER``.

Writes ``screenshot.png``, the README's picture, and ``screenshots/``, the whole page at three
widths, light and dark: ``page-1440-light.webp`` and so on, as they lie in `assets`. ``--only
readme`` writes the first alone. All show the rendered street, and among the examples only what we
rendered, so that they hold nobody else's photograph.
"""

from __future__ import annotations

import argparse
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from PIL import Image
from playwright.sync_api import sync_playwright

from app import examples
from app.look import launch_options
from app.ui import build_app
from pag import Predictor
from tests.benchmarks.examples import HEIGHT, WIDTH
from tests.conftest import BROWSER_ARGS, BROWSERS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = (1440, 768, 390)
THEMES = ("light", "dark")
QUALITY = 82
PATIENCE = 300_000  # milliseconds until all budgets are ready, on a busy machine


@contextmanager
def street(browser: Browser, address: str, width: int, theme: str) -> Iterator[Page]:
    """The page with the rendered street, all budgets ready and timed in quiet."""
    page = browser.new_page(viewport={"width": width, "height": 1000})
    page.set_default_timeout(PATIENCE)
    page.goto(f"{address}?__theme={theme}")
    page.wait_for_function(
        "document.querySelectorAll('[id^=\"output-\"] .pag-picture[src]').length == 4"
    )
    page.set_input_files("#photo input[type=file]", examples.FOLDER / "street.jpg")
    page.wait_for_function(
        f"document.querySelector('#numbers').innerText.includes('{WIDTH} × {HEIGHT}')"
    )
    page.wait_for_selector("#sweep[data-state=complete]")
    page.wait_for_function("document.body.dataset.timed === document.body.dataset.scene")
    yield page
    page.close()


def shoot(browser: Browser, address: str, out: Path, only_readme: bool) -> None:
    """Write the pictures into `out`."""
    with street(browser, address, 1440, "light") as page:
        page.get_by_role("tab", name="Layer by layer").click()
        page.wait_for_timeout(2000)
        page.locator("#right").screenshot(path=out / "screenshot.png")
    folder = out / "screenshots"
    for width in () if only_readme else WIDTHS:
        for theme in THEMES:
            with street(browser, address, width, theme) as page:
                page.wait_for_selector("#ponder-plot .heatmaplayer image")
                page.wait_for_timeout(500)
                picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))
                folder.mkdir(exist_ok=True)
                picture.save(folder / f"page-{width}-{theme}.webp", quality=QUALITY, method=6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", choices=["readme"])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with mock.patch.object(examples, "SHIPPED", ()):
        blocks = build_app(Predictor.from_checkpoint(options.checkpoint))
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGS)
        shoot(browser, address, options.out, options.only == "readme")
        browser.close()
    blocks.close()


if __name__ == "__main__":
    main()
