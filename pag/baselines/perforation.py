"""Grid perforation: compute on a regular grid, and take the nearest computed value elsewhere.

Source: Figurnov et al., "PerforatedCNNs: Acceleration through Elimination of Redundant
Convolutions", NIPS 2016: the "grid" mask, and nearest-neighbour interpolation of what is
skipped.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from pag.backbones import BlockInput, ResidualBlock
from pag.errors import InputError
from pag.execution import Execution, added
from pag.fused_execution import AutoExecution
from pag.macs import LayerCost, Size, area
from pag.sparse import as_maps, as_rows


class Perforation(Execution):
    """Runs a residual branch where the mask is open and interpolates it elsewhere.

    A skipped position takes the value of the nearest computed one; of two at the same
    distance, that with the smaller row or column. A full mask gives what `inner` gives, and
    so does an empty one, which has nothing to take a value from.

    The mask of each image has to be a grid: some rows times some columns.

    Args:
        inner: runs the open positions; `AutoExecution` when None.
    """

    def __init__(self, inner: Execution | None = None) -> None:
        self.inner = inner or AutoExecution()

    def residual(
        self,
        block: ResidualBlock,
        a: Tensor | BlockInput,
        mask: Tensor,
        scope: str,
        onto: Tensor | None = None,
    ) -> Tensor:
        """See `pag.execution.Execution`.

        Raises:
            InputError: a mask that is no grid.
        """
        out = self.inner.residual(block, a, mask, scope)
        if bool(mask.bool().all()):
            return added(out, onto)
        # All after the 3x3 acts pixel by pixel, so interpolating its result or the branch's
        # is the same, and the latter costs no 1x1.
        rows = as_rows(out).index_select(0, nearest_computed(mask))
        return added(as_maps(rows, out.shape[0], (out.shape[2], out.shape[3])), onto)


def nearest_computed(mask: Tensor) -> Tensor:
    """(B, 1, h, w) grids -> (B*h*w,) int64, flat position of the nearest open one in the image.

    Raises:
        InputError: a mask that is no grid.
    """
    batch, _, height, width = mask.shape
    mask = mask.bool()
    found = []
    for image in range(batch):
        rows = mask[image, 0].any(1).nonzero().squeeze(1)
        columns = mask[image, 0].any(0).nonzero().squeeze(1)
        if len(rows) * len(columns) != int(mask[image].sum()):
            raise InputError(
                f"Perforation got a mask of {int(mask[image].sum())} pixels in {len(rows)} rows "
                f"and {len(columns)} columns; expected a grid, open wherever the two cross."
            )
        start = image * height * width
        if len(rows) == 0:
            found.append(start + torch.arange(height * width, device=mask.device))
            continue
        y, x = _nearest_line(rows, height), _nearest_line(columns, width)
        found.append((start + y[:, None] * width + x).flatten())
    return torch.cat(found)


def _nearest_line(lines: Tensor, count: int) -> Tensor:
    """(count,) the nearest of the rising `lines` to each of 0, ..., count - 1; lower at a tie."""
    everywhere = torch.arange(count, device=lines.device)
    return lines[(everywhere[:, None] - lines).abs().argmin(1)]


def grid_lines(count: int, kept: int) -> Tensor:
    """(kept,) int64: `kept` of the numbers below `count`, evenly spaced."""
    return (2 * torch.arange(kept) + 1) * count // max(1, 2 * kept)


def grid_mask(size: Size, rows: int, columns: int) -> Tensor:
    """(1, 1, h, w) bool, open where `rows` evenly spaced rows cross `columns` such columns."""
    down, across = torch.zeros(size[0], dtype=torch.bool), torch.zeros(size[1], dtype=torch.bool)
    down[grid_lines(size[0], rows)] = True
    across[grid_lines(size[1], columns)] = True
    return (down[:, None] & across)[None, None]


def nearest_grid(cost: LayerCost, logits: Tensor, target: float) -> tuple[Tensor, float]:
    """The grid whose cost comes nearest to `target`; for `pag.baselines.layers.TablePolicy`.

    Args:
        cost: the layer's cost.
        logits: (1, 1, h, w), for shape and device; a grid knows nothing of the image.
        target: multiply-adds to spend.

    Returns:
        (1, 1, h, w) bool mask and the multiply-adds that it costs.
    """
    grids, spent = grid_costs(cost)
    best = int(np.abs(spent - target).argmin())
    return grid_mask(cost.output_size, *grids[best]).to(logits.device), float(spent[best])


@lru_cache(maxsize=128)
def grid_costs(cost: LayerCost) -> tuple[tuple[Size, ...], np.ndarray]:
    """Every grid from none to full, about equally dense both ways, and what each costs.

    Returns:
        (rows, columns) of each grid, and (N,) float64 multiply-adds.
    """
    height, width = cost.output_size
    # Density rises through all i / height and j / width, here times the area.
    steps = sorted(
        {i * width for i in range(1, height + 1)} | {j * height for j in range(1, width)}
    )
    grids = ((0, 0), *((-(-step // width), -(-step // height)) for step in steps))
    at_a_time = max(1, 2**22 // area(cost.output_size))
    spent = []
    for start in range(0, len(grids), at_a_time):
        part = grids[start : start + at_a_time]
        masks = torch.cat([grid_mask(cost.output_size, *grid) for grid in part])
        spent.append(cost.executed(masks).numpy())
    found = np.concatenate(spent)
    found.setflags(write=False)
    return grids, found
