"""Samples of equal size, stacked into tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from pag.data.sample import IGNORE, Sample
from pag.errors import InputError

BOUNDARY_IGNORE = -1.0


@dataclass(frozen=True)
class Batch:
    """Tensors of B samples; where a sample lacks a task, the task's "ignore" value.

    Attributes:
        image: (B, 3, H, W) float32, 0 to 1, not normalised.
        segmentation: (B, H, W) int64 ids, 255 = ignore.
        boundary: (B, H, W) float32, 0 to 1, -1 = ignore.
        depth: (B, H, W) float32 metres, 0 = ignore.
        normals: (B, 3, H, W) float32 unit vectors, zeros = ignore.
    """

    image: torch.Tensor
    segmentation: torch.Tensor
    boundary: torch.Tensor
    depth: torch.Tensor
    normals: torch.Tensor

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on `device`."""
        return Batch(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    def __len__(self) -> int:
        return self.image.shape[0]


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack samples of one size.

    Raises:
        InputError: no sample, or samples of different sizes.
    """
    sizes = {sample.size for sample in samples}
    if len(sizes) != 1:
        seen = ", ".join(f"{w}x{h}" for h, w in sorted(sizes)) or "none"
        raise InputError(f"a batch needs samples of one size, got {seen}")
    shape = (len(samples), *sizes.pop())
    image = np.stack([sample.image for sample in samples])
    segmentation = np.full(shape, IGNORE, dtype=np.int64)
    boundary = np.full(shape, BOUNDARY_IGNORE, dtype=np.float32)
    depth = np.zeros(shape, dtype=np.float32)
    normals = np.zeros((*shape, 3), dtype=np.float32)
    for i, sample in enumerate(samples):
        if sample.segmentation is not None:
            segmentation[i] = sample.segmentation
        if sample.boundary is not None:
            boundary[i] = sample.boundary
        if sample.depth is not None:
            depth[i] = sample.depth
        if sample.normals is not None:
            normals[i] = sample.normals
    return Batch(
        image=_channels_first(image).float().div_(255.0),
        segmentation=torch.from_numpy(segmentation),
        boundary=torch.from_numpy(boundary),
        depth=torch.from_numpy(depth),
        normals=_channels_first(normals),
    )


def _channels_first(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array).permute(0, 3, 1, 2).contiguous()


def twice(batch: Batch) -> Batch:
    """The batch followed by itself."""
    return Batch(**{f.name: torch.cat([getattr(batch, f.name)] * 2) for f in fields(batch)})


def thinned(batch: Batch, every: int, generator: torch.Generator) -> Batch:
    """One label of every square of pixels, the same of each, drawn anew; boundaries stay."""
    rows, columns = torch.randint(every, (2,), generator=generator).tolist()

    def pick(labels: torch.Tensor) -> torch.Tensor:
        return labels[..., rows::every, columns::every]

    return replace(
        batch,
        segmentation=pick(batch.segmentation),
        depth=pick(batch.depth),
        normals=pick(batch.normals),
    )
