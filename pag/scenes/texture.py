"""Patterns: colour of a surface point from its place on the part, in metres.

A pattern takes a `Patch` and returns the linear reflectance, (3, N) float32. Regular lines
are averaged over the pixel's footprint in closed form and noise fades where a pixel holds
many of its features, so that distant surfaces do not flicker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pag.scenes.material import Material
from pag.scenes.noise import cloudy, hashed, solid_noise, speckle


@dataclass(frozen=True)
class Patch:
    """N surface points of one material.

    Attributes:
        u, v: (N,) metres on the face, u across and v up (or along, on horizontal faces).
        half_u, half_v: (N,) half sizes of that face.
        local: (3, N) metres in the part's frame.
        face: (N,) see `pag.scenes.trace.Surface`.
        footprint: (N,) metres that a pixel covers.
        part: (N,) number of the part.
        material: the material.
    """

    u: np.ndarray
    v: np.ndarray
    half_u: np.ndarray
    half_v: np.ndarray
    local: np.ndarray
    face: np.ndarray
    footprint: np.ndarray
    part: np.ndarray
    material: Material

    @property
    def first(self) -> np.ndarray:
        """(3, 1) the material's first colour."""
        return np.array(self.material.first, dtype=np.float32)[:, None]

    @property
    def second(self) -> np.ndarray:
        """(3, 1) the material's second colour."""
        return np.array(self.material.second, dtype=np.float32)[:, None]

    def number(self, index: int, default: float) -> float:
        """One of the material's numbers."""
        numbers = self.material.numbers
        return numbers[index] if index < len(numbers) else default

    def fine(self, size: float) -> np.ndarray:
        """How much of the contrast of features of `size` metres a pixel still sees: 0 to 1."""
        ratio = self.footprint / np.float32(size)
        return 1.0 / (1.0 + ratio * ratio)

    def noise(self, size: float, stretch: float = 1.0, slope: float = 1.5) -> np.ndarray:
        """Noise with features of about `size` metres across and `stretch` times that along v."""
        shift = np.float32(7.31 * (self.material.seed % 97))
        # A feature spans about a quarter of a unit of `cloudy`.
        u = self.u * np.float32(0.25 / size) + shift
        v = self.v * np.float32(0.25 / (size * stretch)) + shift * np.float32(0.61)
        return cloudy(u, v, slope) * self.fine(size)


Pattern = Callable[[Patch], np.ndarray]


def pulse(x: np.ndarray, width: float | np.ndarray, blur: np.ndarray) -> np.ndarray:
    """Share of [x - blur/2, x + blur/2] within [k, k + width) for an integer k: (N,)."""
    blur = np.maximum(blur, np.float32(1e-3))

    def integral(at: np.ndarray) -> np.ndarray:
        whole = np.floor(at)
        return whole * width + np.minimum(at - whole, width)

    return (integral(x + blur / 2) - integral(x - blur / 2)) / blur


def mix(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    """`a` where `share` is 0, `b` where it is 1: (3, N)."""
    return a + (b - a) * share


def shade(colour: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """`colour` made lighter or darker by a share `amount`, never negative: (3, N)."""
    return colour * np.maximum(1.0 + amount, 0.05)


def plain(p: Patch) -> np.ndarray:
    """One colour, barely uneven."""
    return shade(p.first, 0.03 * p.noise(0.3))


def plaster(p: Patch) -> np.ndarray:
    """A painted wall: slightly uneven and grainy."""
    return shade(p.first, 0.025 * p.noise(0.8) + 0.02 * p.noise(0.02) * p.number(0, 1.0))


def wood(p: Patch) -> np.ndarray:
    """Grain along the longer side of the face."""
    along = p.half_u > p.half_v
    u, v = np.where(along, p.v, p.u), np.where(along, p.u, p.v)
    shift = hashed(p.part, 3, p.material.seed) * np.float32(9)
    warp = cloudy(u * 2 + shift, v * np.float32(0.35) + shift)
    rings = np.sin((u * np.float32(26) + warp * np.float32(1.1)) * np.float32(6.28 * 0.5))
    grain = cloudy(u * np.float32(12) + shift, v * np.float32(0.5))
    share = 0.42 + (0.22 * rings * p.fine(0.05) + 0.18 * grain * p.fine(0.02)) + 0.08 * warp
    return mix(p.first, p.second, np.clip(share, 0, 1)) * (1 + 0.03 * p.noise(0.4))


def planks(p: Patch) -> np.ndarray:
    """Floor boards of width `scale` along v, lengths numbers[0]."""
    width, length = p.material.scale, p.number(0, 1.2)
    column = np.floor(p.u / width)
    offset = hashed(column, 5, p.material.seed)
    row = np.floor(p.v / length + offset)
    tone = hashed(column, row, p.material.seed)
    grain = cloudy(p.u * np.float32(9) + tone * 17, p.v * np.float32(0.6) + tone * 31)
    share = 0.15 + 0.6 * tone + 0.16 * grain * p.fine(0.03)
    gap = pulse(p.u / width, 0.004 / width, p.footprint / width)
    gap = np.maximum(gap, pulse(p.v / length + offset, 0.004 / length, p.footprint / length))
    return mix(p.first, p.second, np.clip(share, 0, 1)) * (1 - 0.75 * gap)


def tiles(p: Patch) -> np.ndarray:
    """Square tiles of side `scale` with joints of the second colour."""
    side = p.material.scale
    u, v = p.u / side, p.v / side
    tone = hashed(np.floor(u), np.floor(v), p.material.seed)
    joint = p.number(0, 0.006) / side
    blur = p.footprint / side
    line = np.maximum(pulse(u, joint, blur), pulse(v, joint, blur))
    body = shade(p.first, 0.12 * (tone - 0.5) + 0.05 * p.noise(side / 2))
    return mix(body, p.second, line)


def checker(p: Patch) -> np.ndarray:
    """A chess board of fields of side `scale`."""
    side = 2 * p.material.scale
    blur = p.footprint / side
    a, b = pulse(p.u / side, 0.5, blur), pulse(p.v / side, 0.5, blur)
    share = a * (1 - b) + b * (1 - a)
    return mix(p.first, p.second, share) * (1 + 0.04 * p.noise(0.2))


def brick(p: Patch) -> np.ndarray:
    """Bricks three times as long as high, `scale` high, joints of the second colour."""
    high = p.material.scale
    long = p.number(0, 3.0) * high
    row = np.floor(p.v / high)
    u = p.u / long + 0.5 * (row % 2)
    tone = hashed(np.floor(u), row, p.material.seed)
    joint = p.number(1, 0.14)
    line = pulse(p.v / high, joint, p.footprint / high)
    line = np.maximum(line, pulse(u, joint * high / long, p.footprint / long))
    rough = 0.10 * p.noise(0.03) + 0.07 * p.noise(1.5)
    body = shade(p.first, 0.45 * (tone - 0.5) * p.fine(high * 2) + rough)
    return mix(body, p.second * (1 + 0.05 * p.noise(0.5)), line)


def carpet(p: Patch) -> np.ndarray:
    """Pile in two close colours."""
    size = 0.008
    pile = speckle(p.u / size, p.v / size) * p.fine(size)
    patches = p.noise(0.5)
    return shade(mix(p.first, p.second, 0.15 * (1 + pile)), 0.10 * pile + 0.05 * patches)


def stripes(p: Patch) -> np.ndarray:
    """Upright stripes, period `scale`, numbers[0] of it in the second colour."""
    share = pulse(p.u / p.material.scale, p.number(0, 0.5), p.footprint / p.material.scale)
    thin = pulse(p.u / p.material.scale + 0.3, 0.06, p.footprint / p.material.scale)
    share = np.maximum(share, thin * p.number(1, 0.0))
    return mix(p.first, p.second, share) * (1 + 0.02 * p.noise(0.3))


def ornament(p: Patch) -> np.ndarray:
    """A repeated flower- or diamond-like figure on wallpaper or cushions."""
    turn = np.float32(2 * np.pi / p.material.scale)
    a, b = np.cos(p.u * turn), np.cos(p.v * turn * np.float32(0.8))
    figure = a * b + 0.35 * np.cos(2 * p.u * turn) * p.number(0, 1.0)
    edge = np.clip((figure - 0.25) * 6, 0, 1) * p.fine(p.material.scale / 2)
    return mix(p.first, p.second, edge) * (1 + 0.02 * p.noise(0.3))


def fabric(p: Patch) -> np.ndarray:
    """Woven cloth with soft folds."""
    thread = np.float32(2 * np.pi / 0.012)
    weave = np.cos(p.u * thread) * np.cos(p.v * thread) * p.fine(0.006)
    return shade(p.first, 0.10 * weave + 0.06 * p.noise(0.25) + 0.05 * p.noise(0.02))


def marble(p: Patch) -> np.ndarray:
    """Soft darker veins in light stone."""
    vein = (p.noise(0.6) + 0.4 * p.noise(0.12)) * np.float32(3.0)
    share = 0.35 * np.exp(-vein * vein) * np.clip(0.5 + 0.6 * p.noise(0.9), 0, 1)
    return mix(shade(p.first, 0.05 * p.noise(0.3)), p.second, share)


def asphalt(p: Patch) -> np.ndarray:
    """Grit, worn patches and cracks."""
    grit = speckle(p.u / 0.02, p.v / 0.02) * p.fine(0.02)
    worn = p.noise(1.6) + 0.7 * p.noise(0.25)
    # Cracks run along a level line of a smooth field, where a second one lets them.
    line = np.abs(p.noise(1.3, slope=1.9) + 0.12 * p.noise(0.12))
    crack = np.clip(1 - line * 45, 0, 1) * p.fine(0.02) * (p.noise(3.0) > 0.4)
    return shade(p.first, 0.16 * grit + 0.09 * worn - 0.3 * crack)


def paving(p: Patch) -> np.ndarray:
    """Slabs in a half-brick bond."""
    high, long = p.material.scale, p.material.scale * p.number(0, 1.5)
    row = np.floor(p.v / high)
    u = p.u / long + 0.5 * (row % 2)
    tone = hashed(np.floor(u), row, p.material.seed)
    line = pulse(p.v / high, 0.018 / high, p.footprint / high)
    line = np.maximum(line, pulse(u, 0.018 / long, p.footprint / long))
    dirt = 0.07 * p.noise(1.1) + 0.07 * speckle(p.u / 0.02, p.v / 0.02) * p.fine(0.02)
    return mix(shade(p.first, 0.22 * (tone - 0.5) + dirt), p.second, line)


def grass(p: Patch) -> np.ndarray:
    """Blades in two greens."""
    blades = speckle(p.u / 0.03, p.v / 0.05) * p.fine(0.04)
    share = np.clip(0.5 + 0.22 * p.noise(1.3) + 0.15 * p.noise(0.2), 0, 1)
    return shade(mix(p.first, p.second, share), 0.22 * blades)


def bark(p: Patch) -> np.ndarray:
    """Upright ridges in two browns."""
    share = np.clip(0.5 + 0.35 * p.noise(0.04, 5.0), 0, 1)
    return shade(mix(p.first, p.second, share), 0.15 * p.noise(0.2))


def leaves(p: Patch) -> np.ndarray:
    """Foliage: clumps, single leaves, and light from above through the crown."""
    shift = (p.part * np.float32(1.7))[None]
    clump = solid_noise(p.local * np.float32(1.1) + shift)
    leaf = solid_noise(p.local * np.float32(5.3) + shift) * p.fine(0.12)
    share = np.clip(0.45 + 0.2 * clump + 0.22 * leaf, 0, 1)
    return shade(mix(p.first, p.second, share), 0.28 * leaf + 0.14 * clump)
