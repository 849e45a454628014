"""All passes of all networks in one thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from app import zerogpu
from pag import Inference, Predictor, keep_freed_memory

_THREAD = ThreadPoolExecutor(1, thread_name_prefix="network")


class OneThreadPredictor(Predictor):
    """A predictor that loads and runs in the one thread that all such predictors share.

    A server answers in whatever thread is free, and OpenMP keeps helpers for every thread that
    has ever computed. With more of them than cores they sleep between two parallel loops instead
    of waiting awake, and a pass, which has hundreds, takes a tenth longer. Passes take turns on
    the machine's cores anyway.
    """

    @classmethod
    def from_checkpoint(cls, name: str | Path | None = None, device: str = "auto") -> Predictor:
        keep_freed_memory()  # holds for threads that start later
        return _THREAD.submit(super().from_checkpoint, name, device).result()

    def __call__(self, *args: Any, **options: Any) -> Inference:
        return _THREAD.submit(super().__call__, *args, **options).result()


def predictor_class() -> type[Predictor]:
    """What networks are loaded with.

    On ZeroGPU hardware each pass has a process of its own, into which no thread follows.
    """
    return OneThreadPredictor if zerogpu.spaces is None else Predictor
