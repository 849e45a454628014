"""A stand-in for `pag.Predictor`: the same call, a synthetic record, no network."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pag import LABEL_SETS, TASKS, Inference, PAGConfig, Picture, open_image
from tests.records import build_inference

FLOOR = 0.2


class FakePredictor:
    """Answers with the record of a made-up scene that depends on the pixels it is given.

    Attributes:
        calls: (budget, policy, execution, size, labels) of every call, in order.
        steers: the steering map of every call.
        fail: raised by the next call, once.
        seconds: that a call takes.
    """

    floor = FLOOR
    device = "cpu"
    config = PAGConfig(classes=LABEL_SETS["all"])

    def __init__(self) -> None:
        self.calls: list[tuple[float, str, str, int, str]] = []
        self.steers: list[np.ndarray | None] = []
        self.fail: Exception | None = None
        self.seconds = 0.0

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
        if self.fail is not None:
            error, self.fail = self.fail, None
            raise error
        time.sleep(self.seconds)
        self.calls.append((budget, policy, execution, size, labels))
        self.steers.append(steer)
        picture = image if isinstance(image, Picture) else open_image(image, size_hint=size)
        photo = Image.fromarray(picture.pixels)
        photo.thumbnail((size, size))
        seed = hashlib.sha256(photo.resize((8, 8)).tobytes()).digest()[0]
        record = build_inference(
            photo.height,
            photo.width,
            tasks,
            seed=seed,
            budget=budget,
            classes=LABEL_SETS[labels],
            image_size=picture.size,
            policy=policy,
            execution=execution,
            steer=steer,
        )
        return dataclasses.replace(record, image=np.array(photo), **_blurred(record, budget))


def _blurred(record: Inference, budget: float) -> dict[str, np.ndarray]:
    """The outputs of `record` shifted by the compute left out, so that a budget shows in each."""
    shift = round(40 * (1.0 - budget))
    return {task: np.roll(getattr(record, task), shift, axis=1) for task in record.tasks}
