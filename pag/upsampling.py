"""Upsampling along the boundaries that the network finds."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pag.fusion import fused_sum

GUIDED_TASKS = ("depth", "normals")
"""Of these, what lies between two surfaces is none."""
WIDTH = 16
TAPS = 9
"""Each finer pixel is a mean of the 3x3 coarse ones around it."""
SUBPIXELS = 4
LEAST = 1e-3
"""Weight at first of a coarse pixel that bilinear resizing leaves out: learning needs some."""


class GuidedUpsampling(nn.Module):
    """Doubles height and width, every finer pixel a learned mean of the coarse ones around it.

    Bilinear resizing mixes what lies on both sides of an outline, and a depth between that of a
    chair and of the wall behind it is that of nothing. Here what the boundary head sees, at the
    finer stride, says which side a pixel is on. It begins as bilinear resizing.

    Source: the convex upsampling of Teed and Deng, "RAFT", ECCV 2020.

    Args:
        channels: of the coarse features.
        outline_channels: of the boundary head's.
    """

    def __init__(self, channels: int, outline_channels: int) -> None:
        super().__init__()
        self.from_features = nn.Conv2d(channels, WIDTH, 1, bias=False)
        self.from_outlines = nn.Conv2d(outline_channels, WIDTH, 2, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(WIDTH)
        self.project = nn.Conv2d(WIDTH, SUBPIXELS * TAPS, 1)
        nn.init.zeros_(self.project.weight)
        with torch.no_grad():
            self.project.bias.copy_(bilinear_weights().clamp_min(LEAST).log().flatten())  # type: ignore[union-attr]

    def forward(self, features: Tensor, outlines: Tensor, maps: Tensor) -> Tensor:
        """Upsample `maps`.

        Args:
            features: (B, channels, h, w).
            outlines: (B, outline_channels, H, W); h and w are halves of these, rounded up.
            maps: (B, C, h, w).

        Returns:
            (B, C, H, W) float32.
        """
        height, width = maps.shape[-2:]
        finer = outlines.shape[-2:]
        odd = (0, 2 * width - finer[1], 0, 2 * height - finer[0])
        even = F.pad(outlines, odd) if any(odd) else outlines
        hidden = self.from_features(features) + self.from_outlines(even)
        logits = self.project(F.relu_(self.norm(hidden))).float().contiguous()
        weights = logits.unflatten(1, (SUBPIXELS, TAPS)).softmax(2)
        padded = F.pad(maps.float(), (1, 1, 1, 1), mode="replicate")
        mixed = padded.new_zeros(())
        for tap in range(TAPS):
            top, left = divmod(tap, 3)
            near = padded[:, :, top : top + height, left : left + width]
            mixed = torch.addcmul(mixed, near[:, :, None], weights[:, None, :, tap])
        return F.pixel_shuffle(mixed.flatten(1, 2), 2)[..., : finer[0], : finer[1]]

    def fold(self) -> None:
        """Fold the BatchNorm into the convolutions before it, in place."""
        self.from_features, self.from_outlines = fused_sum(
            self.from_features, self.from_outlines, self.norm
        )
        self.norm = nn.Identity()


def bilinear_weights() -> Tensor:
    """(4, 9) weights of the 3x3 coarse pixels for each of the 2x2 finer ones, as bilinear."""
    line = torch.tensor([[0.25, 0.75, 0.0], [0.0, 0.75, 0.25]])
    return torch.stack([torch.outer(rows, columns) for rows in line for columns in line]).flatten(1)
