"""The network over budgets: what is run, and at what size."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pag.benchmark import network
from pag.benchmark.network import FULL, PYTORCH, SMALL, ByPyTorch, measure_network
from pag.benchmark.subject import Recipe, Subject, load_images
from pag.budget import ExactPolicy, GatePolicy, OpenPolicy
from pag.errors import BudgetError
from pag.execution import DenseExecution, Execution
from pag.fused_execution import AutoExecution, SparseExecution
from pag.macs import Size
from pag.network import PAGNet, Trace
from tests.benchmark.clocks import Ticking

SIZE = (96, 128)


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Recipe().make()


@pytest.mark.parametrize("batch", [1, 2])
def test_the_smaller_image_costs_what_the_budget_does(subject: Subject, batch: int) -> None:
    image = load_images([], SIZE, batch)
    full, low = measure_network(subject, image, [1.0, 0.6], 2, Ticking())
    assert (full.small_size, full.small_achieved, full.achieved) == (SIZE, 1.0, 1.0)
    assert low.achieved == pytest.approx(0.6, abs=0.005)
    # Feature maps of so small an image have few pixels, so that its cost rises in large steps.
    assert low.small_achieved == pytest.approx(0.6, abs=0.05)
    assert all(small < large for small, large in zip(low.small_size, SIZE, strict=True))
    assert set(low.milliseconds) == {FULL, PYTORCH, "auto", "sparse", "dense", SMALL}
    assert all(times["median"] == 1000.0 for times in low.milliseconds.values())
    assert low.to_full == dict.fromkeys(("auto", "sparse", "dense", SMALL), 1.0)
    assert low.to_pytorch == {"auto": 1.0, "sparse": 1.0, FULL: 1.0}
    assert low.to_lower_resolution == {"auto": 1.0, "sparse": 1.0}


def test_each_run_has_its_own_image_budget_policy_and_execution(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[Size, float, type, type, Size]] = []
    inner = network.answer

    def noted(
        net: PAGNet,
        image: Tensor,
        budget: float,
        policy: GatePolicy,
        execution: Execution,
        size: Size | None = None,
    ) -> Trace:
        shape = (image.shape[2], image.shape[3])
        calls.append((shape, budget, type(policy), type(execution), size or shape))
        assert image.is_contiguous(memory_format=torch.channels_last)
        return inner(net, image, budget, policy, execution, size)

    monkeypatch.setattr(network, "answer", noted)
    (low,) = measure_network(subject, load_images([], SIZE), [0.6], 2, Ticking())
    assert calls[:6] == [
        (SIZE, 1.0, OpenPolicy, AutoExecution, SIZE),
        (SIZE, 0.6, ExactPolicy, AutoExecution, SIZE),
        (SIZE, 0.6, ExactPolicy, SparseExecution, SIZE),
        (SIZE, 0.6, ExactPolicy, DenseExecution, SIZE),
        (SIZE, 1.0, OpenPolicy, ByPyTorch, SIZE),
        (low.small_size, 1.0, OpenPolicy, AutoExecution, SIZE),
    ]


def test_a_budget_below_the_floor_is_refused_before_anything_runs(subject: Subject) -> None:
    clock = Ticking()
    with pytest.raises(BudgetError, match="ask for"):
        next(measure_network(subject, load_images([], SIZE), [1.0, 0.01], 2, clock))
    assert clock.now == 0
