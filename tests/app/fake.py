"""A stand-in for `pag.Predictor`: the same call, a synthetic record, no network."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pag import LABEL_SETS, TASKS, Inference, PAGConfig, Picture, open_image
from tests.records import build_inference

FLOOR = 0.2
SCALED_BELOW, SCALE = 0.7, 5 / 6
"""With the policy ``scaled``: below which budget the picture seen is smaller, and its scale."""
PATIENCE = 120.0
"""Seconds; shared machines are slow at times."""


class Brake:
    """Keeps calls waiting until a test lets them through; at first nobody waits.

    So a test of what happens meanwhile needs no call that takes long, nor luck with the time.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._free: tuple[float, ...] | None = None
        self._allowed = 0
        self._waiting = 0

    def hold(self, *free: float) -> None:
        """From now on calls wait, but for those at the budgets `free`."""
        with self._changed:
            self._free, self._allowed = free, 0

    def let(self, count: int = 1) -> None:
        """Let so many calls through, those that wait and then those that come."""
        with self._changed:
            self._allowed += count
            self._changed.notify_all()

    def release(self) -> None:
        """Let everybody through."""
        with self._changed:
            self._free = None
            self._changed.notify_all()

    def until_waiting(self) -> None:
        """Return once a call waits."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting > 0, PATIENCE):
                raise TimeoutError("no call has come")

    def passed(self, budget: float) -> None:
        """Return once a call at `budget` may go on."""
        with self._changed:
            if self._free is None or budget in self._free:
                return
            self._waiting += 1
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._free is None or self._allowed, PATIENCE):
                raise TimeoutError("no call was let through")
            self._waiting -= 1
            if self._free is not None:
                self._allowed -= 1


class FakePredictor:
    """Answers with the record of a made-up scene that depends on the pixels it is given.

    Attributes:
        calls: (budget, policy, execution, size, labels) of every call, in order.
        steers: the steering map of every call.
        fail: raised by the next call, once.
        device: what the records say.
        seconds: what the records say of the network; None for what they always say.
        brake: keeps calls waiting; a call is in the network meanwhile.
    """

    floor = FLOOR
    config = PAGConfig(classes=LABEL_SETS["all"])

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self.seconds: float | None = None
        self.calls: list[tuple[float, str, str, int, str]] = []
        self.steers: list[np.ndarray | None] = []
        self.fail: Exception | None = None
        self.brake = Brake()

    @classmethod
    def from_checkpoint(cls, name: str | Path | None = None, device: str = "auto") -> FakePredictor:
        del name, device
        return cls()

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
    ) -> Inference:
        self.brake.passed(budget)
        if self.fail is not None:
            error, self.fail = self.fail, None
            raise error
        self.calls.append((budget, policy, execution, size, labels))
        self.steers.append(steer)
        picture = image if isinstance(image, Picture) else open_image(image, size_hint=size)
        photo = Image.fromarray(picture.pixels)
        photo.thumbnail((size, size))
        record = _record(
            Seen(np.array(photo)),
            tuple(tasks),
            None if steer is None else Seen(steer),
            budget=budget,
            classes=LABEL_SETS[labels],
            image_size=picture.size,
            network_size=_seen(photo, policy, budget),
            policy=policy,
            execution=execution,
        )
        if self.seconds is not None:
            seconds = dict(record.seconds) | {"network": self.seconds}
            record = dataclasses.replace(record, seconds=seconds)
        return dataclasses.replace(record, device=self.device, **_blurred(record, budget))


def _seen(photo: Image.Image, policy: str, budget: float) -> tuple[int, int]:
    """(height, width) at which the network is said to have seen the photo."""
    scale = SCALE if policy == "scaled" and budget < SCALED_BELOW else 1.0
    return round(scale * photo.height), round(scale * photo.width)


class Seen:
    """An array that is the same as every other with these values."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self._key = (values.shape, values.dtype.str, values.tobytes())

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Seen) and self._key == other._key


@lru_cache(maxsize=64)
def _record(photo: Seen, tasks: tuple[str, ...], steer: Seen | None, **asked: Any) -> Inference:
    # Making one takes longer than all that the page does with it, and the tests of the page look
    # at the same few photos again and again.
    height, width = photo.values.shape[:2]
    seed = hashlib.sha256(Image.fromarray(photo.values).resize((8, 8)).tobytes()).digest()[0]
    steered = None if steer is None else steer.values
    return build_inference(
        height, width, tasks, seed=seed, steer=steered, image=photo.values, **asked
    )


def forget_records() -> None:
    """Let go of the records kept, for tests of who else does."""
    _record.cache_clear()


def _blurred(record: Inference, budget: float) -> dict[str, np.ndarray]:
    """The outputs of `record` shifted by the compute left out, so that a budget shows in each."""
    shift = round(40 * (1.0 - budget))
    return {task: np.roll(getattr(record, task), shift, axis=1) for task in record.tasks}
