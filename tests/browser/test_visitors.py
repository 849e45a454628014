"""Eight people use the page at once, each sees only what is theirs, and leaves nothing behind."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app import leaving
from app.session import Photo
from pag import Inference
from tests.app.photos import write_photo
from tests.browser.visitor import PATIENCE, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

pytestmark = pytest.mark.browser

COUNT = 8
WIDTH = 140


def height(number: int) -> int:
    """Of the photo that the visitor of this number chooses; no two are alike."""
    return 90 + 4 * number


@pytest.fixture
def visitors(browser: Browser, url: str) -> Iterator[list[Visitor]]:
    # Six connections to a server at most are opened in a context, and each page keeps one.
    people = [Visitor(browser, url) for _ in range(COUNT)]
    yield people
    for someone in people:
        someone.leave()


def test_each_of_eight_sees_only_their_own_photo(visitors: list[Visitor], tmp_path: Path) -> None:
    for number, someone in enumerate(visitors):
        photo = write_photo(tmp_path / f"{number}.png", height(number), WIDTH, seed=20 + number)
        someone.choose(photo)
    for number, someone in enumerate(visitors):
        someone.until_numbers(f"{WIDTH} × {height(number)}")
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
    deadline = time.monotonic() + PATIENCE / 1000
    while held(size) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert held(size) == 0
