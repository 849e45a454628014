"""Weights to begin a training with, from a network that was trained before."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from pag.budget import BudgetTable
from pag.errors import WeightsError
from pag.network import PAGNet
from pag.pretrained import COUNTER

CLASS_LAYER = "heads.segmentation.project."


def fill(
    net: PAGNet,
    tensors: Mapping[str, Tensor],
    classes: tuple[str, ...],
    fresh: tuple[str, ...] = (),
) -> None:
    """Copy trained tensors into `net`; rows of classes that they lack stay as they are.

    Args:
        net: changed in place.
        tensors: by name, of a network of the same shape but for its classes.
        classes: that the tensors know; they must be the first ones of `net`.
        fresh: how the names begin of what keeps its own values.

    Raises:
        WeightsError: a tensor is missing or has another shape, or the classes are others.
    """
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


def levels_of(table: BudgetTable) -> Tensor:
    """The levels, (L,), that a table follows at half of the gated compute, of mean 0.

    The inverse of `pag.calibrate.level_table`.
    """
    shares = np.array(table.shares)
    middle = shares[np.abs(shares.mean(1) - 0.5).argmin()].clip(1e-4, 1 - 1e-4)
    odds = np.log(middle / (1 - middle))
    return torch.tensor(odds - odds.mean(), dtype=torch.float32)
