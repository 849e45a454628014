"""Weights from networks that were trained before: to begin a training with, or to blend."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from pag.budget import BudgetTable
from pag.errors import InputError, WeightsError
from pag.fusion import ConvNormReLU
from pag.network import PAGNet
from pag.pretrained import COUNTER

CLASS_LAYER = "heads.segmentation.project."
UPSAMPLING = "upsampling."


def fill(
    net: PAGNet,
    tensors: Mapping[str, Tensor],
    classes: tuple[str, ...],
    fresh: tuple[str, ...] = (),
) -> None:
    """Copy trained tensors into `net`; rows of classes that they lack stay as they are.

    A kernel for which `net` has a depthwise separable one is cut into the nearest such. Guided
    upsampling that they lack begins as bilinear resizing.

    Args:
        net: changed in place.
        tensors: by name, of a network of the same shape but for its classes.
        classes: that the tensors know; they must be the first ones of `net`.
        fresh: how the names begin of what keeps its own values.

    Raises:
        WeightsError: a tensor is missing or has another shape, or the classes are others.
    """
    tensors = separated(net, tensors)
    if not any(name.startswith(UPSAMPLING) for name in tensors):
        fresh = (*fresh, UPSAMPLING)
    known, own = classes, net.config.classes
    if own[: len(known)] != known:
        raise WeightsError(
            f"The weights to start from know other classes ({', '.join(known)}); "
            f"expected the first ones of {', '.join(own)}."
        )
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if name.endswith(COUNTER) or (fresh and name.startswith(fresh)):
                continue
            if name not in tensors:
                raise WeightsError(f"The weights to start from lack {name}.")
            place = value[: len(known)] if name.startswith(CLASS_LAYER) else value
            if tensors[name].shape != place.shape:
                raise WeightsError(
                    f"The weights to start from do not fit: {name} is "
                    f"{tuple(tensors[name].shape)}, expected {tuple(place.shape)}."
                )
            place.copy_(tensors[name])


def separated(net: PAGNet, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with the names that they have where `net` is depthwise separable.

    Every input channel's kernels, (out, k * k), become the product of one vector each, of which
    the singular value decomposition gives the best.

    Args:
        net: whose `pag.fusion.ConvNormReLU` say what is separable; left unchanged.
        tensors: by name; what is separable already stays as it is.
    """
    ready = dict(tensors)
    for name, module in net.named_modules():
        kernel = ready.get(f"{name}.0.weight")
        if not isinstance(module, ConvNormReLU) or not module.separable or kernel is None:
            continue
        if f"{name}.2.weight" in ready:  # separable already
            continue
        for key in [key for key in ready if key.startswith(f"{name}.1.")]:
            ready[f"{name}.2.{key.rsplit('.', 1)[1]}"] = ready.pop(key)
        out, channels, *window = kernel.shape
        left, size, right = torch.linalg.svd(
            kernel.float().flatten(2).transpose(0, 1), full_matrices=False
        )
        root = size[:, :1].sqrt()
        ready[f"{name}.0.weight"] = (root * right[:, 0]).view(channels, 1, *window)
        ready[f"{name}.1.weight"] = (left[:, :, 0] * root).T.reshape(out, channels, 1, 1)
    return ready


def levels_of(table: BudgetTable) -> Tensor:
    """The levels, (L,), that a table follows at half of the gated compute, of mean 0.

    The inverse of `pag.calibrate.level_table`.
    """
    shares = np.array(table.shares)
    middle = shares[np.abs(shares.mean(1) - 0.5).argmin()].clip(1e-4, 1 - 1e-4)
    odds = np.log(middle / (1 - middle))
    return torch.tensor(odds - odds.mean(), dtype=torch.float32)


@torch.no_grad()
def blend(net: PAGNet, other: PAGNet, share: float) -> None:
    """Move a network's weights towards those of the one that its training went on from.

    What training learned anew is nearly kept, and what it lost nearly comes back.

    Source: Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.

    Args:
        net: changed in place: `share` of its own weights, the rest of the other's.
        other: of the same settings.
        share: 0 to 1.

    Raises:
        InputError: another share.
        WeightsError: networks of different settings.
    """
    if not 0 <= share <= 1:
        raise InputError(f"The share of a network's own weights is {share}; expected 0 to 1.")
    if other.config != net.config:
        raise WeightsError("The networks to blend differ in their settings.")
    theirs = other.state_dict()
    for name, value in net.state_dict().items():
        if value.dtype.is_floating_point:
            value.lerp_(theirs[name].to(value), 1 - share)
