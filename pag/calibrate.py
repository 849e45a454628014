"""Turn a training state into a checkpoint: ``python -m pag.calibrate``.

Measures, on validation photographs, how the gates' own thresholds spread compute over the
layers as the budget rises; the exact policy follows these shares.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from tqdm import tqdm

from pag.budget import AdaptivePolicy, BudgetTable
from pag.config import PAGConfig
from pag.data import FOLDERS, Dataset, open_dataset
from pag.data.transforms import resize_sample
from pag.errors import PAGError, WeightsError
from pag.network import PAGNet
from pag.pretrained import save_checkpoint

REQUESTS = (0.02, *(round(0.1 + 0.05 * i, 2) for i in range(17)), 0.98)
"""Budgets at which the gates are asked; what they use is measured."""


def load_state(path: Path, weights: str = "mean") -> PAGNet:
    """The weights in a training state, as a network in evaluation mode.

    Args:
        path: written by `pag.train`.
        weights: ``mean`` takes the running mean over the steps, ``net`` the last step's.

    Raises:
        WeightsError: not a training state, or incomplete.
    """
    try:
        with safe_open(path, "pt") as file:
            config = PAGConfig.from_json(file.metadata()["network"])
            names = [k for k in file.keys() if k.startswith(f"{weights}.")]  # noqa: SIM118
            tensors = {k.removeprefix(f"{weights}."): file.get_tensor(k) for k in names}
        net = PAGNet(config)
        net.load_state_dict(tensors)
    except (SafetensorError, OSError, KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(f"The training state cannot be used: {error}") from error
    return net.eval()


def sample_images(datasets: Sequence[Dataset], count: int, size: int = 480) -> list[Tensor]:
    """`count` evenly spaced images of each dataset as (1, 3, H, W) tensors, longer side `size`."""
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
            _, trace = net(image, torch.tensor([request]), AdaptivePolicy(), tasks=())
            shares[row] += [g.executed.item() / g.cost.dense for g in trace.gates]
        count += 1
    return shares / max(1, count)


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
    parser.add_argument("--data", type=Path, required=True, help="folder with the three datasets")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint folder to write")
    parser.add_argument("--images", type=int, default=8, help="validation images of each dataset")
    parser.add_argument(
        "--weights", choices=("mean", "net"), default="mean", help="running mean or last step"
    )
    args = parser.parse_args(argv)
    try:
        net = load_state(args.state, args.weights)
        datasets = [open_dataset(name, args.data / f, "val") for name, f in FOLDERS.items()]
        shares = measure(net, sample_images(datasets, args.images), REQUESTS)
        table = build_table(tuple(net.gates), shares)
        save_checkpoint(args.out, net, table)
    except PAGError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    for request, row in zip(REQUESTS, shares, strict=True):
        tqdm.write(f"{request:.2f}  " + " ".join(f"{v:.2f}" for v in row))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
