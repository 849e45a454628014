"""A small checkpoint with random weights, for tests that need a network but no skill."""

from __future__ import annotations

from pathlib import Path

import torch

from pag.budget import BudgetTable
from pag.config import PAGConfig
from pag.network import PAGNet
from pag.pretrained import save_checkpoint


def random_net(seed: int = 0, **settings: object) -> PAGNet:
    """An untrained network whose BatchNorm statistics are not the identity."""
    torch.manual_seed(seed)
    net = PAGNet(PAGConfig(**{"output_stride": 16, **settings}))  # type: ignore[arg-type]
    for name, value in net.state_dict().items():
        if name.endswith("running_mean"):
            value.normal_(std=0.1)
        elif name.endswith("running_var"):
            value.uniform_(0.8, 1.2)
    return net.eval()


def write_random_checkpoint(folder: Path, seed: int = 0, **settings: object) -> Path:
    """Save `random_net` with a budget table that favours late layers; returns `folder`."""
    net = random_net(seed, **settings)
    names = tuple(net.gates)
    middle = tuple(0.2 + 0.6 * i / (len(names) - 1) for i in range(len(names)))
    rows = (tuple(0.0 for _ in names), middle, tuple(1.0 for _ in names))
    save_checkpoint(folder, net, BudgetTable(names, rows))
    return folder
