"""Whether the kernels give what PyTorch and NumPy give: asked once, before they are used."""

from __future__ import annotations

import torch

from pag import ranking, sparse
from pag.backbones import BlockInput, Bottleneck, opened
from pag.cpu.launch import Kernels
from pag.gate import Projection
from pag.macs import block_cost
from pag.sparse import ActivePixels

CHANNELS, WIDTH = 80, 48
"""Of the block: not whole panels, so that the rest of one is checked, too, and whole vectors."""
SIZE = (13, 17)
KEPT = 0.4


# Training asks within autocast, where what PyTorch gives would be rounded.
@torch.autocast("cpu", enabled=False)
@torch.inference_mode()
def deviation(kernels: Kernels) -> float:
    """How far the kernels are off on a small block: largest error / largest value."""
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay what they are
        torch.default_generator.manual_seed(0)
        block = Bottleneck(CHANNELS, WIDTH, CHANNELS, 1, 2).eval()
        gate = Projection(CHANNELS)
        x = torch.randn(2, CHANNELS, *SIZE).contiguous(memory_format=torch.channels_last)
    block.fuse()
    assert block.window is not None
    is_open = BlockInput(block, x)
    logits = gate(is_open.opened)
    cost = block_cost("", block, "block", SIZE, 1)
    kept = [ranking.by_sorting(cost, logits[i : i + 1], KEPT * cost.dense) for i in range(2)]
    mask = torch.cat([each for each, _ in kept])
    for i, (each, spent) in enumerate(kept):
        again, cost_again = kernels.keep_highest(cost, logits[i : i + 1], KEPT * cost.dense)
        if spent != cost_again or not torch.equal(each, again):
            return torch.inf
    pixels = ActivePixels.under(mask, block, "block", SIZE)
    listed = kernels.list_pixels(mask, block, "block", SIZE)
    reduced = block.reduce(opened(is_open))
    assert kernels.tiles(block.conv2), "of whole vectors, however wide they are"
    pairs = (
        (kernels.project(gate, x, block.window), logits),
        (kernels.pointwise(block.conv1, x, block.window), block.conv1(opened(is_open))),
        (
            kernels.run_active(block, BlockInput(block, x), mask, listed),
            sparse.run_active(block, opened(is_open), mask, pixels),
        ),
        (kernels.convolution(block.conv2, reduced), block.conv2(reduced)),
    )
    return max(((a - b).abs().max() / b.abs().max()).item() for a, b in pairs)
