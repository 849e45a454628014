"""What is timed of a method, and on what."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from pag.baselines.measure import Photograph, time_block
from pag.baselines.methods import FULL, Setting, build_methods
from pag.predictor import Predictor
from pag.scores import Spent
from tests.tiny_data import SIZE, make_sample

TASKS = ("segmentation", "depth", "normals")


class Still:
    """A method that a GPU runs, and that does nothing there."""

    device = torch.device("cuda")

    def answer(
        self, image: np.ndarray, index: int, budget: float
    ) -> tuple[dict[str, np.ndarray], Spent]:
        raise AssertionError("nobody scores it")

    def timed(self, image: np.ndarray, index: int, budget: float) -> Callable[[], object]:
        return lambda: None


def test_times_name_the_gpu_that_they_were_measured_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"a {device.type} GPU")
    block = time_block({FULL: Still()}, 0.6, [Photograph(0, make_sample((), 0), [])], 2, "wall")
    assert block["machine"]["gpu"] == "a cuda GPU" and "processor" in block["machine"]


@pytest.mark.parametrize("name", [FULL, "scaled", "lower_resolution"])
@torch.inference_mode()
def test_timed_maps_stay_where_the_network_is(
    name: str, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample, names = make_sample((), 0), ["scaled", "lower_resolution"]
    method = build_methods(names, Setting(predictor, TASKS, "all", max(SIZE)))[name]
    assert method.device == predictor.device
    run = method.timed(sample.image, 0, 0.6)
    copied: list[Tensor] = []
    usual = Tensor.cpu

    def spy(values: Tensor) -> Tensor:
        if values.numel() >= math.prod(SIZE):
            copied.append(values)
        return usual(values)

    monkeypatch.setattr(Tensor, "cpu", spy)
    run()
    assert not copied
    method.answer(sample.image, 0, 0.6)
    assert len(copied) >= len(TASKS)
