"""A gate as launches of its kernels."""

from __future__ import annotations

from typing import Any

import torch
import triton  # pyright: ignore[reportMissingImports]
from torch import Tensor

from pag.cuda import gate_kernels
from pag.fusion import Window
from pag.gate import Projection
from pag.macs import LayerCost, area
from pag.sparse import as_rows

ROWS, DEPTH = 32, 128
"""Pixels that a program projects, and channels that it reads at a time, at the most."""
COUNT_BLOCK = 2048
"""Pixels whose keys a program counts."""
DIGITS = 4
"""8 bits each, of a key of 32."""

# `kernel[grid](...)` is Triton's syntax, of which a type checker without Triton knows nothing.
projecting: Any = gate_kernels.project
count_digits: Any = gate_kernels.count_digits
keep: Any = gate_kernels.keep


@torch.no_grad()
def project(conv: Projection, x: Tensor, window: Window | None) -> Tensor:
    """A gate's logits before they are smoothed.

    Args:
        conv: of C channels.
        x: (B, C, H, W).
        window: what is left to do to `x`.

    Returns:
        (B, 1, H, W) float32.
    """
    rows = as_rows(x).contiguous()
    out = torch.empty(len(rows), dtype=torch.float32, device=x.device)
    projecting[(-(-len(rows) // ROWS),)](
        rows,
        None if window is None else window.low,
        None if window is None else window.high,
        conv.weight,
        conv.bias,
        out,
        len(rows),
        rows.shape[1],
        rows=ROWS,
        depth=min(DEPTH, triton.next_power_of_2(rows.shape[1])),
    )
    return out.view(x.shape[0], 1, x.shape[2], x.shape[3])


@torch.no_grad()
def keep_highest(cost: LayerCost, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """`pag.ranking.keep_highest_of_each`, but that equal logits are all kept or none.

    Sorting would find the lowest logit to keep with much that nobody asks for. Here it is found
    digit by digit, from the highest one on: counts of the digits say what each would cost.

    Args:
        cost: the layer's cost.
        logits: (B, 1, h, w) float32.
        targets: (B,) float64 multiply-adds to spend.

    Returns:
        (B, 1, h, w) bool masks and (B,) float64, the multiply-adds that they cost.
    """
    images, outputs = len(logits), area(cost.output_size)
    inputs = area(cost.input_size) if cost.per_input else 0
    device = logits.device
    keys = torch.empty(images, outputs + inputs, dtype=torch.int32, device=device)
    counts = torch.zeros(DIGITS, images, 2, 256, dtype=torch.int32, device=device)
    state = torch.empty(DIGITS, images, 2, dtype=torch.int64, device=device)
    mask = torch.empty(logits.shape, dtype=torch.bool, device=device)
    spent = torch.empty(images, dtype=torch.float64, device=device)
    targets = targets.contiguous()
    first = -(-outputs // COUNT_BLOCK)
    for step in range(DIGITS):
        count_digits[(first + -(-inputs // COUNT_BLOCK), images)](
            logits.contiguous(),
            keys,
            counts,
            state,
            targets,
            images,
            outputs,
            inputs,
            *cost.input_size,
            *cost.output_size,
            cost.block_stride,
            cost.dilation,
            cost.per_output,
            cost.per_input,
            step=step,
            block=COUNT_BLOCK,
        )
    keep[(first, images)](
        keys,
        counts,
        state,
        targets,
        mask.view(torch.uint8),
        spent,
        images,
        outputs,
        inputs,
        cost.per_output,
        cost.per_input,
        block=COUNT_BLOCK,
    )
    return mask, spent
