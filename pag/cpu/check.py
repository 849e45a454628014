"""Whether the kernels give what PyTorch and NumPy give: asked once, before they are used.

Every kernel runs here, in every way in which a network asks for it. Nothing in here may ask
`pag.cpu.kernels_for`, as a fused sequence would: the answer is this check.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pag import ranking, sparse
from pag.backbones import BlockInput, Bottleneck, InvertedResidual, ResidualBlock
from pag.cpu.launch import Kernels
from pag.gate import Projection
from pag.macs import block_cost
from pag.multipool import MultiPool
from pag.sparse import ActivePixels, as_rows

CHANNELS, WIDTH = 80, 48
"""Of the blocks: not whole panels, so that the rest of one is checked, too, and whole vectors."""
SIZE = (13, 17)
FIELDS = (0, 1, 4)
KEPT = 0.4

Pair = tuple[Tensor, Tensor]
"""What a kernel gives, and what is right."""


# Training asks within autocast, where what PyTorch gives would be rounded.
@torch.autocast("cpu", enabled=False)
@torch.inference_mode()
def deviation(kernels: Kernels) -> float:
    """How far the kernels are off on small maps.

    Returns:
        Largest error / largest value, of any kernel: NaN if one gives that, infinite if other
        pixels are kept than by sorting.
    """
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay what they are
        torch.default_generator.manual_seed(0)
        block = Bottleneck(CHANNELS, WIDTH, CHANNELS, 1, 2).eval()
        strided = Bottleneck(CHANNELS, WIDTH, CHANNELS, 2, 1).eval()
        inverted = InvertedResidual(CHANNELS, WIDTH, CHANNELS, 1, 2).eval()
        gate, pools = Projection(CHANNELS), [_pool(depthwise) for depthwise in (False, True)]
        x, inside = (_drawn(each) for each in (CHANNELS, WIDTH))
        logits = torch.randn(2, 1, *SIZE)
    mask = logits > 0
    pairs: list[Pair] = []
    # Of the inverted one's values some have to reach its ceiling.
    for some, read in ((block, x), (strided, x), (inverted, 20 * x)):
        some.fuse()
        kept = _kept(kernels, some, logits[:, :, :: some.stride, :: some.stride])
        if kept is None:
            return torch.inf
        pairs += (_of_block(kernels, some, read, kept, scope) for scope in ("block", "conv"))
    pairs += _everywhere(kernels, block, gate, x)
    pairs += (_pooled(kernels, pool, inside) for pool in pools)
    pairs.append(_submanifold(kernels, block.conv2.weight, inside, mask))
    errors = [(found - right).abs().max() / right.abs().max() for found, right in pairs]
    return torch.stack(errors).max().item()  # NaN if any is


def _drawn(channels: int) -> Tensor:
    x = torch.randn(2, channels, *SIZE)
    return x.contiguous(memory_format=torch.channels_last)


def _pool(depthwise: bool) -> MultiPool:
    pool = MultiPool(WIDTH, FIELDS, depthwise)
    pool.bias = nn.Parameter(torch.randn(WIDTH))
    # An untrained selector chooses much the same everywhere.
    pool.selector = nn.Sequential(nn.Conv2d(WIDTH, len(FIELDS), 1, bias=False))
    return pool


def _kept(kernels: Kernels, block: ResidualBlock, logits: Tensor) -> Tensor | None:
    """The mask that the kernels make of a block's (2, 1, h, w) logits, None if it is wrong."""
    cost = block_cost("", block, "block", SIZE, 1)
    masks = []
    for each in logits.split(1):
        right, macs = ranking.by_sorting(cost, each, KEPT * cost.dense)
        found, spent = kernels.keep_highest(cost, each, KEPT * cost.dense)
        if spent != macs or not torch.equal(found, right):
            return None
        masks.append(found)
    return torch.cat(masks)


def _of_block(kernels: Kernels, block: ResidualBlock, x: Tensor, mask: Tensor, scope: str) -> Pair:
    """A block at the active pixels, as it opens."""
    listed = kernels.list_pixels(mask, block, scope, SIZE)
    pixels = ActivePixels.under(mask, block, scope, SIZE)
    right = sparse.run_active(block, BlockInput(block, x).opened, mask, pixels)
    return kernels.run_active(block, BlockInput(block, x), mask, listed), right


def _everywhere(kernels: Kernels, block: Bottleneck, gate: Projection, x: Tensor) -> Iterator[Pair]:
    """What is computed at every pixel: a gate, and two convolutions of a block."""
    opened, window, spatial = BlockInput(block, x).opened, block.window, block.conv2
    assert window is not None
    assert kernels.tiles(spatial), "of whole vectors, however wide they are"
    reduced = block.conv1(opened)
    yield kernels.project(gate, x, window), gate(opened)
    yield kernels.pointwise(block.conv1, x, window), reduced
    yield kernels.convolution(spatial, reduced), spatial(reduced)


def _pooled(kernels: Kernels, pool: MultiPool, x: Tensor) -> Pair:
    """MultiPool, and what is right for the fields that were chosen."""
    found, choice = kernels.pool(pool, x)
    branches = torch.stack([pool.branch(x, field) for field in FIELDS])
    return found, branches.gather(0, choice[None, :, None].expand(1, *x.shape))[0]


def _submanifold(kernels: Kernels, weight: Tensor, x: Tensor, mask: Tensor) -> Pair:
    """A 3x3 convolution of the active pixels alone."""
    active = mask.flatten()
    numbers = torch.where(active, active.cumsum(0) - 1, -1).to(torch.int32).view(2, *SIZE)
    found = kernels.submanifold(weight, 1, as_rows(x)[active], mask[:, 0], numbers)
    return found, as_rows(F.conv2d(x * mask, weight, padding=1))[active]
