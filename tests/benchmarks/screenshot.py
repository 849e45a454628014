"""The README's picture: ``python -m tests.benchmarks.screenshot --out assets/screenshot.png``.

Shows the page on the rendered street of the examples, so that the picture holds nobody else's
photograph.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from app.examples import FOLDER
from app.look import launch_options
from app.ui import build_app
from pag import Predictor
from tests.benchmarks.examples import HEIGHT, WIDTH
from tests.conftest import BROWSER_ARGS, BROWSERS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    blocks = build_app(Predictor.from_checkpoint(options.checkpoint))
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(address)
        page.wait_for_function(
            "document.querySelectorAll('[id^=\"output-\"] .pag-picture[src]').length == 4"
        )
        page.set_input_files("#photo input[type=file]", FOLDER / "street.jpg")
        page.wait_for_function(
            f"document.querySelector('#numbers').innerText.includes('{WIDTH} × {HEIGHT}')"
        )
        page.get_by_role("tab", name="Layer by layer").click()
        page.wait_for_timeout(4000)
        # The right half only: the left one holds the examples, which are not ours.
        page.locator("#right").screenshot(path=options.out)
        browser.close()
    blocks.close()


if __name__ == "__main__":
    main()
