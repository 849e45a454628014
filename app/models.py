"""The networks that the page can ask: its own, and others that are loaded when first asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from app.analyser import Analyser
from app.words import two as words
from pag import InputError

OWN = ""
"""Names the network that the page was started with."""


def model_option(model: str | None, checkpoint: str | None) -> str:
    """What chooses the same network on another command line; empty for the usual one.

    Args:
        model: the name given with ``--model``.
        checkpoint: what was given with ``--checkpoint``; of a folder only its name is told.
    """
    if model:
        return f"--model {model}"
    return f"--checkpoint {Path(checkpoint).name}" if checkpoint else ""


class Models:
    """Networks by name; safe between threads.

    Args:
        own: the page's own network.
        others: how each of the others is loaded, by name.
        option: what chooses the page's own on a command line; see `model_option`.
    """

    def __init__(
        self, own: Analyser, others: Mapping[str, Callable[[], Analyser]], option: str = ""
    ) -> None:
        self.option = option
        self._loaded = {OWN: own}
        self._others = dict(others)
        self._lock = threading.Lock()

    @property
    def others(self) -> tuple[str, ...]:
        """Names of the networks beside the page's own."""
        return tuple(self._others)

    def get(self, name: str) -> Analyser:
        """The network of this name.

        Raises:
            InputError: there is none.
            WeightsError: it cannot be loaded.
        """
        with self._lock:
            if name not in self._loaded:
                if name not in self._others:
                    raise InputError(
                        words.UNKNOWN.format(seen=repr(name)[:40], expected=", ".join(self.others))
                    )
                self._loaded[name] = self._others[name]()
            return self._loaded[name]
