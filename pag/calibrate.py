"""Turn a training state into a checkpoint: ``python -m pag.calibrate``.

The exact policy follows a table of each layer's share at every budget. Of a network trained on
ranked masks it holds the shares that training learned, and the gates' own thresholds are set
on validation photographs to open as much. Of one trained on sampled masks it holds what the
thresholds were measured to open.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from pag.budget import AdaptivePolicy, BudgetTable, ExactPolicy
from pag.data import FOLDERS, Dataset, open_dataset
from pag.data.transforms import resize_sample
from pag.errors import InputError, PAGError, WeightsError
from pag.gate import BUDGET_CLAMP, PixelGate
from pag.inference import TASKS
from pag.macs import network_cost
from pag.network import PAGNet
from pag.options import folder_to_write
from pag.pretrained import load_checkpoint, save_checkpoint
from pag.resizing import size_of
from pag.starting import blend
from pag.training_state import UNUSABLE, read_state

LEVELS = np.linspace(-9, 9, 37)
"""Where on the curve from closed to open a table of learned levels has its rows."""

REQUESTS = (0.02, *(round(0.1 + 0.05 * i, 2) for i in range(17)), 0.98)
"""Budgets at which the gates are asked; what they use is measured."""


def load_state(path: Path, weights: str = "mean") -> tuple[PAGNet, Tensor | None]:
    """What training learned: a network in evaluation mode, and the levels of its layers.

    Args:
        path: written by `pag.train`.
        weights: ``mean`` takes the running mean over the steps, ``net`` the last step's.

    Returns:
        The network, and (L,) levels (`pag.relaxation.layer_shares`), None after training on
        sampled masks.

    Raises:
        WeightsError: not a training state, or incomplete.
    """
    state = read_state(path, (f"{weights}.", "levels"))
    try:
        levels = state.tensors["levels"] if state.train.masks == "ranked" else None
        net = PAGNet(state.network)
        net.load_state_dict(state.part(f"{weights}."))
    except UNUSABLE as error:
        raise WeightsError(f"The training state cannot be used: {error}") from error
    return net.eval(), levels


def sample_images(datasets: Sequence[Dataset], count: int, size: int = 480) -> list[Tensor]:
    """`count` evenly spaced images of each dataset as (1, 3, H, W) tensors, longer side `size`.

    Raises:
        InputError: `count` is below 1.
    """
    if count < 1:
        raise InputError(f"images is {count}; expected at least 1")
    images = []
    for dataset in datasets:
        for index in np.linspace(0, len(dataset) - 1, min(count, len(dataset))).astype(int):
            pixels = resize_sample(dataset[int(index)], size).image
            images.append(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255)
    return images


@torch.inference_mode()
def measure(net: PAGNet, images: Iterable[Tensor], requests: Sequence[float]) -> np.ndarray:
    """Mean share of each gated layer's multiply-adds that its threshold spends.

    Returns:
        (len(requests), layers) float64 in 0..1.
    """
    shares = np.zeros((len(requests), len(net.gates)))
    count = 0
    for image in tqdm(list(images), desc="calibrating"):
        for row, request in enumerate(requests):
            _, trace = net(image, torch.tensor([request]), AdaptivePolicy())
            shares[row] += [g.executed.item() / g.cost.dense for g in trace.gates]
        count += 1
    return shares / max(1, count)


def level_table(names: tuple[str, ...], levels: Tensor) -> BudgetTable:
    """The table of learned levels: sigmoid(level + c) as c goes from low to high."""
    odds = torch.from_numpy(LEVELS)[:, None] + levels.double()
    return build_table(names, torch.sigmoid(odds).numpy())


@torch.inference_mode()
def settle_thresholds(
    net: PAGNet, table: BudgetTable, images: Sequence[Tensor], requests: Sequence[float]
) -> None:
    """Set every gate's bias and budget scale so that it opens what the exact policy keeps.

    Over all images together, so that an easy one opens less and a hard one more. A straight
    line in the log-odds of the budget is all that a gate has; the nearest one is taken.

    Args:
        net: changed in place; the order of its logits stays.
        table: followed by the exact policy.
        images: (1, 3, H, W) each.
        requests: budgets, at least two.
    """
    odds = torch.logit(torch.tensor(requests).clamp(BUDGET_CLAMP, 1 - BUDGET_CLAMP))
    thresholds = np.zeros((len(requests), len(net.gates)))
    scales = [F.softplus(gate.budget_scale) for gate in gates_of(net)]
    for row, request in enumerate(tqdm(requests, desc="setting thresholds")):
        budget = torch.tensor([request])
        passes = [net(image, budget, ExactPolicy(table))[1].gates for image in images]
        for layer, traces in enumerate(zip(*passes, strict=True)):
            logits = torch.cat([trace.logits.flatten() for trace in traces])
            kept = int(sum(trace.mask.sum() for trace in traces))
            place = min(max(len(logits) - kept, 1), len(logits))
            own = logits.kthvalue(place).values - scales[layer] * odds[row]
            thresholds[row, layer] = float(own)
    for layer, gate in enumerate(gates_of(net)):
        slope, offset = np.polyfit(odds.numpy(), -thresholds[:, layer], 1)
        bias = gate.project.bias
        assert bias is not None
        bias.add_(float(offset))
        gate.budget_scale.fill_(math.log(math.expm1(max(float(slope), 1e-3))))


def gates_of(net: PAGNet) -> list[PixelGate]:
    """The gates in network order."""
    return [gate for gate in net.gates.values() if isinstance(gate, PixelGate)]


def build_table(names: tuple[str, ...], shares: np.ndarray) -> BudgetTable:
    """A table from measured shares: closed and open ends added, made to rise in every layer."""
    layers = len(names)
    ordered = shares[np.argsort(shares.mean(1), kind="stable")]
    curve = np.concatenate([np.zeros((1, layers)), ordered, np.ones((1, layers))])
    curve = np.maximum.accumulate(np.clip(curve, 0, 1), axis=0)
    return BudgetTable(names, tuple(tuple(round(float(v), 5) for v in row) for row in curve))


def main(argv: list[str] | None = None) -> int:
    """Command line of `python -m pag.calibrate`."""
    parser = argparse.ArgumentParser(prog="python -m pag.calibrate", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="training state (.safetensors)")
    parser.add_argument("--data", type=Path, required=True, help="folder with the datasets")
    parser.add_argument(
        "--out", type=folder_to_write, required=True, help="checkpoint folder to write"
    )
    parser.add_argument("--images", type=int, default=8, help="validation images of each dataset")
    parser.add_argument("--size", type=int, default=480, help="their longer side, pixels")
    parser.add_argument(
        "--weights", choices=("mean", "net"), default="mean", help="running mean or last step"
    )
    parser.add_argument("--blend", help="a checkpoint to take a part of the weights from")
    parser.add_argument(
        "--share",
        type=float,
        help="of the state's own weights beside those, 0 to 1; 0.5 if not given",
    )
    args = parser.parse_args(argv)
    try:
        net, levels = load_state(args.state, args.weights)
        if args.blend is not None:
            share = 0.5 if args.share is None else args.share
            blend(net, load_checkpoint(args.blend).net, share)
        elif args.share is not None:
            raise InputError("--share says how much of a --blend is kept; expected both")
        datasets = [open_dataset(name, args.data / f, "val") for name, f in FOLDERS.items()]
        images = sample_images(datasets, args.images, args.size)
        names = tuple(net.gates)
        if levels is None:
            shares = measure(net, images, REQUESTS)
            table = build_table(names, shares)
        else:
            table = level_table(names, levels)
            floor = max(network_cost(net, size_of(image), TASKS).floor for image in images)
            settle_thresholds(net, table, images, np.linspace(floor + 0.05, 0.95, 9).tolist())
            shares = measure(net, images, REQUESTS)
        save_checkpoint(args.out, net, table)
    except PAGError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    for request, row in zip(REQUESTS, shares, strict=True):
        tqdm.write(f"{request:.2f}  " + " ".join(f"{v:.2f}" for v in row))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
