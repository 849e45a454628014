"""What the page needs of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from pag import TASKS, Inference, PAGConfig


class Analyser(Protocol):
    """What the page needs of `pag.Predictor`; tests hand in a stand-in."""

    config: PAGConfig
    floor: float

    def __call__(
        self,
        image: Any,
        budget: float = 1.0,
        *,
        policy: str = "exact",
        execution: str = "auto",
        tasks: Sequence[str] = TASKS,
        labels: str = "all",
        size: int = 480,
        steer: np.ndarray | None = None,
    ) -> Inference: ...
