"""How long a visitor waits: ``python -m tests.benchmarks.waits --out FILE.json``.

Measures, in one run on an idle machine:

- the network on a 480x360 photograph at full budget, dense execution (warm, median);
- the whole first answer for a 12-megapixel JPEG in a real browser, from choosing the file to
  the last of the four outputs on the screen, and where the server spends that time;
- the slider in the browser: to a budget of the sweep, and to one that has to be computed;
- eight visitors who choose a photograph at the same time, against one who is alone, in browsers,
  whose drawing takes most of that time; and eight programs, without (`tests.benchmarks.programs`).
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Any

import torch
from playwright.sync_api import Browser, Page, sync_playwright

from app.actions import Desk
from app.frames import frame_message
from app.look import launch_options
from app.one_thread import OneThreadPredictor
from app.session import Session
from app.ui import build_app
from app.wish import Wish
from pag import Predictor, open_image
from pag.timing import machine
from tests.benchmarks import programs
from tests.benchmarks.conditions import listed, photograph
from tests.browser.visitor import Visitor
from tests.conftest import BROWSER_ARGS, BROWSERS

REPEATS = 7
FILES = 5
VISITORS = 8
# From the slider's event to the second frame after all pictures are those of the budget:
# by then they are on the screen.
TIME_A_MOVE = """async budget => {
    const shown = budget.toFixed(2);
    const slider = document.querySelector('#budget input[type=range]');
    const started = performance.now();
    slider.value = budget;
    slider.dispatchEvent(new Event('input', {bubbles: true}));
    const frame = () => new Promise(requestAnimationFrame);
    const image = document.querySelector("img[data-slot='depth']");
    while (document.body.dataset.budget !== shown || !image.complete) await frame();
    await frame();
    return performance.now() - started;
}"""


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
    with NamedTemporaryFile(suffix=".jpg") as file:
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


@contextmanager
def open_browser(predictor: Predictor) -> Iterator[tuple[Browser, str]]:
    """A browser, and the address of the app around `predictor`."""
    blocks = build_app(predictor)
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGS)
        yield browser, address
        browser.close()
    blocks.close()


def outputs_shown(page: Page) -> list[str]:
    """Addresses of the four pictures on the page, once they are loaded."""
    return page.evaluate(
        """() => [...document.querySelectorAll('[id^="output-"] .pag-picture[src]')]
              .filter(img => img.complete && img.naturalWidth).map(img => img.src)"""
    )


def first_answers(visitor: Visitor, folder: Path) -> list[float]:
    """Seconds from choosing a 12-megapixel file to four new outputs, a new file each time."""
    seconds = []
    for number in range(FILES):
        file = folder / f"{number}.jpg"
        file.write_bytes(photograph(4000, 3000, number))
        before = set(outputs_shown(visitor.page))
        started = time.perf_counter()
        visitor.choose(file)
        while len(set(outputs_shown(visitor.page)) - before) < 4:
            visitor.page.wait_for_timeout(5)
        seconds.append(time.perf_counter() - started)
    return seconds


def moves(visitor: Visitor) -> tuple[list[float], list[float]]:
    """Milliseconds from moving the slider to new pixels: to swept budgets, to others."""
    visitor.until_swept()
    budgets = visitor.budgets()
    there = [visitor.page.evaluate(TIME_A_MOVE, b) for b in budgets[::2] + budgets[1::2]]
    between = [round((a + b) / 2, 2) for a, b in pairwise(budgets)][:6]
    return there, [visitor.page.evaluate(TIME_A_MOVE, b) for b in between]


def at_once(browser: Browser, address: str, folder: Path, count: int) -> list[float]:
    """Seconds that each of `count` visitors waits who all choose a photograph at once."""
    visitors = [Visitor(browser, address) for _ in range(count)]
    for someone in visitors:
        someone.until_swept()
    files = [folder / f"visitor{number}.jpg" for number in range(count)]
    for number, file in enumerate(files):
        file.write_bytes(photograph(1200, 900 + 20 * number, 50 + number))
    started = time.perf_counter()
    for someone, file in zip(visitors, files, strict=True):
        someone.choose(file)
    waiting, seconds = dict(enumerate(visitors)), [0.0] * count
    while waiting:
        for number, someone in list(waiting.items()):
            if f"1200 × {900 + 20 * number}" in someone.numbers():
                seconds[number] = time.perf_counter() - started
                del waiting[number]
        visitors[0].page.wait_for_timeout(10)
    for someone in visitors:
        someone.leave()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    predictor = OneThreadPredictor.from_checkpoint(options.checkpoint, device="cpu")
    with open_browser(predictor) as (browser, address), TemporaryDirectory() as name:
        visitor = Visitor(browser, address)
        visitor.until_numbers("Achieved")
        answers = first_answers(visitor, Path(name))
        swept, computed = moves(visitor)
        visitor.leave()
        alone = at_once(browser, address, Path(name), 1)
        together = at_once(browser, address, Path(name), VISITORS)
        served = programs.measure(address, VISITORS)
    report = {
        "checkpoint": predictor.digest,
        "machine": machine(),
        "first_answer_seconds": listed(answers, 2),
        "slider_to_swept_budget_ms": listed(swept, 0),
        "slider_to_other_budget_ms": listed(computed, 0),
        "visitors": {"alone_seconds": listed(alone, 2), "together_seconds": listed(together, 2)},
        "programs": {"checkpoint": predictor.digest, "machine": machine()} | served,
        "milliseconds": profile(predictor, photograph(4000, 3000, 99)),
    }
    text = json.dumps(report, indent=1) + "\n"
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
