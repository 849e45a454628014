"""Resizing a layer's map to a finer size, in place with the image.

A map of stride s has a row for every s rows of the image, and where these do not come out even,
its last row reaches past the image. Stretching the map to the image's size would move everything
in it, at the far edge by as much as the map reaches past.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def size_of(x: Tensor) -> tuple[int, int]:
    """Height and width of (..., H, W)."""
    return x.shape[-2], x.shape[-1]


def stride_between(count: int, wanted: int) -> float:
    """How many of `wanted` rows or columns one of `count` stands for.

    The power of two whose strides from `wanted` give `count`; where there is none, the ratio.
    """
    stride = 1
    while -(-wanted // stride) > count:
        stride *= 2
    return stride if -(-wanted // stride) == count else wanted / count


def resize(x: Tensor, size: tuple[int, int], seen: tuple[int, int] | None = None) -> Tensor:
    """Bilinear resize of (B, C, h, w) to (H, W) = `size`, cut off where the map reaches past it.

    Args:
        x: a layer's map.
        size: of the image.
        seen: (height, width) at which the network saw the image; `size` when None.
    """
    sides = list(zip(size_of(x), size, seen or size, strict=True))
    scales = [stride_between(count, of) * wanted / of for count, wanted, of in sides]
    if all(
        count * scale == wanted for scale, (count, wanted, _) in zip(scales, sides, strict=True)
    ):
        return F.interpolate(x, size, mode="bilinear", align_corners=False)
    # The new size is count * scale rounded down: not one less for a last digit.
    more = tuple(scale * (1 + 1e-9) for scale in scales)
    past = F.interpolate(x, scale_factor=more, mode="bilinear", align_corners=False)
    return past[..., : size[0], : size[1]]


def between(
    count: int, wanted: int, device: torch.device, seen: int | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Neighbours that `resize` mixes along one side of `count` values, for `wanted` ones.

    Returns:
        (wanted,) int64 each, the lower and the upper neighbour, and the upper one's share.
    """
    seen = seen or wanted
    scale = stride_between(count, seen) * wanted / seen
    place = (torch.arange(wanted, device=device) + 0.5) / scale - 0.5
    place = place.clamp_min(0)
    low = place.long()
    return low, (low + 1).clamp_max(count - 1), place - low
