"""The common start: what a variant's network takes over from a state, and what begins anew."""

from __future__ import annotations

from pathlib import Path

import torch

from pag.config import PAGConfig
from pag.network import PAGNet
from pag.starting import fill
from pag.training_state import read_state


def start_network(config: PAGConfig, reference: PAGConfig, start: Path, seed: int) -> PAGNet:
    """A variant's network at the common start; see `pag.ablations` for what that is.

    Random parts come from the seed through a network of the reference's settings, so that
    they are the same for every variant, whatever its own settings would have drawn.

    Args:
        config: of the variant.
        reference: of the reference.
        start: a training state of the same backbone; its classes may be fewer.
        seed: of what begins anew.

    Raises:
        WeightsError: not a training state, or one that does not fit.
    """
    torch.manual_seed(seed)
    common = PAGNet(reference)
    merge(common, start)
    net = PAGNet(config)
    shared = common.state_dict()
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if name in shared and shared[name].shape == value.shape:
                value.copy_(shared[name])
    return net


def merge(net: PAGNet, start: Path) -> None:
    """Fill `net` with the running mean of a state, except for what begins anew."""
    state = read_state(start, ("mean.",))
    fill(net, state.part("mean."), state.network.classes, fresh_parts(net))


def fresh_parts(net: PAGNet) -> tuple[str, ...]:
    """How the names of all that begins anew start: the gates, and the host of MultiPool."""
    hosts = {id(block) for _, block in net.backbone.blocks if block.pools}
    places = [name for name, module in net.named_modules() if id(module) in hosts]
    return ("gates.", *(f"{place}." for place in places))
