"""The decoder and the four task heads."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pag import cpu, cuda
from pag.backbones import BlockInput, opened, unopened
from pag.config import LABEL_SETS, TRAINED_SIDE, PAGConfig
from pag.fusion import ConvNormReLU, fused_sequence, fused_sum
from pag.inference import TASKS
from pag.resizing import between, resize, size_of
from pag.sparse import as_maps, as_rows

DETAIL_CHANNELS = 16
INITIAL_LOG_DEPTH = 0.7  # about two metres
FARTHEST = 400.0
"""Metres. No truth lies farther away (`pag.scenes`)."""
SKY_METRES = 150.0
"""Where the sky is put, of which no truth says how far away it is, unless it is put farther."""


def read(conv: nn.Conv2d, a: Tensor | BlockInput) -> Tensor:
    """A 1x1 convolution of what a block opens with, (B, C, H, W), opened or not."""
    x, window = unopened(a)
    if window is not None and cuda.convolves(conv, x):
        return cuda.convolution(conv, x, window=window)
    kernels = None if window is None or torch.is_grad_enabled() else cpu.kernels_for(x)
    if kernels is not None and window is not None:
        return kernels.pointwise(conv, x, window)
    return conv(opened(a))


class Decoder(nn.Module):
    """Joins the last stage with earlier features of strides 8 and 4.

    Args:
        channels: channels of the features at stride 4, at stride 8, and of the last stage.
        widths: decoder channels at stride 8 and at stride 4.
        separable: see `PAGConfig.separable`.
    """

    def __init__(
        self,
        channels: tuple[int, int, int],
        widths: tuple[int, int],
        separable: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        fine, middle, coarse = channels
        wide, narrow = widths
        self.from_coarse = nn.Conv2d(coarse, wide, 1, bias=False)
        self.from_middle = nn.Conv2d(middle, wide, 1, bias=False)
        self.norm_middle = nn.BatchNorm2d(wide)
        self.fuse_middle = ConvNormReLU(wide, wide, 3, "middle" in separable)
        self.down = nn.Conv2d(wide, narrow, 1, bias=False)
        self.from_fine = nn.Conv2d(fine, narrow, 1, bias=False)
        self.norm_fine = nn.BatchNorm2d(narrow)
        self.fuse_fine = ConvNormReLU(narrow, narrow, 3, "fine" in separable)

    def forward(
        self, fine: Tensor | BlockInput, middle: Tensor | BlockInput, coarse: Tensor
    ) -> Tensor:
        """(B, *, h, w) features at strides 4, 8 and 8 or 16 -> (B, narrow, H/4, W/4)."""
        wide = read(self.from_middle, middle)
        wide = wide + resize(self.from_coarse(coarse), size_of(wide))
        wide = self.fuse_middle(F.relu_(self.norm_middle(wide)))
        narrow = read(self.from_fine, fine)
        narrow = narrow + resize(self.down(wide), size_of(narrow))
        return self.fuse_fine(F.relu_(self.norm_fine(narrow)))

    def fold(self) -> None:
        """Fold every BatchNorm into the convolutions before it, in place."""
        self.from_middle, self.from_coarse = fused_sum(
            self.from_middle, self.from_coarse, self.norm_middle
        )
        self.from_fine, self.down = fused_sum(self.from_fine, self.down, self.norm_fine)
        self.norm_middle, self.norm_fine = nn.Identity(), nn.Identity()
        self.fuse_middle = fused_sequence(self.fuse_middle)
        self.fuse_fine = fused_sequence(self.fuse_fine)


class TaskHead(nn.Module):
    """3x3 convolution and a 1x1 projection: (B, C, h, w) -> (B, outputs, h, w)."""

    def __init__(
        self, channels: int, width: int, outputs: int, separable: bool, bias: float = 0.0
    ) -> None:
        super().__init__()
        self.hidden = ConvNormReLU(channels, width, 3, separable)
        self.project = nn.Conv2d(width, outputs, 1)
        nn.init.constant_(self.project.bias, bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> Tensor:
        return self.project(self.hidden(features))

    def fold(self) -> None:
        """Fold the BatchNorm into the convolution before it, in place."""
        self.hidden = fused_sequence(self.hidden)


class BoundaryHead(nn.Module):
    """Joins the stem's stride-2 features, so that boundaries stay thin.

    (B, DETAIL_CHANNELS, 2h, 2w), its own `outlines`, -> (B, 1, 2h, 2w) logits.
    """

    def __init__(self, channels: int, width: int, separable: bool, detail_channels: int) -> None:
        super().__init__()
        self.hidden = ConvNormReLU(channels, width, 3, separable)
        self.down = nn.Conv2d(width, DETAIL_CHANNELS, 1, bias=False)
        self.from_detail = nn.Conv2d(detail_channels, DETAIL_CHANNELS, 1, bias=False)
        self.norm = nn.BatchNorm2d(DETAIL_CHANNELS)
        self.fuse = ConvNormReLU(DETAIL_CHANNELS, DETAIL_CHANNELS, 3)
        self.project = nn.Conv2d(DETAIL_CHANNELS, 1, 1)
        nn.init.constant_(self.project.bias, -2.0)  # type: ignore[arg-type]

    def outlines(self, features: Tensor, detail: Tensor) -> Tensor:
        """(B, C, h, w) and (B, D, 2h, 2w) -> (B, DETAIL_CHANNELS, 2h, 2w)."""
        fine = self.from_detail(detail)
        fine = fine + resize(self.down(self.hidden(features)), size_of(fine))
        return self.fuse(F.relu_(self.norm(fine)))

    def forward(self, outlines: Tensor) -> Tensor:
        return self.project(outlines)

    def fold(self) -> None:
        """Fold every BatchNorm into the convolutions before it, in place."""
        self.from_detail, self.down = fused_sum(self.from_detail, self.down, self.norm)
        self.norm = nn.Identity()
        self.hidden, self.fuse = fused_sequence(self.hidden), fused_sequence(self.fuse)


def build_heads(config: PAGConfig, detail_channels: int) -> nn.ModuleDict:
    """One head a task, by the task's name."""
    channels, width = config.decoder_channels[1], config.head_channels
    cut = {task: task in config.separable for task in TASKS}
    return nn.ModuleDict(
        {
            "segmentation": TaskHead(channels, width, len(config.classes), cut["segmentation"]),
            "boundary": BoundaryHead(channels, width, cut["boundary"], detail_channels),
            "depth": TaskHead(channels, width, 1, cut["depth"], bias=INITIAL_LOG_DEPTH),
            "normals": TaskHead(channels, width, 3, cut["normals"]),
        }
    )


def finish(
    task: str,
    raw: Tensor,
    size: tuple[int, int],
    zoom: float = 1.0,
    seen: tuple[int, int] | None = None,
) -> Tensor:
    """A head's raw output, resized to the image and in the task's unit.

    Args:
        task: one of the four.
        raw: (B, C, h, w) output of the head.
        size: (H, W) of the image.
        zoom: of the network's input, by which normals are stretched; see `predictions`.
        seen: (height, width) of the network's input; `size` when None.

    Returns:
        ``segmentation``: (B, classes, H, W) logits. ``boundary``: (B, 1, H, W) logit.
        ``depth``: (B, 1, H, W) log-metres. ``normals``: (B, 3, H, W) unit vectors.
    """
    raw = raw.float()
    if task == "normals":  # vectors that lie in planes take 20 times as long to normalise
        raw = raw.contiguous(memory_format=torch.channels_last)
        if zoom != 1:
            raw = raw * raw.new_tensor((zoom, zoom, 1.0)).view(3, 1, 1)
    raw = resize(raw, size, seen)
    if task == "normals":
        raw = F.normalize(raw, dim=1, eps=1e-6)
    return raw


def labels(
    raw: Tensor,
    size: tuple[int, int],
    allowed: Tensor | None = None,
    seen: tuple[int, int] | None = None,
) -> Tensor:
    """The class with the highest logit of `finish`, without computing them all.

    Between four values of the same highest class, interpolated ones have it, too. Only where
    they differ, along outlines, are the logits interpolated.

    Args:
        raw: (B, C, h, w) output of the head, C up to 256.
        size: (H, W) of the image.
        allowed: (C,) bool, the classes to choose among; all when None.
        seen: (height, width) of the network's input; `size` when None.

    Returns:
        (B, H, W) uint8 ids.
    """
    names = torch.arange(raw.shape[1], dtype=torch.uint8, device=raw.device)
    if allowed is not None:
        names, raw = names[allowed], raw[:, allowed]
    coarse = raw.argmax(1).to(torch.uint8)
    height, width = raw.shape[-2:]
    rows_seen, columns_seen = seen or size
    above, below, down = between(height, size[0], raw.device, rows_seen)
    left, right, across = between(width, size[1], raw.device, columns_seen)
    aside = torch.arange(1, width + 1, device=raw.device).clamp_max(width - 1)
    under = torch.arange(1, height + 1, device=raw.device).clamp_max(height - 1)
    differ = coarse != coarse.index_select(2, aside)
    differ = differ | differ.index_select(1, under) | (coarse != coarse.index_select(1, under))
    ids = coarse.index_select(1, above).index_select(2, left)
    mixed = differ.index_select(1, above).index_select(2, left)
    image, y, x = mixed.nonzero(as_tuple=True)
    rows = as_rows(raw.float())

    def at(line: Tensor, column: Tensor) -> Tensor:
        return rows.index_select(0, (image * height + line[y]) * width + column[x])

    share = across[x, None]
    top = torch.lerp(at(above, left), at(above, right), share)
    bottom = torch.lerp(at(below, left), at(below, right), share)
    ids[mixed] = torch.lerp(top, bottom, down[y, None]).argmax(1).to(torch.uint8)
    return ids if allowed is None else names[ids.long()]


def far_sky(log_depth: Tensor, logits: Tensor, sky: int, zoom: float = 1.0) -> Tensor:
    """Log-depth that the sky raises to `SKY_METRES`, the more the surer it is.

    No data set says how far a sky is. Where other classes together are as probable, depth stays
    as it is.

    Args:
        log_depth: (B, 1, h, w).
        logits: (B, C, ...) of the classes, of the same or another stride.
        sky: id of that class.
        zoom: of the network's input, by which `predictions` multiplies depth.
    """
    rows = as_rows(logits.float()).softmax(1)  # several times as quick as over the map's axis
    probability = as_maps(rows[:, sky : sky + 1], len(logits), size_of(logits))
    surely = (2 * resize(probability, size_of(log_depth)) - 1).clamp_min(0).to(log_depth.dtype)
    return log_depth + surely * (math.log(SKY_METRES / zoom) - log_depth).clamp_min(0)


def zoom_of(height: int, width: int) -> float:
    """How much larger an input of this size is than what the network was trained on."""
    return max(height, width) / TRAINED_SIDE


def allowed_classes(classes: tuple[str, ...], label_set: str) -> Tensor | None:
    """Which classes a label set leaves to choose among: (C,) bool, or None where it leaves all.

    Args:
        classes: of the network, index = id.
        label_set: a name in `pag.config.LABEL_SETS`.
    """
    allowed = torch.tensor([name in LABEL_SETS[label_set] for name in classes])
    return None if allowed.all() else allowed


def predictions(
    raw: dict[str, Tensor],
    size: tuple[int, int],
    zoom: float = 1.0,
    allowed: Tensor | None = None,
    seen: tuple[int, int] | None = None,
) -> dict[str, Tensor]:
    """What the heads gave as maps in the record's units.

    The network takes pixels for those of one camera: what is shown twice as large it takes for
    half as far away, and learned so (`pag.data.transforms.augment`). Of one photograph, metres
    and directions are then the same at every working size.

    Args:
        raw: (B, C, h, w) outputs by task, of the heads or of `finish`.
        size: (H, W) of the image.
        zoom: of the network's input; see `zoom_of`.
        allowed: the classes to choose among; see `allowed_classes`.
        seen: (height, width) of the network's input; `size` when None.

    Returns, for the tasks present: ``segmentation`` (B, H, W) uint8 ids, ``boundary``
    (B, H, W) 0..1, ``depth`` (B, H, W) metres, ``normals`` (B, H, W, 3) unit vectors.
    """
    maps = {}
    if "segmentation" in raw:
        maps["segmentation"] = labels(raw["segmentation"], size, allowed, seen)
    if "boundary" in raw:
        strength = torch.sigmoid(finish("boundary", raw["boundary"], size, seen=seen))
        maps["boundary"] = strength.squeeze(1)
    if "depth" in raw:
        depth = torch.exp(finish("depth", raw["depth"], size, seen=seen)).squeeze(1)
        maps["depth"] = zoom * depth.clamp_max(FARTHEST)
    if "normals" in raw:
        normals = finish("normals", raw["normals"], size, zoom, seen)
        maps["normals"] = normals.permute(0, 2, 3, 1)
    return maps
