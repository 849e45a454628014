"""How long a visitor waits: ``python -m tests.benchmarks.first_answer --out FILE.json``.

Measures, in one run on an idle machine:

- the network on a 480x360 photograph at full budget, dense execution (warm, median);
- the whole first answer for a 12-megapixel JPEG in a real browser, from choosing the file to
  the last of the four outputs on the screen, and where the server spends that time.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from app.actions import Desk, Wish
from app.frames import frame_message
from app.look import launch_options
from app.session import Session
from app.ui import build_app
from pag import Predictor, open_image
from tests.conftest import BROWSER_ARGS, BROWSERS

REPEATS = 7


def photograph(width: int, height: int, seed: int) -> bytes:
    """A JPEG with structure at all scales, like a photograph's."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), dtype=np.float32)
    for cell in (8, 64, 512):
        coarse = rng.integers(0, 255, (height // cell + 2, width // cell + 2, 3), dtype=np.uint8)
        layer = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(layer, dtype=np.float32) * (cell / 584)
    stream = io.BytesIO()
    Image.fromarray(np.clip(total, 0, 255).astype(np.uint8)).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def spread(work: Callable[[], Any], repeats: int = REPEATS) -> dict[str, float]:
    """Median and extremes of a warm call, milliseconds."""
    work()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    milliseconds = [1000 * s for s in seconds]
    return {
        "median": round(statistics.median(milliseconds), 1),
        "lowest": round(min(milliseconds), 1),
        "highest": round(max(milliseconds), 1),
    }


def profile(predictor: Predictor, large: bytes) -> dict[str, dict[str, float]]:
    """Milliseconds of each part of the server's work."""
    small = open_image(photograph(480, 360, 0)).pixels
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        file.write(large)
        file.flush()
        desk = Desk(predictor)
        session = desk.open(Session(), file.name, Wish(budget=1.0))
    answer = session.answer
    assert answer is not None
    tensor = torch.from_numpy(small.copy()).permute(2, 0, 1)[None].float() / 255
    tensor = tensor.contiguous(memory_format=torch.channels_last)

    def network() -> None:
        with torch.inference_mode():
            predictor.net(tensor, torch.tensor([1.0]))

    return {
        "network_480x360_full_budget": spread(network),
        "predictor_480x360_full_budget": spread(lambda: predictor(small, 1.0)),
        "predictor_480x360_budget_0.6": spread(lambda: predictor(small, 0.6)),
        "decode_12_megapixels": spread(lambda: open_image(large, size_hint=480)),
        "figures_of_one_answer": spread(lambda: frame_message(answer, session, 1.0)),
    }


def outputs_shown(page: Page) -> list[str]:
    """Addresses of the four pictures on the page, once they are loaded."""
    return page.evaluate(
        """() => [...document.querySelectorAll('[id^="output-"] .pag-picture[src]')]
              .filter(img => img.complete && img.naturalWidth).map(img => img.src)"""
    )


def in_browser(predictor: Predictor, repeats: int = 5) -> list[float]:
    """Seconds from choosing a 12-megapixel file to four new outputs, a new file each time."""
    blocks = build_app(predictor)
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    seconds = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(address)
        page.wait_for_function(
            "document.querySelectorAll('[id^=\"output-\"] .pag-picture[src]').length == 4"
        )
        for number in range(repeats):
            file = Path(folder) / f"{number}.jpg"
            file.write_bytes(photograph(4000, 3000, number))
            before = set(outputs_shown(page))
            started = time.perf_counter()
            page.set_input_files("#photo input[type=file]", file)
            while len(shown := set(outputs_shown(page)) - before) < 4:
                page.wait_for_timeout(5)
            seconds.append(time.perf_counter() - started)
            assert len(shown) == 4
        browser.close()
    blocks.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    predictor = Predictor.from_checkpoint(options.checkpoint, device="cpu")
    browser_seconds = in_browser(predictor)
    report = {
        "checkpoint": predictor.digest,
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "load": os.getloadavg()[0],
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
        "first_answer_seconds": {
            "median": round(statistics.median(browser_seconds), 2),
            "all": [round(s, 2) for s in browser_seconds],
        },
        "milliseconds": profile(predictor, photograph(4000, 3000, 99)),
    }
    text = json.dumps(report, indent=1) + "\n"
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
