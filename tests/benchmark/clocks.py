"""A clock for tests of what measures time."""

from __future__ import annotations


class Ticking:
    """Says one second more each time, so that every run takes one second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now
