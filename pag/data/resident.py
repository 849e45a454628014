"""Training batches made where the data lies: all of it in a GPU's memory, augmented there.

Processes that augment on the CPU take its cores from the one that launches the GPU's work: on
16 of them a step of training took twice as long as with its batch at hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pag.data.batch import BOUNDARY_IGNORE, Batch
from pag.data.mixture import NORMAL_STEPS, CachedDataset, Mixture
from pag.data.photometric import Colours, draw_colours
from pag.data.rolling import side_needed
from pag.data.sample import IGNORE

TAPS = (-0.25, 0.25)
"""Where a pixel that is shrunk is looked at, in its own sides: along its diagonal."""
ROOM = 0.5
"""Share of a GPU's free memory that data may take; the rest is for what training makes of it."""
BYTES = 13
"""Of one pixel: image, class, boundary, depth and normal."""
BLUR_REACH = 4
"""Pixels to either side that a blur looks at, over three times its largest radius."""


@dataclass(frozen=True)
class View:
    """What is seen of one sample, and how; as `pag.data.transforms.augment` draws it.

    Attributes:
        sample: its number among all.
        zoom: how much larger it is shown.
        degrees: by which the camera is rolled.
        centre: (x, y) of the crop's middle, pixels of the zoomed picture.
        mirrored: whether left and right are swapped.
        colours: what happens to the colours.
    """

    sample: int
    zoom: float
    degrees: float
    centre: tuple[float, float]
    mirrored: bool
    colours: Colours


class ResidentMixture:
    """The batches of a `Mixture`, drawn alike but augmented on a device, which holds all data.

    The geometry is that of `augment`. A picture that is shrunk is looked at in two places of a
    pixel in place of a filter as wide, and colours are not rounded to 1/255.

    Args:
        mixture: of `CachedDataset`s, which are read.
        device: where data and batches are.
    """

    def __init__(self, mixture: Mixture, device: torch.device) -> None:
        self.mixture, self.device = mixture, device
        self._first: list[int] = []  # number of each dataset's first sample
        sizes: list[tuple[int, int]] = []
        outlined: list[bool] = []
        for dataset in mixture.datasets:
            assert isinstance(dataset, CachedDataset)
            self._first.append(len(sizes))
            for index in range(len(dataset)):
                image, _, boundary, *_ = dataset.packed(index)
                sizes.append((image.shape[0], image.shape[1]))
                outlined.append(boundary is not None)
        self.sizes = torch.tensor(sizes)
        self.outlined = torch.tensor(outlined)
        areas = self.sizes.prod(1)
        self.starts = areas.cumsum(0) - areas
        count = int(areas.sum())
        self.image = torch.empty(count, 3, dtype=torch.uint8, device=device)
        self.segmentation = torch.full((count,), IGNORE, dtype=torch.uint8, device=device)
        self.boundary = torch.zeros(count, dtype=torch.uint8, device=device)
        self.depth = torch.zeros(count, dtype=torch.float16, device=device)
        self.normals = torch.zeros(count, 3, dtype=torch.int16, device=device)
        stores = (self.image, self.segmentation, self.boundary, self.depth, self.normals)
        for dataset, first in zip(mixture.datasets, self._first, strict=True):
            assert isinstance(dataset, CachedDataset)
            for index in range(len(dataset)):
                start = int(self.starts[first + index])
                for store, kept in zip(stores, dataset.packed(index), strict=False):
                    if isinstance(kept, np.ndarray):
                        rows = torch.from_numpy(kept).reshape(-1, *store.shape[1:])
                        store[start : start + len(rows)] = rows.to(device)

    def batch(self, step: int, size: int, crop: int) -> Batch:
        """The batch of `step`: `size` samples of `crop` x `crop` pixels, on the device."""
        rng = self.mixture.begin(step)
        views = [
            self._draw(self._first[of] + index, self.mixture.rolls[of], crop, rng)
            for of, index in self.mixture.picks(size, rng)
        ]
        generator = torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))
        return self.seen(views, crop, generator)

    def _draw(self, sample: int, roll: float, crop: int, rng: np.random.Generator) -> View:
        low, high = self.mixture.scale
        zoom = math.exp(rng.uniform(math.log(low), math.log(high)))
        degrees = rng.uniform(-roll, roll) if roll else 0.0
        side = side_needed(crop, degrees) if roll else crop
        height, width = (n * zoom for n in self.sizes[sample].tolist())

        def middle(length: float) -> float:
            spare = length - side
            # Of a picture larger than the crop a part is seen, into a smaller one it reaches over.
            return side / 2 + (1 if spare >= 0 else -1) * rng.uniform(0, abs(spare))

        y, x = middle(height), middle(width)
        return View(sample, zoom, degrees, (x, y), rng.random() < 0.5, draw_colours(rng))

    def seen(self, views: list[View], crop: int, generator: torch.Generator) -> Batch:
        """What views show, (B, ..., crop, crop) each.

        Args:
            views: B of them.
            crop: side, pixels.
            generator: of the noise, on the device.
        """
        chosen = torch.tensor([view.sample for view in views])
        places = Places(views, self.starts[chosen], self.sizes[chosen], crop, self.device)
        nearest, inside = places.nearest()
        image, boundary = self._picture(places)
        known = inside & each(self.outlined[chosen], self.device)
        ids = torch.where(inside, self.segmentation[nearest], IGNORE).long()
        depth = torch.where(inside, self.depth[nearest].float(), 0.0)
        normals = self.normals[nearest].float() / NORMAL_STEPS * inside[..., None]
        return Batch(
            image=recoloured(image.permute(0, 3, 1, 2), [v.colours for v in views], generator),
            segmentation=ids,
            boundary=torch.where(known, boundary, BOUNDARY_IGNORE),
            depth=depth / places.zoom,
            normals=turned_normals(normals, places.cos, places.sin, places.zoom, places.sign),
        )

    def _picture(self, places: Places) -> tuple[Tensor, Tensor]:
        """The image, (B, h, w, 3), as a mean of the taps, and boundaries, (B, h, w), as the most.

        Both in 0..1. The image is interpolated and continues by reflection; so are boundaries where
        the picture is turned, and else they are those of the nearest pixel.
        """
        image = boundary = torch.zeros((), device=self.device)
        for offset in TAPS:
            x, y = places.at(offset)
            left, top = (x - 0.5).floor(), (y - 0.5).floor()
            shares = (x - 0.5 - left, y - 0.5 - top)
            marks = [torch.where(places.turned, s, (s >= 0.5).float()) for s in shares]
            seen = marked = torch.zeros((), device=self.device)
            for right, low in ((0, 0), (0, 1), (1, 0), (1, 1)):
                at = places.index(left.long() + right, top.long() + low)
                share = side(shares[0], right) * side(shares[1], low)
                seen = torch.addcmul(seen, self.image[at].float(), share[..., None])
                share = side(marks[0], right) * side(marks[1], low)
                marked = torch.addcmul(marked, self.boundary[at].float(), share)
            image = image + seen / (255 * len(TAPS))
            boundary = torch.maximum(boundary, marked / 255)
        return image, boundary


def placed(mixture: Mixture, device: torch.device) -> Mixture | ResidentMixture:
    """The mixture with its data on a GPU that has room for it, else as it is."""
    if device.type != "cuda":
        return mixture
    free, _ = torch.cuda.mem_get_info(device)
    pixels = 0
    for dataset in mixture.datasets:
        assert isinstance(dataset, CachedDataset)
        pixels += sum(math.prod(dataset.packed(i)[0].shape[:2]) for i in range(len(dataset)))
    return ResidentMixture(mixture, device) if BYTES * pixels < ROOM * free else mixture


class Places:
    """Where the pixels of crops lie in the pictures that they show a part of.

    Args:
        views: B of them.
        starts: (B,), number of the first pixel of each picture.
        sizes: (B, 2), height and width of each.
        crop: side of the crops, pixels.
        device: where all of it is.

    Attributes:
        cos, sin, zoom: (B, 1, 1), of each view.
        sign: (B, 1, 1), -1 where it is mirrored.
        turned: (B, 1, 1) bool, whether it is rolled.
    """

    def __init__(
        self, views: list[View], starts: Tensor, sizes: Tensor, crop: int, device: torch.device
    ) -> None:
        angle = torch.tensor([math.radians(view.degrees) for view in views])
        zoom = torch.tensor([view.zoom for view in views])
        sign = torch.tensor([-1.0 if view.mirrored else 1.0 for view in views])
        middle = torch.tensor([view.centre for view in views])
        self.cos, self.sin = each(angle.cos(), device), each(angle.sin(), device)
        self.zoom, self.sign = each(zoom, device), each(sign, device)
        self.turned = each(angle != 0, device)
        self._middle = [each(part, device) for part in (middle / zoom[:, None]).unbind(1)]
        self._start, self._height, self._width = (
            each(numbers, device) for numbers in (starts, *sizes.unbind(1))
        )
        self._across = torch.arange(crop, device=device) + 0.5 - crop / 2

    def at(self, offset: float = 0.0) -> tuple[Tensor, Tensor]:
        """(x, y), (B, crop, crop) each, in the picture's own pixels.

        Args:
            offset: of where a pixel that is shrunk is looked at, in its own sides, both ways.
        """
        away = offset * (self.zoom < 1).float()
        u = (self._across[None, None, :] + away) * self.sign
        v = self._across[None, :, None] + away
        x = (self.cos * u - self.sin * v) / self.zoom + self._middle[0]
        return x, (self.sin * u + self.cos * v) / self.zoom + self._middle[1]

    def nearest(self) -> tuple[Tensor, Tensor]:
        """(B, crop, crop), the number of the pixel there, and whether there is one."""
        x, y = self.at()
        inside = (x >= 0) & (y >= 0) & (x < self._width) & (y < self._height)
        return self.index(x.long(), y.long()), inside

    def index(self, column: Tensor, row: Tensor) -> Tensor:
        """The number of the pixel there; beyond its edges a picture continues by reflection."""
        return (
            self._start
            + reflected(row, self._height) * self._width
            + reflected(column, self._width)
        )


def each(values: Tensor, device: torch.device) -> Tensor:
    """(B,) -> (B, 1, 1) on the device, to go with maps."""
    return values.to(device)[:, None, None]


def side(share: Tensor, second: int) -> Tensor:
    """Weight of the first or the second of two neighbours."""
    return share if second else 1 - share


def reflected(index: Tensor, size: Tensor) -> Tensor:
    """Index into an axis of that size which continues by reflection."""
    folded = index % (2 * size)
    return torch.minimum(folded, 2 * size - 1 - folded)


def turned_normals(normals: Tensor, cos: Tensor, sin: Tensor, zoom: Tensor, sign: Tensor) -> Tensor:
    """Normals of a picture that is zoomed, rolled and perhaps mirrored.

    Args:
        normals: (B, h, w, 3), zeros where unknown.
        cos, sin: (B, 1, 1), of the roll.
        zoom: (B, 1, 1).
        sign: (B, 1, 1), -1 where mirrored.

    Returns:
        (B, 3, h, w) unit vectors, zeros where unknown.
    """
    x, y, z = normals.unbind(-1)
    turned = torch.stack([sign * (cos * x + sin * y), cos * y - sin * x, zoom * z], 1)
    return F.normalize(turned, dim=1, eps=1e-6)


def recoloured(image: Tensor, colours: list[Colours], generator: torch.Generator) -> Tensor:
    """As `pag.data.photometric.jitter` does to a picture, many at once.

    Args:
        image: (B, 3, h, w) in 0..1.
        colours: of each.
        generator: of the noise, on the image's device.
    """
    device = image.device
    blurred = [i for i, one in enumerate(colours) if one.blur > 0]
    if blurred:
        radii = torch.tensor([colours[i].blur for i in blurred])
        image = image.contiguous()
        image[blurred] = blur(image[blurred], radii.to(device))
    gamma = torch.tensor([one.gamma for one in colours]).to(device)
    image = image.clamp(0, 1) ** gamma.view(-1, 1, 1, 1)
    matrix = torch.tensor(np.stack([one.matrix for one in colours])).to(device)
    lift = torch.tensor(np.stack([one.lift for one in colours])).to(device)
    mean = image.mean((2, 3))
    image = torch.einsum("bchw,bdc->bdhw", image, matrix)
    image = image + (mean * lift).sum(1).view(-1, 1, 1, 1)
    sigma = torch.tensor([one.noise / 255 for one in colours]).to(device).view(-1, 1, 1, 1)
    noise = torch.randn(image.shape, generator=generator, device=device)
    return torch.addcmul(image, sigma, noise).clamp_(0, 1)


def blur(image: Tensor, radius: Tensor) -> Tensor:
    """Gaussian blur of (B, 3, h, w), each by its own radius (B,), the standard deviation."""
    count, channels = image.shape[:2]
    away = torch.arange(-BLUR_REACH, BLUR_REACH + 1, device=image.device)
    kernel = torch.softmax(-0.5 * (away / radius[:, None]) ** 2, 1)
    kernel = kernel.repeat_interleave(channels, 0)
    flat = image.flatten(0, 1)[None]
    flat = F.pad(flat, (BLUR_REACH,) * 4, mode="replicate")
    flat = F.conv2d(flat, kernel[:, None, None, :], groups=count * channels)
    flat = F.conv2d(flat, kernel[:, None, :, None], groups=count * channels)
    return flat[0].unflatten(0, (count, channels))
