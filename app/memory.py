"""The answers remembered for one visitor."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from pag import Inference

LIMIT = 144_000_000
"""Bytes for one visitor: a whole sweep at a working size of 640, two at 480."""


class Memory:
    """Answers by question, the least recently used forgotten first; safe between threads.

    The one part of a session that changes: the sweep adds to it behind the visitor's back.

    Attributes:
        limit: bytes of arrays that are kept; the newest answer is kept whatever its size.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._answers: OrderedDict[Hashable, Inference] = OrderedDict()
        self._sent: set[Hashable] = set()
        self._quiet: set[Hashable] = set()
        self._at_work = 0
        self._lock = threading.Lock()

    def __deepcopy__(self, seen: Any) -> Memory:
        # Gradio copies a state's first value for every visitor: each gets a memory of their own.
        return Memory(self.limit)

    def __len__(self) -> int:
        return len(self._answers)

    def recall(self, key: Hashable) -> Inference | None:
        """The remembered answer to exactly this question, if there is one."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def remember(self, key: Hashable, answer: Inference, *, in_quiet: bool = False) -> None:
        """Keep an answer, and forget the oldest ones beyond the limit.

        Args:
            key: the question.
            answer: to keep.
            in_quiet: its time was taken while nobody asked for anything.
        """
        with self._lock:
            (self._quiet.add if in_quiet else self._quiet.discard)(key)
            self._answers[key] = answer
            self._answers.move_to_end(key)
            total = sum(map(size_of, self._answers.values()))
            while total > self.limit and len(self._answers) > 1:
                forgotten, old = self._answers.popitem(last=False)
                self._quiet.discard(forgotten)
                total -= size_of(old)

    def timed_in_quiet(self, key: Hashable) -> bool:
        """Whether the answer remembered last was timed while nobody asked for anything."""
        with self._lock:
            return key in self._quiet

    def items(self) -> list[tuple[Hashable, Inference]]:
        """All that is remembered now, the least recently used first."""
        with self._lock:
            return list(self._answers.items())

    def forget(self) -> None:
        """Let go of everything: the visitor has left."""
        with self._lock:
            self._answers.clear()
            self._sent.clear()
            self._quiet.clear()

    def first_time(self, key: Hashable) -> bool:
        """True once for each question: its answer is not in the browser yet."""
        with self._lock:
            known = key in self._sent
            self._sent.add(key)
            return not known

    def was_sent(self, key: Hashable) -> bool:
        """Whether the browser has the answer, remembered here or not."""
        with self._lock:
            return key in self._sent

    def browser_cleared(self) -> None:
        """The browser has let go of what was sent, as it does for another photo."""
        with self._lock:
            self._sent.clear()

    @property
    def interrupted(self) -> bool:
        """True while the visitor's own request is being answered: the sweep stands back."""
        return self._at_work > 0

    @contextmanager
    def interrupt(self) -> Iterator[None]:
        """Hold the sweep back for as long as this lasts."""
        with self._lock:
            self._at_work += 1
        try:
            yield
        finally:
            with self._lock:
                self._at_work -= 1


def size_of(answer: Inference) -> int:
    """Bytes of a record's maps; the masks are small beside them."""
    maps = (
        answer.image, answer.segmentation, answer.boundary, answer.depth, answer.normals,
        answer.ponder_layers, answer.ponder_macs,
    )  # fmt: skip
    grids = (array for gate in answer.gates for array in (gate.mask, gate.probability))
    return sum(array.nbytes for array in (*maps, *grids) if array is not None)
