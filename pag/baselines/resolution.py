"""The baseline to beat: the dense network on a smaller image."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pag.fused_execution import AutoExecution
from pag.heads import allowed_classes, predictions, zoom_of
from pag.images import MIN_WORKING_SIDE, fit_size
from pag.macs import Size, area, network_cost
from pag.network import PAGNet, Trace
from pag.resizing import size_of

MAX_STRETCH = 0.02
SEARCH = 5
"""Pixels of either side around the size that keeps the aspect ratio."""


def nearest_size(
    net: PAGNet, image_size: Size, tasks: tuple[str, ...], budget: float, size: int
) -> Size:
    """The input size at which the dense network's multiply-adds come nearest to the budget.

    Feature maps have whole pixels, so the cost rises in steps; sides that differ from the
    photograph's aspect ratio by up to `MAX_STRETCH` are tried, which makes the steps finer.

    Args:
        net: the network.
        image_size: (H, W) of the photograph.
        tasks: heads that run.
        budget: share of the dense multiply-adds at the longer side `size`.
        size: longer side of the full network's input; photographs are not enlarged.

    Returns:
        (h, w), no side below 32 pixels or above the full network's.
    """
    full = fit_size(*image_size, size)
    target = budget * network_cost(net, full, tasks).dense

    def distance(candidate: Size) -> tuple[float, int, Size]:
        # Of equally near ones the largest: more pixels for the same multiply-adds.
        return abs(network_cost(net, candidate, tasks).dense - target), -area(candidate), candidate

    low, high = MIN_WORKING_SIDE, max(full)
    while high - low > 1:
        middle = (low + high) // 2
        fits = network_cost(net, fit_size(*full, middle), tasks).dense <= target
        low, high = (middle, high) if fits else (low, middle)
    candidates = {full, fit_size(*full, low)}
    for longer in range(low - SEARCH, low + SEARCH + 1):
        height, width = fit_size(*full, max(MIN_WORKING_SIDE, min(longer, max(full))))
        for shift in range(-SEARCH, SEARCH + 1):
            shifted = (height + shift, width) if full[0] < full[1] else (height, width + shift)
            candidates.add(shifted)
    return min((c for c in candidates if _fits(c, full)), key=distance)


def _fits(size: Size, full: Size) -> bool:
    """Whether neither side is too small or too large, nor the aspect ratio too far off."""
    stretch = (size[0] / size[1]) / (full[0] / full[1])
    inside = all(MIN_WORKING_SIDE <= s <= f for s, f in zip(size, full, strict=True))
    smallest = fit_size(*full, MIN_WORKING_SIDE)
    return size in (full, smallest) or (inside and abs(math.log(stretch)) <= MAX_STRETCH)


@torch.inference_mode()
def small_maps(
    net: PAGNet, image: Tensor, tasks: tuple[str, ...], size: Size, labels: str
) -> tuple[dict[str, Tensor], Trace]:
    """A fused network with every gate open, on a small image, its outputs enlarged.

    Logits, log-depth and vectors are enlarged, once, and not what follows from them: no jagged
    class borders.

    Args:
        net: the network.
        image: (1, 3, h, w) in 0..1.
        tasks: heads that run.
        size: (H, W) of the maps.
        labels: name of the label set that segmentation chooses among.

    Returns:
        Maps, (1, H, W) or (1, H, W, 3), where the network is, see `pag.heads.predictions`, and the
        trace.
    """
    budget = torch.ones(1, device=image.device)
    outputs, trace = net(image, budget, tasks=tasks, execution=AutoExecution(), finished=False)
    allowed = allowed_classes(net.config.classes, labels)
    seen = size_of(image)
    return predictions(outputs, size, zoom_of(*seen), allowed, seen), trace
