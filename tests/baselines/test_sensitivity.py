"""The order of whole layers, on a made-up network whose outputs are known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from pag.baselines import sensitivity
from pag.baselines.sensitivity import closing_order
from pag.errors import InputError
from tests.checkpoints import random_net


class MadeUp:
    """A network of gates whose outputs are off by what `costs` says of the closed set."""

    def __init__(self, saving: dict[str, int], costs: dict[frozenset[str], float]) -> None:
        self.gates = dict.fromkeys(saving)
        self.saving, self.costs = saving, costs

    def __call__(self, image: Any, budget: Any, policy: Any, tasks: Any, execution: Any) -> Any:
        closed = {n for n, is_open in zip(self.gates, policy.open, strict=True) if not is_open}
        extra = sum(cost for group, cost in self.costs.items() if group <= closed)
        return dict.fromkeys(tasks, 5 + extra), None


def order(net: MadeUp, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    layers = [SimpleNamespace(name=name, dense=macs) for name, macs in net.saving.items()]
    monkeypatch.setattr(sensitivity, "network_cost", lambda *_: SimpleNamespace(layers=layers))
    monkeypatch.setattr(
        sensitivity,
        "distillation_losses",
        # The second task's loss is ten times the first's, and relative to itself the same.
        lambda student, teacher: {
            task: torch.tensor(10.0**number * (student[task] - teacher[task]))
            for number, task in enumerate(student)
        },
    )
    images = [torch.zeros(1, 3, 8, 8)] * 2
    steps = closing_order(net, images, ("depth", "normals"))  # type: ignore[arg-type]
    return [(step.name, round(step.disagreement, 5)) for step in steps]


def one(name: str) -> frozenset[str]:
    return frozenset({name})


def test_what_costs_least_is_closed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = {one("a"): 0.3, one("b"): 0.1, one("c"): 0.2}
    net = MadeUp({"a": 10, "b": 10, "c": 10}, costs)
    assert order(net, monkeypatch) == [("b", 0.16667), ("c", 0.5), ("a", 1.0)]


def test_disagreement_counts_per_multiply_add_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = {one("a"): 0.3, one("b"): 0.1, one("c"): 0.2}
    net = MadeUp({"a": 100, "b": 10, "c": 10}, costs)
    assert [name for name, _ in order(net, monkeypatch)] == ["a", "b", "c"]


def test_a_layer_may_be_needed_once_its_neighbour_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    # Alone, a and b are the cheapest; one of the two has to stay.
    costs = {one("a"): 0.1, one("b"): 0.15, one("c"): 0.3, frozenset({"a", "b"}): 1.45}
    net = MadeUp({"a": 10, "b": 10, "c": 10}, costs)
    assert order(net, monkeypatch) == [("a", 0.05), ("c", 0.2), ("b", 1.0)]


def test_without_an_image_there_is_no_order() -> None:
    with pytest.raises(InputError, match="no image to measure"):
        closing_order(random_net(), [], ("depth",))
