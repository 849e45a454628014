"""Learning how fast the machine is, behind what visitors ask for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from app.turn import Turn
from app.words import latency as words

QUIET = 3.0
"""Seconds without a visitor's request before a pass is timed."""
LOOK = 0.5  # seconds between two looks whether it is quiet

Learn = Callable[[Callable[[], AbstractContextManager[object]]], object]
"""Measures a network, each of whose passes runs inside the context that it is given."""

logger = logging.getLogger(__name__)


class Measuring:
    """One measurement in the life of a server, begun after its first answer.

    It takes its turn pass by pass, and only while nobody asks for anything: whoever comes waits
    for one pass at the most, and what was timed was timed in quiet.

    Args:
        learn: see `Learn`.
        turn: that passes wait for.
        clock, sleep: in seconds.
    """

    def __init__(
        self,
        learn: Learn,
        turn: Turn,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._learn, self._turn = learn, turn
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked = clock()

    def answered(self) -> None:
        """Told after every answer that a visitor waited for, or that a sweep made."""
        with self._lock:
            self._asked = self._clock()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="measuring")
                self._thread.start()

    def wait(self) -> None:
        """Until the measurement is over, if it has begun."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._learn(self._pass)
        except Exception:
            # The page does without, as before.
            logger.exception(words.FAILED)

    @contextmanager
    def _pass(self) -> Iterator[None]:
        while self._clock() - self._asked < QUIET:
            self._sleep(LOOK)
        with self._turn.behind():
            yield
