"""A page to visit, and visitors who note everything that goes wrong in their browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from app.look import launch_options
from app.ui import build_app
from tests.app.fake import FakePredictor
from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext


@pytest.fixture(scope="module")
def fake() -> FakePredictor:
    return FakePredictor()


@pytest.fixture(scope="module")
def url(fake: FakePredictor) -> Iterator[str]:
    """The page around a stand-in for the network, which answers at once."""
    blocks = build_app(fake)
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    yield address
    blocks.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """What the visitors of one module share: no session, only what was fetched."""
    shared = browser.new_context()
    yield shared
    shared.close()


@pytest.fixture
def visitor(context: BrowserContext, url: str) -> Iterator[Visitor]:
    someone = Visitor(context, url)
    yield someone
    someone.leave()
