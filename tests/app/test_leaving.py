"""Closing the tab lets go of the answers at once, and soon of everything that is a visitor's."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from typing import Any
from weakref import ref

import pytest
from pytest import MonkeyPatch

from app import leaving
from app.look import launch_options
from app.ui import build_app
from tests.app.fake import PATIENCE, FakePredictor
from tests.app.tab import Tab


def until(true: Callable[[], Any]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(true())


@pytest.fixture
def tab() -> Iterator[Tab]:
    blocks = build_app(FakePredictor())
    blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    someone = Tab(blocks, "someone")
    yield someone
    someone.end()
    blocks.close()


def test_the_answers_go_at_once_and_the_photo_waits(tab: Tab) -> None:
    session = tab.session
    assert session is not None and session.photo is not None
    assert len(session.memory) == 1
    tab.close()
    assert until(lambda: len(session.memory) == 0)
    assert tab.session is session
    # A broken connection looks the same: whoever is still there goes on with the photo.
    tab.ask("adjust", None, 0.5, "exact", "auto", 480, "all")
    assert tab.session is not None and tab.session.answer is not None
    assert tab.session.answer.budget_requested == 0.5


def test_then_nothing_in_the_process_holds_the_photo(monkeypatch: MonkeyPatch, tab: Tab) -> None:
    monkeypatch.setattr(leaving, "LINGER", 0.2)
    session = tab.session
    assert session is not None and session.photo is not None and session.answer is not None
    theirs = [ref(it) for it in (session, session.memory, session.photo, session.answer)]
    del session
    gc.collect()
    assert all(it() is not None for it in theirs)
    tab.close()
    assert until(lambda: tab.visitor not in tab.blocks.state_holder)
    assert until(lambda: gc.collect() >= 0 and all(it() is None for it in theirs))


def test_whoever_asks_in_between_keeps_everything(tab: Tab) -> None:
    holder = tab.blocks.state_holder
    left = holder.time_last_used[tab.visitor]
    tab.ask("adjust", None, 0.5, "exact", "auto", 480, "all")
    leaving._drop(tab.blocks, tab.visitor, left)
    assert tab.session is not None and tab.session.photo is not None
    leaving._drop(tab.blocks, tab.visitor, holder.time_last_used[tab.visitor])
    assert tab.session is None
