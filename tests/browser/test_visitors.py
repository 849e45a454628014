"""Eight people use the page at once, and each one sees only what is theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.app.photos import write_photo
from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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
