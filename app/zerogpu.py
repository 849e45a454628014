"""A GPU that is borrowed for each pass, on a Space with ZeroGPU hardware.

There the package `spaces` is installed, and it has to be imported before torch: so this
module comes before anything that needs torch. Elsewhere nothing changes.
"""

from __future__ import annotations

from typing import Any

from app.analyser import Analyser
from pag import Inference

try:
    import spaces  # pyright: ignore[reportMissingImports]
except ImportError:
    spaces = None

SECONDS = 20
"""The longest that one pass may hold the GPU; short passes come first in the queue."""


class Borrowing:
    """An analyser that borrows a GPU for as long as one pass takes.

    The pass runs in a process of its own: what it is given and what it returns is pickled.
    """

    def __init__(self, analyser: Analyser) -> None:
        self.config = analyser.config
        self.floor = analyser.floor

        def one_pass(image: Any, budget: float, options: dict[str, Any]) -> Inference:
            return analyser(image, budget, **options)

        assert spaces is not None, "made only where the package is there"
        self._one_pass = spaces.GPU(duration=SECONDS)(one_pass)

    def __call__(self, image: Any, budget: float = 1.0, **options: Any) -> Inference:
        return self._one_pass(image, budget, options)


def on_borrowed_gpu(analyser: Analyser) -> Analyser:
    """`analyser` itself, or on ZeroGPU hardware one that borrows a GPU for each pass."""
    return analyser if spaces is None else Borrowing(analyser)
