"""Which whole layers to skip first, measured and not chosen by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pag.baselines.layers import OpenLayers
from pag.errors import InputError
from pag.fused_execution import AutoExecution
from pag.losses import distillation_losses
from pag.macs import network_cost
from pag.network import PAGNet


@dataclass(frozen=True)
class ClosedLayer:
    """One step of the closing order.

    Attributes:
        name: of the layer that is closed next.
        disagreement: with the full network's outputs, once it and all before it are closed:
            0 with every layer open, 1 with every layer closed, the mean over tasks.
    """

    name: str
    disagreement: float


@torch.inference_mode()
def closing_order(
    net: PAGNet,
    images: Sequence[Tensor],
    tasks: tuple[str, ...],
    progress: Callable[[int, int], None] | None = None,
) -> list[ClosedLayer]:
    """Order the gated layers by what closing them costs, from the least to the most.

    Greedy: with the layers closed so far, each of the others is closed in turn, and the one
    that adds least disagreement per multiply-add saved joins them. Unlike a sensitivity
    measured with everything else open, this sees that a layer may be needed once its
    neighbour is gone. Disagreement is that of `pag.losses.distillation_losses`: with few
    images it says more than their labels, and each task counts relative to its value with
    every layer closed.

    Args:
        net: fused, in evaluation mode.
        images: (1, 3, H, W) in 0..1 each, on the network's device, not those that are scored.
        tasks: whose outputs count.
        progress: called after each setting measured with those done and those in all.

    Raises:
        InputError: no image.
    """
    if not images:
        raise InputError("no image to measure the layers' sensitivity on; expected at least one")
    names = tuple(net.gates)
    execution = AutoExecution()
    size = (images[0].shape[2], images[0].shape[3])
    saving = {layer.name: layer.dense for layer in network_cost(net, size, tasks).layers}

    def outputs(image: Tensor, closed: Sequence[str]) -> dict[str, Tensor]:
        policy = OpenLayers(tuple(name not in closed for name in names))
        one = torch.ones(1, device=image.device)
        return net(image, one, policy, tasks=tasks, execution=execution)[0]

    teachers = [outputs(image, ()) for image in images]

    def losses(closed: Sequence[str]) -> Tensor:
        rows = [
            torch.stack(list(distillation_losses(outputs(image, closed), teacher).values()))
            for image, teacher in zip(images, teachers, strict=True)
        ]
        return torch.stack(rows).mean(0)

    worst = losses(names).clamp_min(1e-9)
    order: list[ClosedLayer] = []
    done, total = 0, len(names) * (len(names) + 1) // 2
    current = 0.0
    while len(order) < len(names):
        closed = [step.name for step in order]
        trials: dict[str, float] = {}
        for name in names:
            if name in closed:
                continue
            trials[name] = (losses([*closed, name]) / worst).mean().item()
            done += 1
            if progress is not None:
                progress(done, total)
        best = min(trials, key=lambda name: (trials[name] - current) / saving[name])
        current = trials[best]
        order.append(ClosedLayer(best, current))
    return order
