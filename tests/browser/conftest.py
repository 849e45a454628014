"""A page to visit, and visitors who note everything that goes wrong in their browser.

All tests of this folder share one browser and one server: to start them anew for each module takes
seconds every time, most of them for a page whose script has not been compiled yet.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import gradio as gr
import pytest

from app.look import launch_options
from app.ui import build_app
from tests.app.fake import Brake, FakePredictor
from tests.browser.visitor import STEPS, Visitor
from tests.conftest import BROWSER_ARGS, BROWSERS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext


ELSEWHERE = "cuda"


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium; skipped without one, except in continuous integration.

    Package scope: while it lives, Playwright keeps an event loop in this thread, which
    would stand in the way of tests elsewhere that start their own.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
        path = path or playwright.chromium.executable_path
        if not os.path.exists(path):
            reason = f"no browser: none of {', '.join(BROWSERS)} on PATH; `make test` installs one"
            if os.environ.get("CI", "").lower() in ("1", "true"):
                pytest.fail(reason)
            pytest.skip(reason)
        running = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGS)
        yield running
        running.close()


@pytest.fixture(scope="package")
def fake() -> FakePredictor:
    """A stand-in for the network, which answers at once. What it noted of others stays there.

    It is said to be elsewhere: where page and network share a processor, the page has passes timed
    again when it rests, and a test could not count its own calls.
    """
    return FakePredictor(device=ELSEWHERE)


@pytest.fixture
def brake(fake: FakePredictor) -> Iterator[Brake]:
    """By which a test keeps the stand-in waiting."""
    yield fake.brake
    fake.brake.release()
    fake.fail = None


@pytest.fixture(scope="package")
def blocks(fake: FakePredictor) -> Iterator[gr.Blocks]:
    """The app around the stand-in, served."""
    app = build_app(fake, steps=STEPS)
    app.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    yield app
    app.close()


@pytest.fixture(scope="package")
def url(blocks: gr.Blocks) -> str:
    assert blocks.local_url is not None
    return blocks.local_url


@pytest.fixture(scope="package")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """What visitors share: no session, only what was fetched."""
    shared = browser.new_context()
    yield shared
    shared.close()


@pytest.fixture
def visitor(context: BrowserContext, url: str) -> Iterator[Visitor]:
    someone = Visitor(context, url)
    yield someone
    someone.leave()


Lend = Callable[..., AbstractContextManager[Visitor]]


@pytest.fixture(scope="package")
def kept(browser: Browser) -> Iterator[dict[str, Visitor]]:
    """The pages that tests borrow one after the other, by name; closed before the browser is."""
    pages: dict[str, Visitor] = {}
    yield pages
    for someone in pages.values():
        someone.leave()


@pytest.fixture
def lend(
    request: pytest.FixtureRequest, kept: dict[str, Visitor], browser: Browser, url: str
) -> Lend:
    """Lends a page that is kept; a test that fails takes it along.

    Each has a context of its own: a context opens six connections to a server at most, of which a
    page has one all the time and up to three at once.
    """

    @contextmanager
    def lent(name: str, width: int = 1440, theme: str = "light") -> Iterator[Visitor]:
        someone = kept.pop(name, None) or Visitor(browser, url, width, theme)
        failed = request.session.testsfailed
        try:
            someone.settle()
            yield someone
            assert someone.errors == []
        except BaseException:
            someone.page.close()
            raise
        if request.session.testsfailed > failed:
            someone.page.close()
        else:
            kept[name] = someone

    return lent


@pytest.fixture
def settled(lend: Lend) -> Iterator[Visitor]:
    """Somebody in front of the first example, its sweep complete, the page as it opens.

    For tests that leave photo and settings alone. Others may have asked for budgets between those
    of the sweep before (`Visitor.answered`).
    """
    with lend("settled") as someone:
        someone.until_swept()
        yield someone


@pytest.fixture
def guest(lend: Lend) -> Iterator[Visitor]:
    """Somebody in front of the page as it opens, but for the photo, which is any.

    For tests that choose one of their own and leave the settings alone.
    """
    with lend("guest") as someone:
        yield someone


@pytest.fixture
def theme() -> str:
    """Of the page on a phone; tests that look at both replace it."""
    return "light"


@pytest.fixture
def phone(lend: Lend, theme: str) -> Iterator[Visitor]:
    """As `settled`, on a page as narrow as a phone's."""
    with lend(f"phone, {theme}", 390, theme) as someone:
        someone.until_swept()
        yield someone
