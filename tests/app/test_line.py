"""Eight programs ask at once: each gets the answer to its own photo, in the order of asking."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.figures import outputs
from app.look import launch_options
from app.ui import build_app
from pag import Inference
from tests.app.fake import FakePredictor
from tests.app.photos import write_photo
from tests.app.program import Program

COUNT = 8
WIDTH = 140
PATIENCE = 120.0


class InStep(FakePredictor):
    """Computes nothing as long as an answer that it has given has not reached its program.

    Attributes:
        heights: of the photos, in the order in which they are computed.
        received: heights of the photos whose answers have arrived, in the order of arrival.
        late: heights of the photos that waited in vain for the answer before theirs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.start = threading.Event()
        self.arrival = threading.Condition()
        self.heights: list[int] = []
        self.received: list[int] = []
        self.late: list[int] = []

    def __call__(self, image: Any, *options: Any, **named: Any) -> Inference:
        assert self.start.wait(PATIENCE)
        with self.arrival:
            came = self.arrival.wait_for(lambda: self.received == self.heights, PATIENCE)
            height = image.size[0]
            self.late += [] if came else [height]
            self.heights.append(height)
        return super().__call__(image, *options, **named)

    def arrived(self, height: int) -> None:
        with self.arrival:
            self.received.append(height)
            self.arrival.notify_all()


@pytest.fixture
def fake() -> InStep:
    return InStep()


@pytest.fixture
def programs(fake: InStep) -> Iterator[list[Program]]:
    blocks = build_app(fake)
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    callers = [Program(url) for _ in range(COUNT)]
    yield callers
    fake.start.set()
    for caller in callers:
        caller.close()
    blocks.close()


def test_eight_at_once_are_answered_in_the_order_of_asking(
    fake: InStep, programs: list[Program], tmp_path: Path
) -> None:
    # Not by size, nor by when they were uploaded: only by when they were asked for.
    heights = [90 + 4 * n for n in (5, 2, 7, 0, 6, 1, 4, 3)]
    photos = {h: write_photo(tmp_path / f"{h}.png", h, WIDTH, seed=h) for h in heights}
    uploads = {h: p.upload(photos[h]) for h, p in zip(sorted(heights), programs, strict=True)}

    def wait(program: Program, height: int, question: str) -> list[Any]:
        answer = program.answer("analyze", question)
        fake.arrived(height)
        return answer

    with ThreadPoolExecutor(COUNT) as threads:
        waiting = []
        for program, height in zip(programs, heights, strict=True):
            question = program.ask("analyze", uploads[height], 0.5, "exact")
            waiting.append(threads.submit(wait, program, height, question))
        assert fake.heights == []  # all stand in line before the first is computed
        fake.start.set()
        answers = [job.result(PATIENCE) for job in waiting]

    assert fake.late == []
    assert fake.heights == heights
    assert fake.received == heights
    for program, height, (result, _, _, depth, *_) in zip(programs, heights, answers, strict=True):
        assert result["image_size"] == [height, WIDTH]
        expected = outputs.depth_image(FakePredictor()(photos[height], 0.5))
        with Image.open(io.BytesIO(program.fetch(depth))) as got:
            assert np.array_equal(np.asarray(got), np.asarray(expected))
