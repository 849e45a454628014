"""The facade: a photograph and a budget in, an `Inference` out."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from pag.allocator import keep_freed_memory
from pag.budget import POLICIES, AdaptivePolicy, ExactPolicy, GatePolicy, check_budget
from pag.config import LABEL_SETS, TRAINED_SIDE, PAGConfig
from pag.device import choose_device
from pag.errors import InputError
from pag.execution import Execution
from pag.fused_execution import EXECUTIONS, AutoExecution, build_execution
from pag.heads import allowed_classes, predictions, zoom_of
from pag.images import Picture, fit_size, image_from_array, open_image, resize
from pag.inference import TASKS, Inference
from pag.latency import Latency
from pag.latency_cache import load_latency
from pag.macs import NetworkCost, Size
from pag.network import fuse_batchnorm
from pag.pretrained import Checkpoint, load_checkpoint
from pag.records import dilation_map, gate_records, ponder_maps
from pag.scaling import share_out
from pag.steered import SteeredPolicy
from pag.steering import check_steering, steering_at

MIN_SIZE, MAX_SIZE = 64, 1536
DEFAULT_SIZE = TRAINED_SIDE

Photo = Picture | np.ndarray | str | Path | bytes | BinaryIO


class Predictor:
    """Runs one checkpoint on one device.

    On a CPU the process keeps the memory of its maps from then on (`pag.allocator`).

    Args:
        checkpoint: see `pag.pretrained.load_checkpoint`.
        device: a torch device, or ``auto``: the GPU if there is one.
        clock: in seconds.

    Attributes:
        config: of the network.
        floor: a budget that this network can reach on any usual image, rounded up to 0.01.
        device: where it runs, e.g. ``cpu`` or ``cuda``.
        latency: what was measured of it on this machine (`pag.machine`), or None.

    Example:
        >>> predictor = Predictor.from_checkpoint()
        >>> predictor("photo.jpg", budget=0.6).segmentation.shape
        (360, 480)
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        device: str = "auto",
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.device = choose_device(device)
        if self.device.type == "cpu":
            keep_freed_memory()
        self.clock = clock
        self.config: PAGConfig = checkpoint.net.config
        self.table = checkpoint.table
        self.digest = checkpoint.digest
        net = fuse_batchnorm(copy.deepcopy(checkpoint.net))
        self.net = net.to(self.device).to(memory_format=torch.channels_last)  # pyright: ignore
        self._executions: dict[str, Execution] = {
            name: build_execution(name) for name in EXECUTIONS
        }
        shapes = ((480, 480), (480, 360), (480, 320), (480, 270), (480, 60), (320, 240), (64, 64))
        floors = [self.net.cost(shape, TASKS).floor for shape in shapes]
        self.floor = math.ceil(max(floors) * 100) / 100
        self.latency: Latency | None = None
        if known := load_latency(self.device, self.config, self.net.gates):
            self.use(known)

    @classmethod
    def from_checkpoint(cls, name: str | Path | None = None, device: str = "auto") -> Predictor:
        """Load a checkpoint by folder or name; None is the one that comes with the project.

        Raises:
            WeightsError: no such checkpoint, or a damaged one.
        """
        return cls(load_checkpoint(name), device)

    def __call__(
        self,
        image: Photo,
        budget: float = 1.0,
        *,
        policy: str | GatePolicy = "exact",
        execution: str | Execution = "auto",
        tasks: Sequence[str] = TASKS,
        labels: str = "all",
        size: int = DEFAULT_SIZE,
        steer: np.ndarray | None = None,
    ) -> Inference:
        """Run the network on one photograph.

        Args:
            image: a path, the bytes of an image file, a `Picture`, or (H, W, 3) uint8.
            budget: executed / dense multiply-adds, from the network's floor to 1.
            policy: ``exact`` meets the budget on every image; ``adaptive`` lets the gates'
                own threshold decide, so that easy images cost less; ``scaled`` meets it on a
                smaller picture, of which the gates keep more (`pag.scaling`); or a `GatePolicy`.
            execution: ``sparse`` skips, ``dense`` computes everywhere and masks, ``auto``
                takes the faster one layer by layer; or an `Execution`.
            tasks: which outputs to compute. Depth takes from segmentation, where that is among
                them, what is sky.
            labels: the classes that segmentation chooses among: street, indoor or all.
            size: longer side at which the network sees the image, pixels.
            steer: (h, w) numbers laid over the whole image, from -1 (skip here) to 1 (spend
                here); the budget stays what it is. See `pag.steered.SteeredPolicy`.

        Raises:
            InputError: an unusable image or option.
            BudgetError: an unusable budget.
        """
        started = self.clock()
        wanted = wanted_tasks(tasks)
        chosen, executor, allowed = self._check(policy, execution, labels, size)
        free = isinstance(chosen, AdaptivePolicy)  # its budget is a wish
        steer = check_steering(steer)
        picture = open_picture(image, size)
        shape = fit_size(*picture.size, size)
        cost = self.net.cost(shape, wanted)
        value = check_budget(budget, 0.0 if free else cost.floor)
        seen, kept = shape, value
        if policy == "scaled":
            seen, kept = share_out(self.net, shape, wanted, value)
        pixels = resize(picture.pixels, shape)
        # From these, which are all that is kept of a photograph, so that it is the same again.
        input_pixels = pixels if seen == shape else resize(pixels, seen)
        opened = self.clock()
        painted = 0.0
        if steer is not None:
            over = steering_at(steer, seen)
            painted = float(np.mean(over != 0))
            chosen = SteeredPolicy(chosen, torch.from_numpy(over)[None, None].to(self.device))
        with torch.inference_mode():
            tensor = self._to_tensor(input_pixels)
            outputs, trace = self.net(
                tensor,
                torch.tensor([kept]),
                chosen,
                tasks=wanted,
                execution=executor,
                finished=False,
            )
            found = predictions(outputs, shape, zoom_of(*seen), allowed, seen)
            maps = {task: m[0].cpu().numpy() for task, m in found.items()}
            gates = gate_records(trace, cost, seen, shape)
            layers, macs = ponder_maps(trace, seen, shape)
            dilation = dilation_map(trace, seen, shape)
        computed = self.clock()
        executed = round(trace.macs_executed.item())
        larger = cost.dense / trace.cost.dense  # than what the network saw
        dense = round(trace.macs_dense.item() * larger)
        saved = trace.pool_saved.item() * larger
        return Inference(
            image=pixels,
            image_size=picture.size,
            network_size=seen,
            segmentation=maps.get("segmentation"),
            classes=self.config.classes,
            boundary=maps.get("boundary"),
            depth=maps.get("depth"),
            normals=maps.get("normals"),
            gates=gates,
            dilation=dilation,
            dilation_stride=trace.dilation_stride,
            dilations=self.config.dilations,
            ponder_layers=layers,
            ponder_macs=macs,
            budget_requested=value,
            budget_achieved=executed / dense,
            budget_floor=(cost.fixed - saved) / dense,
            macs_dense=dense,
            macs_executed=executed,
            policy=policy if isinstance(policy, str) else type(policy).__name__,
            execution=execution if isinstance(execution, str) else type(execution).__name__,
            seconds={
                "open": opened - started,
                "network": computed - opened,
                "total": self.clock() - started,
            },
            device=self.device.type,
            checkpoint=self.digest,
            steered=painted,
            seconds_predicted=self._predicted(
                {"network": (trace.cost, kept), "full": (cost, 1.0)}, policy, execution
            ),
        )

    def use(self, latency: Latency) -> None:
        """Let what was measured say when ``auto`` runs densely, and predict times."""
        measured = AutoExecution(latency.break_even, self.device.type)
        self._executions = self._executions | {"auto": measured}
        self.latency = latency

    def milliseconds(self, budget: float, size: Size, tasks: Sequence[str] = TASKS) -> float:
        """What the network should take at a budget: ``exact`` policy, ``auto`` execution.

        Never falls as the budget rises.

        Args:
            budget: from the network's floor to 1.
            size: (H, W) at which the network sees the image; see `pag.images.fit_size`.
            tasks: which outputs to compute.

        Raises:
            InputError: nothing has been measured on this machine (see `pag.machine`), or an
                unknown task.
            BudgetError: an unusable budget.
        """
        cost = self.net.cost(size, wanted_tasks(tasks))
        value = check_budget(budget, cost.floor)
        return self._measured().milliseconds(cost, self.table.allot(cost, value))

    def budget_within(
        self,
        milliseconds: float,
        size: Size,
        tasks: Sequence[str] = TASKS,
        factor: float = 1.0,
    ) -> float:
        """The highest budget, to 0.001, that should take at most so many milliseconds.

        Args:
            milliseconds: of the network.
            size, tasks: as `milliseconds` takes them.
            factor: how many times as long as it was measured to take the machine takes now.

        Raises:
            InputError: nothing has been measured on this machine (see `pag.machine`), or an
                unknown task.
            BudgetError: the time is no number above 0, or too short for any budget.
        """
        cost = self.net.cost(size, wanted_tasks(tasks))
        return self._measured().budget_within(cost, self.table, milliseconds, factor)

    def _measured(self) -> Latency:
        if self.latency is None:
            raise InputError(
                "Nothing has been measured of this network on this machine yet; "
                "run `python -m pag.machine` once."
            )
        return self.latency

    def _predicted(
        self, passes: dict[str, tuple[NetworkCost, float]], policy: object, execution: object
    ) -> dict[str, float]:
        """Seconds by the names of `passes`, each of a cost and a budget; none if not known."""
        if self.latency is None or policy not in ("exact", "scaled") or execution != "auto":
            return {}
        return {
            name: self.latency.milliseconds(cost, self.table.allot(cost, budget)) / 1000
            for name, (cost, budget) in passes.items()
        }

    def _check(
        self,
        policy: str | GatePolicy,
        execution: str | Execution,
        labels: str,
        size: int,
    ) -> tuple[GatePolicy, Execution, Tensor | None]:
        """Policy and execution as objects, the classes allowed (None: all); or `InputError`."""
        if isinstance(execution, str) and execution not in self._executions:
            known = ", ".join(self._executions)
            raise InputError(f"The execution is {execution!r}; expected one of {known}.")
        executor = self._executions[execution] if isinstance(execution, str) else execution
        if isinstance(size, bool) or not isinstance(size, int) or not MIN_SIZE <= size <= MAX_SIZE:
            raise InputError(
                f"The working size is {size!r}; "
                f"expected a whole number from {MIN_SIZE} to {MAX_SIZE}."
            )
        if labels not in LABEL_SETS:
            raise InputError(f"labels is {labels!r}; expected one of {', '.join(LABEL_SETS)}.")
        allowed = allowed_classes(self.config.classes, labels)
        if allowed is not None and not allowed.any():
            raise InputError(f"This checkpoint knows no {labels} classes; use labels 'all'.")
        if isinstance(policy, str):
            if policy not in POLICIES:
                raise InputError(
                    f"The policy is {policy!r}; expected one of {', '.join(POLICIES)}."
                )
            chosen = AdaptivePolicy() if policy == "adaptive" else ExactPolicy(self.table)
        else:
            chosen = policy
        return chosen, executor, allowed

    def _to_tensor(self, pixels: np.ndarray) -> Tensor:
        """(H, W, 3) uint8 -> (1, 3, H, W) float32 in 0..1, channels last."""
        tensor = torch.from_numpy(np.array(pixels)).to(self.device)
        return tensor.permute(2, 0, 1)[None].float().div_(255)


def wanted_tasks(tasks: Sequence[str]) -> tuple[str, ...]:
    """The tasks in their usual order, each once; `InputError` for an unknown one, or none."""
    if not tasks or any(task not in TASKS for task in tasks):
        raise InputError(f"tasks are {list(tasks)}; expected some of {', '.join(TASKS)}.")
    return tuple(task for task in TASKS if task in tasks)


def open_picture(image: Photo, size: int) -> Picture:
    """Whatever was handed in as a `Picture`, decoded no larger than `size` needs."""
    if isinstance(image, Picture):
        return image
    if isinstance(image, np.ndarray):
        return image_from_array(image)
    return open_image(image, size_hint=size)
