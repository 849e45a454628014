"""Who computes next: one at a time, and what somebody waits for before what runs behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

NOW, BEHIND = 0, 1


class Turn:
    """A lock with two lines: `now` for answers, `behind` for sweeps; each line in order of arrival.

    A sweep's step that already computes is not interrupted; it takes as long as one answer.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[int, int]] = []
        self._arrivals = count()
        self._taken = False

    @property
    def busy(self) -> bool:
        """Whether anybody computes or waits."""
        with self._changed:
            return self._taken or bool(self._waiting)

    @contextmanager
    def now(self) -> Iterator[None]:
        """Hold the turn for something that a person waits for."""
        with self._held(NOW):
            yield

    @contextmanager
    def behind(self) -> Iterator[None]:
        """Hold the turn once nobody waits for an answer."""
        with self._held(BEHIND):
            yield

    @contextmanager
    def _held(self, line: int) -> Iterator[None]:
        ticket = (line, next(self._arrivals))
        with self._changed:
            self._waiting.append(ticket)
            try:
                self._changed.wait_for(lambda: not self._taken and min(self._waiting) == ticket)
                self._taken = True
            finally:
                self._waiting.remove(ticket)
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()
