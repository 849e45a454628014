"""Whether the kernels give what PyTorch gives: asked once of each type, before they are used.

Every kernel runs here, in every way in which a network asks for it. Nothing in here may ask
`pag.cuda.serves`, as a fused sequence or `ResidualBlock.reduce` would: the answer is this check.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pag import cuda, ranking, sparse
from pag.backbones import BlockInput, Bottleneck
from pag.gate import Projection
from pag.macs import block_cost
from pag.multipool import MultiPool
from pag.sparse import ActivePixels

CHANNELS, WIDTH = 80, 48
"""Of the blocks: unlike those of any backbone, which choose their own block sizes."""
SIZE = (13, 17)
GEOMETRIES = ((1, 2), (2, 1))
"""Stride and dilation of each block's 3x3."""
FIELDS = (0, 1, 4)
KEPT = (0.3, 0.7)
"""Of each image, as shares of the dense multiply-adds."""


@torch.inference_mode()
def deviation(device: torch.device, dtype: torch.dtype) -> float:
    """How far the kernels are off on small maps.

    Args:
        device: a GPU, or the CPU where Triton interprets.
        dtype: one of `pag.cuda.DTYPES`.

    Returns:
        Largest error / largest value, of any kernel: NaN if one gives that, infinite if other
        pixels are kept than by sorting.
    """
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay what they are
        torch.default_generator.manual_seed(0)
        blocks = [Bottleneck(CHANNELS, WIDTH, CHANNELS, *each).eval() for each in GEOMETRIES]
        gate, pool = Projection(CHANNELS), MultiPool(WIDTH, FIELDS)
        pool.bias = nn.Parameter(torch.randn(WIDTH))
        # An untrained selector chooses much the same everywhere.
        pool.selector = nn.Sequential(nn.Conv2d(WIDTH, len(FIELDS), 1, bias=False))
        x, inside = (torch.randn(2, each, *SIZE) for each in (CHANNELS, WIDTH))
        logits = torch.randn(2, 1, *SIZE)
    x, inside, logits = x.to(device, dtype), inside.to(device, dtype), logits.to(device)
    for block in blocks:
        block.fuse()
    for module in (*blocks, gate, pool):
        module.to(device, dtype)
    pairs: list[tuple[Tensor, Tensor]] = []
    # Training asks within autocast, where what PyTorch gives would be rounded.
    with torch.autocast(device.type, enabled=False):
        for block in blocks:
            mask = _kept(block, logits[:, :, :: block.stride, :: block.stride].contiguous())
            if mask is None:
                return torch.inf
            pairs += _of_block(block, x, mask)
        read = BlockInput(blocks[0], x)
        pairs.append((cuda.project(gate, x, blocks[0].window), gate(read.opened)))
        pairs.append(_pooled(pool, inside))
    errors = [(found - right).abs().max() / right.abs().max() for found, right in pairs]
    return torch.stack(errors).max().item()  # NaN if any is


def _kept(block: Bottleneck, logits: Tensor) -> Tensor | None:
    """The mask that the kernels make of a block's (2, 1, h, w) logits, None if it is wrong."""
    cost = block_cost("", block, "block", SIZE, 1)
    targets = torch.tensor(KEPT, dtype=torch.float64) * cost.dense
    mask, spent = cuda.keep_highest(cost, logits, targets.to(logits.device))
    for i, target in enumerate(targets.tolist()):
        right, macs = ranking.by_sorting(cost, logits[i : i + 1], target)
        if spent[i].item() != macs or not torch.equal(mask[i : i + 1], right):
            return None
    return mask


def _of_block(block: Bottleneck, x: Tensor, mask: Tensor) -> list[tuple[Tensor, Tensor]]:
    """What kernels make of a block and of its convolutions, each with what is right."""
    opened = BlockInput(block, x).opened

    def right(some: Tensor) -> Tensor:
        pixels = ActivePixels.under(some, block, "block", SIZE)
        return sparse.run_active(block, opened, some, pixels)

    reduced, shortcut, window = block.conv1(opened), block.downsample, block.window
    pairs = [
        (cuda.run_active(block, BlockInput(block, x), mask, "block"), right(mask)),
        (cuda.run_everywhere(block, BlockInput(block, x)), right(torch.ones_like(mask))),
        (cuda.convolution(block.conv1, x, window=window), reduced),
    ]
    if shortcut is not None:
        pairs.append((cuda.convolution(shortcut, x, window=window), shortcut(opened)))
    spatial = block.conv2
    assert isinstance(spatial, nn.Conv2d)
    pairs.append((cuda.convolution(spatial, reduced, relu=True), spatial(reduced).relu()))
    return pairs


def _pooled(pool: MultiPool, x: Tensor) -> tuple[Tensor, Tensor]:
    """What kernels make of MultiPool, and what is right for the fields that were chosen."""
    found, choice = cuda.pool(pool, x)
    branches = torch.stack([pool.branch(x, field) for field in FIELDS])
    return found, branches.gather(0, choice[None, :, None].expand(1, *x.shape))[0]
