"""Closing the tab lets go of the answers at once, and soon of everything that is a visitor's."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from weakref import ref

import httpx
import pytest
from pytest import MonkeyPatch

from app import leaving
from app.look import launch_options
from app.session import Session
from app.ui import build_app
from tests.app.fake import FakePredictor

PATIENCE = 120.0


def until(true: Callable[[], Any]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(true())


class Tab:
    """What a browser does when the page opens: it says that it lives, and asks what `load` asks."""

    def __init__(self, visitor: str) -> None:
        self.visitor = visitor
        self.blocks = build_app(FakePredictor())
        _, url, _ = self.blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options())
        self.http = httpx.Client(base_url=f"{url}gradio_api/", timeout=PATIENCE)
        self.heartbeat = self.http.stream("GET", f"heartbeat/{visitor}")
        self.heartbeat.__enter__()
        for name in ("open_first", "arrive"):
            self.ask(name, None)

    @property
    def session(self) -> Session | None:
        """The server's, or None where it has let go of it."""
        if self.visitor not in self.blocks.state_holder:
            return None
        data = self.blocks.state_holder.session_data[self.visitor].state_data
        return next((value for value in data.values() if isinstance(value, Session)), None)

    def ask(self, name: str, *data: Any) -> None:
        number = next(n for n, fn in self.blocks.fns.items() if fn.name == name)
        question = {"data": data, "fn_index": number, "session_hash": self.visitor}
        self.http.post("queue/join", json=question).raise_for_status()
        parameters = {"session_hash": self.visitor}
        with self.http.stream("GET", "queue/data", params=parameters) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data: ")) if line else {}
                if message.get("msg") == "process_completed":
                    assert message["success"], message
                    return

    def close(self) -> None:
        self.heartbeat.__exit__(None, None, None)

    def end(self) -> None:
        self.http.close()
        self.blocks.close()


@pytest.fixture
def tab() -> Iterator[Tab]:
    someone = Tab("someone")
    yield someone
    someone.end()


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
