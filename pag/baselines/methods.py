"""The methods compared, by name: how each answers for an image, and how it is timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from pag.baselines.layers import TablePolicy, layer_table
from pag.baselines.perforation import Perforation, nearest_grid
from pag.baselines.resolution import nearest_size, small_maps
from pag.budget import BudgetTable, ExactPolicy, GatePolicy
from pag.errors import InputError
from pag.execution import Execution
from pag.export import at_image_size
from pag.fused_execution import AutoExecution
from pag.heads import allowed_classes, predictions, zoom_of
from pag.images import fit_size, resize
from pag.inference import TASKS
from pag.macs import Size
from pag.predictor import Predictor
from pag.scaling import share_out
from pag.scores import Spent

FULL = "full"
"""The network with every gate open, which every method is at budget 1."""
LEARNED = "learned"
"""Pixel-wise gating: what the others are compared with."""
SCALED = "scaled"
"""Pixel-wise gating on a smaller picture (`pag.scaling`)."""
OURS = (LEARNED, SCALED)
METHODS = {
    LEARNED: "pixel-wise gating",
    SCALED: "pixel-wise gating on a smaller picture",
    "random": "random pixels",
    "grid": "grid perforation",
    "grid_learned_shares": "grid perforation, learned layer shares",
    "whole_layers": "whole-layer skipping",
    "truncated": "truncated backbone",
    "lower_resolution": "lower resolution",
}
"""By name, with a title. ``random``: as many multiply-adds in each layer as learned masks spend,
on pixels drawn at random. ``grid``: every layer at the same density; ``grid_learned_shares``: each
layer at the share that learned masks spend in it. ``whole_layers``: those that matter least are
closed, by `pag.baselines.sensitivity`. ``truncated``: the first layers are kept. In both, one layer
may be open in part, where its gate's logits are highest."""
DEFAULT_METHODS = tuple(name for name in METHODS if name != "grid_learned_shares")


@dataclass(frozen=True)
class Setting:
    """What all methods share.

    Attributes:
        predictor: of the checkpoint.
        tasks: heads that run.
        labels: label set that segmentation chooses among.
        size: longer side of the full network's input, pixels.
        seed: of random masks.
    """

    predictor: Predictor
    tasks: tuple[str, ...]
    labels: str
    size: int
    seed: int = 0

    @property
    def ordered_tasks(self) -> tuple[str, ...]:
        """`tasks` in the order in which the network computes them."""
        return tuple(task for task in TASKS if task in self.tasks)

    def full_size(self, image: np.ndarray) -> Size:
        """(h, w) at which the full network sees an (H, W, 3) image."""
        return fit_size(image.shape[0], image.shape[1], self.size)

    def tensor(self, image: np.ndarray, size: Size) -> Tensor:
        """(H, W, 3) uint8 -> (1, 3, h, w) in 0..1 with (h, w) = `size`, channels last."""
        tensor = torch.from_numpy(resize(image, size)).to(self.predictor.device)
        return tensor.permute(2, 0, 1)[None].float().div_(255)


class Method(Protocol):
    """One way to spend less."""

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        ...

    def answer(
        self, image: np.ndarray, index: int, budget: float
    ) -> tuple[dict[str, np.ndarray], Spent]:
        """Maps of the tasks at the size of (H, W, 3) uint8 `image`, and what they cost.

        `Spent.achieved` is of the method's own full cost; see `pag.baselines.measure`.
        """
        ...

    def timed(self, image: np.ndarray, index: int, budget: float) -> Callable[[], object]:
        """A call from the prepared input to the maps at the full network's input size.

        The maps stay where the network is.
        """
        ...


@dataclass(frozen=True)
class Gated:
    """A method that decides where each layer computes.

    Attributes:
        setting: see `Setting`.
        policy: for the image of a given index.
        execution: how gated blocks run.
        scaled: whether the policy is ``scaled``, whatever `policy` says.
    """

    setting: Setting
    policy: Callable[[int], GatePolicy]
    execution: Execution
    scaled: bool = False

    @property
    def device(self) -> torch.device:
        return self.setting.predictor.device

    def answer(
        self, image: np.ndarray, index: int, budget: float
    ) -> tuple[dict[str, np.ndarray], Spent]:
        inference = self.setting.predictor(
            image,
            budget,
            policy=SCALED if self.scaled else self.policy(index),
            execution=self.execution,
            tasks=self.setting.tasks,
            labels=self.setting.labels,
            size=self.setting.size,
        )
        return at_image_size(inference), Spent.of(inference)

    def timed(self, image: np.ndarray, index: int, budget: float) -> Callable[[], object]:
        setting, size = self.setting, self.setting.full_size(image)
        net, tasks = setting.predictor.net, setting.ordered_tasks
        seen, kept = size, budget
        if self.scaled:
            seen, kept = share_out(net, size, tasks, budget)
        tensor = setting.tensor(image, seen)
        wanted = torch.tensor([kept], device=tensor.device)
        policy = self.policy(index)
        allowed = allowed_classes(net.config.classes, setting.labels)

        def run() -> float:
            outputs, trace = net(
                tensor, wanted, policy, tasks=tasks, execution=self.execution, finished=False
            )
            predictions(outputs, size, zoom_of(*seen), allowed, seen)
            return trace.macs_executed.item()  # waits for a GPU

        return run


@dataclass(frozen=True)
class LowerResolution:
    """The dense network on an image made smaller, its outputs enlarged."""

    setting: Setting

    @property
    def device(self) -> torch.device:
        return self.setting.predictor.device

    def _tensor(self, image: np.ndarray, budget: float) -> Tensor:
        setting, size = self.setting, (image.shape[0], image.shape[1])
        net, tasks = setting.predictor.net, setting.ordered_tasks
        return setting.tensor(image, nearest_size(net, size, tasks, budget, setting.size))

    def _maps(self, tensor: Tensor, size: Size) -> tuple[dict[str, Tensor], int]:
        setting = self.setting
        net, tasks = setting.predictor.net, setting.ordered_tasks
        maps, trace = small_maps(net, tensor, tasks, size, setting.labels)
        return maps, round(trace.macs_executed.item())

    def answer(
        self, image: np.ndarray, index: int, budget: float
    ) -> tuple[dict[str, np.ndarray], Spent]:
        started = time.perf_counter()
        size = (image.shape[0], image.shape[1])
        tensors, executed = self._maps(self._tensor(image, budget), size)
        maps = {task: values[0].cpu().numpy() for task, values in tensors.items()}
        return maps, Spent(
            achieved=1.0,
            macs_executed=executed,
            seconds=time.perf_counter() - started,
            active_fractions=dict.fromkeys(self.setting.predictor.net.gates, 1.0),
        )

    def timed(self, image: np.ndarray, index: int, budget: float) -> Callable[[], object]:
        tensor, size = self._tensor(image, budget), self.setting.full_size(image)

        def run() -> int:
            return self._maps(tensor, size)[1]  # the multiply-adds, for which it waits for a GPU

        return run


def build_methods(
    names: Sequence[str], setting: Setting, opening_order: Sequence[str] = ()
) -> dict[str, Method]:
    """The methods called `names`, by name, and `FULL` first.

    Args:
        names: some of `METHODS`.
        setting: what they share.
        opening_order: of ``whole_layers``, all gated layers, the first to open first.

    Raises:
        InputError: an unknown name, or an order that does not name the gated layers.
    """
    if unknown := [name for name in names if name not in METHODS]:
        raise InputError(f"methods are {unknown}; expected some of {', '.join(METHODS)}")
    table, gates = setting.predictor.table, tuple(setting.predictor.net.gates)
    auto = AutoExecution()

    def gated(policy: GatePolicy, execution: Execution = auto) -> Method:
        return Gated(setting, lambda _: policy, execution)

    def random(index: int) -> GatePolicy:
        seed = setting.seed * 1_000_003 + index
        return ExactPolicy(table, torch.Generator().manual_seed(seed))

    build: dict[str, Callable[[], Method]] = {
        LEARNED: lambda: gated(ExactPolicy(table)),
        SCALED: lambda: Gated(setting, lambda _: ExactPolicy(table), auto, scaled=True),
        "random": lambda: Gated(setting, random, auto),
        "grid": lambda: gated(TablePolicy(BudgetTable.uniform(gates), nearest_grid), Perforation()),
        "grid_learned_shares": lambda: gated(TablePolicy(table, nearest_grid), Perforation()),
        "whole_layers": lambda: gated(TablePolicy(layer_table(gates, opening_order))),
        "truncated": lambda: gated(TablePolicy(layer_table(gates, gates))),
        "lower_resolution": lambda: LowerResolution(setting),
    }
    return {FULL: build[LEARNED](), **{name: build[name]() for name in names}}
