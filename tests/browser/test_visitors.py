"""Eight people use the page at once, each sees only what is theirs, and leaves nothing behind."""

from __future__ import annotations

import base64
import gc
import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import pytest
from PIL import Image

from app import leaving
from app.session import Photo
from pag import Inference
from tests.app.fake import forget_records
from tests.app.photos import write_photo
from tests.app.tab import Tab
from tests.browser.visitor import OUTPUTS, PATIENCE, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

pytestmark = pytest.mark.browser

TABS = 3
COUNT = 8
WIDTH = 140


def height(number: int) -> int:
    """Of the photo that the visitor of this number chooses; no two are alike."""
    return 90 + 4 * number


def photo(folder: Path, number: int) -> Path:
    return write_photo(folder / f"{number}.png", height(number), WIDTH, seed=20 + number)


@pytest.fixture
def visitors(browser: Browser, url: str) -> Iterator[list[Visitor]]:
    """Some who have a browser each."""
    # Six connections to a server at most are opened in a context, and each page keeps one.
    people = [Visitor(browser, url) for _ in range(TABS)]
    yield people
    for someone in people:
        someone.leave()


@pytest.fixture
def others(blocks: gr.Blocks) -> Iterator[list[Tab]]:
    """And some of whom the server sees the same, without a page that has to be drawn."""
    people = [Tab(blocks, f"visitor {number}") for number in range(TABS, COUNT)]
    yield people
    for someone in people:
        someone.close()
        someone.end()


def swept(someone: Tab, photo: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(the scene, the frames of all its budgets) of somebody who chooses a photo."""
    first = someone.choose(photo)
    frames = [first["frame"]]
    for budget in first["scene"]["order"]:
        while "frame" not in (message := someone.step(first["scene"]["id"], budget)):
            assert message.get("later"), message
            time.sleep(0.1)
        frames.append(message["frame"])
    return first["scene"], frames


def test_each_of_eight_sees_only_their_own_photo(
    visitors: list[Visitor], others: list[Tab], tmp_path: Path
) -> None:
    photos = [photo(tmp_path, number) for number in range(COUNT)]
    with ThreadPoolExecutor(len(others)) as pool:  # all at once
        sweeps = [pool.submit(swept, *pair) for pair in zip(others, photos[TABS:], strict=True)]
        for someone, mine in zip(visitors, photos, strict=False):
            someone.choose(mine)
        for number, someone in enumerate(visitors):
            someone.until_numbers(f"{WIDTH} × {height(number)}")
        seen = [sweep.result() for sweep in sweeps]
    for number, someone in enumerate(visitors):
        someone.until_swept()
        budgets = someone.budgets()
        for budget in (budgets[0], budgets[-1]):
            someone.move_slider(budget)
            numbers = someone.until_numbers(rf"Requested {budget:.2f}")
            assert f"{WIDTH} × {height(number)}" in numbers
            for picture in someone.outputs().values():
                assert picture.shape[:2] == (height(number), WIDTH)
        scenes = "new Set([...window.pagExplorer.page.frames.values()].map(f => f.scene)).size"
        assert someone.page.evaluate(scenes) == 1
    assert len({scene["id"] for scene, _ in seen}) == len(others)
    for number, (scene, frames) in enumerate(seen, TABS):
        assert (scene["photo_height"], scene["photo_width"]) == (height(number), WIDTH)
        assert [frame["budget"] for frame in frames] == [0.6, *scene["order"]]
        assert {frame["scene"] for frame in frames} == {scene["id"]}
        for frame in frames:
            assert f"{WIDTH} × {height(number)}" in frame["fill"]["html"]["numbers"]
            for name in OUTPUTS:
                assert size(frame["fill"]["pictures"][name]) == (WIDTH, height(number))


def size(address: str) -> tuple[int, int]:
    """(width, height) of the picture in a `data:` address."""
    with Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))) as picture:
        return picture.size


def held(size: tuple[int, int]) -> int:
    """How many photos and records of this (height, width) the server's process refers to."""
    gc.collect()
    things = gc.get_objects()
    photos = [t for t in things if type(t) is Photo and t.picture.size == size]
    return len(photos) + len([t for t in things if type(t) is Inference and t.image_size == size])


def test_closing_the_tab_frees_what_was_theirs(
    context: BrowserContext, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "LINGER", 0.5)
    size = (94, 151)  # nobody else's
    someone = Visitor(context, url)
    someone.choose(write_photo(tmp_path / "mine.png", *size))
    someone.until_numbers(f"{size[1]} × {size[0]}")
    someone.until_swept()
    assert held(size) > len(someone.budgets())  # the sweep, and the photo itself
    someone.leave()
    forget_records()
    deadline = time.monotonic() + PATIENCE / 1000
    while held(size) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert held(size) == 0
