"""Asking for a time: the passes follow the machine, on a stand-in whose speed is known."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from pag import BudgetError, Inference, InputError, Predictor
from pag.images import fit_size
from pag.inference import TASKS
from pag.latency import lowest_budget
from pag.macs import network_cost
from pag.within import TRIES, Pacer
from tests.latencies import made_up
from tests.records import build_inference

PIXELS = np.zeros((96, 128, 3), np.uint8)


class Scripted:
    """A predictor whose passes take `slowness` times what its table says."""

    def __init__(self, predictor: Predictor, *slowness: float) -> None:
        self.predictor = copy.copy(predictor)
        self.predictor.use(made_up(predictor.net))
        self.net = predictor.net
        self.budget_within = self.predictor.budget_within
        self.slowness = list(slowness)
        self.budgets: list[float] = []

    def milliseconds(self, budget: float, tasks: Sequence[str] = TASKS) -> float:
        return self.predictor.milliseconds(budget, (96, 128), tasks)

    def __call__(self, image: Any, budget: float, **options: Any) -> Inference:
        assert fit_size(image.size[0], image.size[1], options["size"]) == (96, 128)
        slow = self.slowness.pop(0) if len(self.slowness) > 1 else self.slowness[0]
        self.budgets.append(budget)
        seconds = self.milliseconds(budget, options["tasks"]) / 1000
        return dataclasses.replace(
            build_inference(budget=budget),
            seconds={"network": seconds * slow, "total": seconds * slow},
            seconds_predicted={"network": seconds, "full": 1.0},
        )


def pacer(predictor: Predictor, *slowness: float) -> tuple[Pacer, Scripted]:
    scripted = Scripted(predictor, *slowness)
    return Pacer(scripted), scripted  # type: ignore[arg-type]


def middle(scripted: Scripted, budget: float = 0.7) -> float:
    return scripted.milliseconds(budget)


def test_a_machine_that_is_as_it_was_needs_one_pass_after_the_first(predictor: Predictor) -> None:
    pace, scripted = pacer(predictor, 5.0, 1.0)  # the first pass of a shape is slow
    asked = middle(scripted)
    record = pace(PIXELS, asked, size=128)
    assert scripted.budgets == [0.7, 0.7]
    assert record.seconds_asked == asked / 1000
    assert record.seconds["network"] == pytest.approx(asked / 1000)
    assert record.seconds_predicted["network"] == pytest.approx(asked / 1000)
    assert pace.factor == pytest.approx(1.0)


@pytest.mark.parametrize("slow", [1.25, 0.8])
def test_another_speed_is_noticed_and_remembered(predictor: Predictor, slow: float) -> None:
    pace, scripted = pacer(predictor, slow)
    asked = middle(scripted)
    record = pace(PIXELS, asked, size=128)
    assert record.seconds["network"] * 1000 == pytest.approx(asked, rel=0.1)
    assert (record.budget_requested < 0.7) == (slow > 1)
    assert record.seconds_predicted["network"] * 1000 == pytest.approx(asked, rel=0.02)
    assert pace.factor == pytest.approx(slow)
    before = len(scripted.budgets)
    again = pace(PIXELS, asked, size=128)
    assert len(scripted.budgets) == before + 1
    assert again.budget_requested == record.budget_requested


def test_passes_that_differ_end_and_the_nearest_is_kept(predictor: Predictor) -> None:
    pace, scripted = pacer(predictor, 1.0, 1.5, 0.7, 1.2, 0.6, 0.9)
    asked = middle(scripted)
    record = pace(PIXELS, asked, size=128)
    assert len(scripted.budgets) == 1 + TRIES
    assert record.seconds_asked == asked / 1000


def test_more_time_than_full_budget_takes_is_not_used_up(predictor: Predictor) -> None:
    pace, scripted = pacer(predictor, 1.0)
    record = pace(PIXELS, 10 * middle(scripted, 1.0), size=128)
    assert record.budget_requested == 1 and scripted.budgets == [1.0, 1.0]


def test_a_machine_too_slow_for_the_time_gives_the_lowest_budget(predictor: Predictor) -> None:
    pace, scripted = pacer(predictor, 10.0)
    least = lowest_budget(network_cost(predictor.net, (96, 128), TASKS))
    for _ in range(2):
        assert pace(PIXELS, middle(scripted, 0.5), size=128).budget_requested == least


def test_a_time_too_short_is_refused_before_any_pass(predictor: Predictor) -> None:
    pace, scripted = pacer(predictor, 1.0)
    with pytest.raises(BudgetError, match="still takes some"):
        pace(PIXELS, 0.5, size=128)
    with pytest.raises(BudgetError, match="above 0"):
        pace(PIXELS, -1, size=128)
    assert scripted.budgets == []


@pytest.mark.parametrize("options", [{"policy": "adaptive"}, {"execution": "dense"}])
def test_other_ways_to_run_have_no_known_time(predictor: Predictor, options: Any) -> None:
    pace, _ = pacer(predictor, 1.0)
    with pytest.raises(InputError, match="expected exact policy and auto execution"):
        pace(PIXELS, 100.0, size=128, **options)
