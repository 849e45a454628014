"""Which pixels a layer keeps when it may spend so many multiply-adds.

`pag.cpu` has a kernel for it. Without that all is NumPy: it sorts numbers several times faster
than PyTorch finds an order, and of a layer's few thousand logits each PyTorch call costs more
than its work.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pag import cpu, cuda
from pag.macs import LayerCost, halo


def keep_highest(cost: LayerCost, logits: Tensor, target: float) -> tuple[Tensor, float]:
    """The pixels with the highest logits whose cost comes nearest to `target`.

    Active sets are nested: a larger target keeps a superset. Equal logits are told apart by
    position, so that every count can be met.

    Args:
        cost: the layer's cost.
        logits: (1, 1, h, w).
        target: multiply-adds to spend.

    Returns:
        (1, 1, h, w) bool mask and the multiply-adds that it costs.
    """
    if kernels := cpu.kernels_for(logits):
        return kernels.keep_highest(cost, logits, target)
    return by_sorting(cost, logits, target)


def by_sorting(cost: LayerCost, logits: Tensor, target: float) -> tuple[Tensor, float]:
    """`keep_highest` in NumPy, for logits of any type and on any device."""
    rank = ranks(logits.detach().flatten().cpu().numpy())
    count = len(rank)
    spent = np.arange(count + 1) * float(cost.per_output)
    if cost.per_input:
        # An input pixel is needed as soon as the best-ranked output that reads it is kept.
        first = _first_readers(rank.reshape(cost.output_size), cost)
        newly = np.bincount(first.ravel(), minlength=count + 1)
        spent[1:] += newly[:count].cumsum() * float(cost.per_input)
    best = int(np.abs(spent - target).argmin())
    mask = torch.from_numpy(rank < best).view_as(logits)
    return mask.to(logits.device), float(spent[best])


def keep_highest_of_each(cost: LayerCost, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """`keep_highest` of several images at once, where they are, without waiting for a GPU.

    Kernels of `pag.cuda` do not tell equal logits apart: all of them are kept or none.

    Args:
        cost: the layer's cost.
        logits: (B, 1, h, w), fewer than 2**24 a map.
        targets: (B,) float64 multiply-adds to spend.

    Returns:
        (B, 1, h, w) bool masks and (B,) float64, the multiply-adds that they cost.
    """
    if cuda.selects(logits):
        return cuda.keep_highest(cost, logits, targets)
    batch, _, height, width = logits.shape
    count = height * width
    order = logits.detach().flatten(1).argsort(dim=1, descending=True, stable=True)
    places = torch.arange(count, device=logits.device)
    rank = torch.empty_like(order).scatter_(1, order, places.expand(batch, -1))
    spent = torch.arange(count + 1, dtype=torch.float64, device=logits.device) * cost.per_output
    spent = spent.repeat(batch, 1)
    if cost.per_input:
        # As in `by_sorting`. `halo` looks for the largest, and ranks below 2**24 are exact floats.
        readers = -rank.view(batch, 1, height, width).float()
        first = -halo(readers, cost.block_stride, cost.dilation, cost.input_size)
        first = first.clamp_max(count).flatten(1).long()
        newly = spent.new_zeros(batch, count + 1)
        newly.scatter_add_(1, first, newly.new_ones(()).expand_as(first))
        spent[:, 1:] += newly[:, :count].cumsum(1) * float(cost.per_input)
    best = (spent - targets[:, None]).abs().argmin(1, keepdim=True)
    return (rank < best).view_as(logits), spent.gather(1, best).squeeze(1)


def ranks(values: np.ndarray) -> np.ndarray:
    """Each value's place from the highest on; equal ones stand in the order of position.

    Args:
        values: (n,) float32 or float64, n below 2**32.

    Returns:
        (n,) int32, a permutation of 0 to n - 1.
    """
    places = np.arange(len(values))
    if values.dtype == np.float32:
        # Floats of one sign are ordered as their bits are; together with the position that is
        # one number, and sorting those is quicker than looking for an order. Adding 0 makes
        # -0 a 0.
        bits = (values + np.float32(0)).view(np.int32).astype(np.int64)
        falling = np.where(bits < 0, bits & 0x7FFFFFFF, ~bits)
        order = np.sort((falling << 32) | places) & 0xFFFFFFFF
    else:
        order = np.argsort(-values, kind="stable")
    rank = np.empty(len(values), dtype=np.int32)
    rank[order] = places
    return rank


def _first_readers(rank: np.ndarray, cost: LayerCost) -> np.ndarray:
    """(H, W), the best rank among the 3x3 outputs that read each input pixel.

    The count of outputs where none does.
    """
    reach, stride = cost.dilation, cost.block_stride
    height, width = cost.input_size
    around = np.full((height + 2 * reach, width + 2 * reach), rank.size, dtype=rank.dtype)
    around[reach : reach + height : stride, reach : reach + width : stride] = rank
    rows = np.minimum(around[:height], around[2 * reach :])
    np.minimum(rows, around[reach : reach + height], out=rows)
    best = np.minimum(rows[:, :width], rows[:, 2 * reach :])
    return np.minimum(best, rows[:, reach : reach + width], out=best)
