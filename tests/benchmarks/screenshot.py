"""The README's picture: ``python -m tests.benchmarks.screenshot --out assets/screenshot.png``.

Shows the page on a street drawn here, so that the picture holds nobody else's photograph.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import sync_playwright

from app.look import launch_options
from app.ui import build_app
from pag import Predictor
from tests.conftest import BROWSER_ARGS, BROWSERS

WIDTH, HEIGHT = 640, 480


def draw_street(seed: int = 3) -> Image.Image:
    """A street in one-point perspective: sky, houses, pavement, road, trees, a car."""
    rng = np.random.default_rng(seed)
    far = (330, 225)
    image = Image.new("RGB", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(image)
    for y in range(HEIGHT):
        shade = y / HEIGHT
        draw.line([(0, y), (WIDTH, y)], (int(150 + 90 * shade), int(185 + 60 * shade), 235))
    draw.polygon([(0, HEIGHT), far, (WIDTH, HEIGHT)], (92, 92, 96))
    for side in (-1, 1):
        edge, kerb = (0, -60) if side < 0 else (WIDTH, WIDTH + 60)
        draw.polygon([(edge, HEIGHT), (edge, 372), far, (kerb, HEIGHT)], (150, 143, 136))
        for index in range(5):
            near, back = 0.62**index, 0.62 ** (index + 1)
            xs = [far[0] + (edge - far[0]) * k for k in (near, back)]
            tall = 190 + 60 * rng.random()
            tops = [far[1] - tall * k for k in (near, back)]
            feet = [far[1] + 150 * k for k in (near, back)]
            wall = tuple(int(c) for c in rng.integers(95, 185, 3))
            draw.polygon(
                [(xs[0], tops[0]), (xs[1], tops[1]), (xs[1], feet[1]), (xs[0], feet[0])], wall
            )
            for column in range(1, 4):
                for row in range(1, 4):
                    t, u = column / 4, row / 4.6
                    x = xs[0] + (xs[1] - xs[0]) * t
                    top = tops[0] + (tops[1] - tops[0]) * t
                    foot = feet[0] + (feet[1] - feet[0]) * t
                    size = (foot - top) / 16
                    y = top + (foot - top) * u
                    draw.rectangle([x - size / 2, y - size, x + size / 2, y + size], (52, 60, 72))
    for step in np.linspace(0.08, 1, 9) ** 1.6:
        y = far[1] + (HEIGHT - far[1]) * step
        x = far[0] + (WIDTH / 2 - far[0]) * step
        draw.polygon(
            [
                (x - 4 * step, y),
                (x + 4 * step, y),
                (x + 5 * step, y + 22 * step),
                (x - 5 * step, y + 22 * step),
            ],
            (215, 215, 205),
        )
    for x, scale in ((118, 1.0), (520, 0.8), (400, 0.35)):
        foot = far[1] + 165 * scale
        draw.rectangle([x - 5 * scale, foot - 170 * scale, x + 5 * scale, foot], (70, 52, 40))
        for _ in range(60):
            dx, dy, r = rng.normal(0, 34 * scale), rng.normal(0, 30 * scale), 15 * scale
            green = (int(40 + 40 * rng.random()), int(85 + 50 * rng.random()), 45)
            cx, cy = x + dx, foot - 190 * scale + dy
            draw.ellipse([cx - r, cy - r, cx + r, cy + r], green)
    draw.rounded_rectangle([392, 300, 512, 352], 12, (158, 34, 38))
    draw.polygon([(412, 302), (430, 272), (480, 272), (500, 302)], (40, 48, 58))
    for x in (418, 488):
        draw.ellipse([x - 13, 338, x + 13, 364], (22, 22, 24))
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(0.8)), dtype=np.float32)
    pixels = pixels + rng.normal(0, 5, pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    blocks = build_app(Predictor.from_checkpoint(options.checkpoint))
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        street = Path(folder) / "street.png"
        draw_street().save(street)
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(address)
        page.wait_for_function("document.querySelectorAll('[id^=\"output-\"] img').length == 4")
        page.set_input_files("#photo input[type=file]", street)
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
