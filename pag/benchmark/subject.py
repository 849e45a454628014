"""What is measured: a network, and images for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from pag.break_even import prepare
from pag.budget import BudgetTable
from pag.config import PAGConfig
from pag.images import open_image, resize
from pag.macs import Size
from pag.network import PAGNet
from pag.pretrained import load_checkpoint

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, eq=False)
class Subject:
    """A network ready to be measured.

    Attributes:
        net: as `pag.break_even.prepare` leaves it.
        table: of its exact policy.
        weights: the checkpoint's digest, or ``random``.
    """

    net: PAGNet
    table: BudgetTable
    weights: str

    def described(self) -> dict[str, str]:
        """What a report says of it."""
        config = self.net.config
        return {
            "weights": self.weights,
            "backbone": config.backbone,
            "scope": config.gate_scope,
        }


@dataclass(frozen=True)
class Recipe:
    """How to make a `Subject`, also in another process.

    Attributes:
        checkpoint: folder or name; random weights if None.
        backbone, scope: of random weights; see `PAGConfig`.
        device: where the network is.
        dtype: of its weights and feature maps, one of `DTYPES`.
    """

    checkpoint: str | Path | None = None
    backbone: str = "resnet50"
    scope: str = "block"
    device: str = "cpu"
    dtype: str = "float32"

    def make(self) -> Subject:
        """Load or draw the weights.

        Raises:
            WeightsError: no such checkpoint, or a damaged one.
        """
        if self.checkpoint:
            found = load_checkpoint(self.checkpoint)
            return Subject(self._placed(found.net), found.table, found.digest)
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            net = PAGNet(PAGConfig(backbone=self.backbone, gate_scope=self.scope))
        return Subject(self._placed(net), BudgetTable.uniform(tuple(net.gates)), "random")

    def _placed(self, net: PAGNet) -> PAGNet:
        # BatchNorms are folded before anything is rounded.
        return prepare(net).to(self.device, DTYPES[self.dtype])

    def images(self, paths: Sequence[str], size: Size, batch: int = 1) -> Tensor:
        """`load_images`, as the network takes them."""
        return load_images(paths, size, batch).to(self.device, DTYPES[self.dtype])


def load_images(paths: Sequence[str], size: Size, batch: int = 1) -> Tensor:
    """(B, 3, H, W) in 0..1: photographs resized to (H, W) = `size`, or smooth noise.

    Args:
        paths: of photographs. If there are fewer than images, they are taken again, mirrored
            every other time, so that masks differ. Noise if there are none.
        size: of the images.
        batch: how many.

    Raises:
        InputError: a file that is no usable photograph.
    """
    if not paths:
        coarse = torch.rand(batch, 3, 12, 16, generator=torch.Generator().manual_seed(0))
        image = F.interpolate(coarse, size, mode="bicubic").clamp(0, 1)
        return image.contiguous(memory_format=torch.channels_last)
    images = []
    for index in range(batch):
        pixels = torch.from_numpy(resize(open_image(paths[index % len(paths)]).pixels, size).copy())
        images.append(pixels.flip(1) if index // len(paths) % 2 else pixels)
    # (B, H, W, 3) in memory is what channels-last layout means.
    return torch.stack(images).permute(0, 3, 1, 2).float() / 255
