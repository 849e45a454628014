"""Light from all around, and how much of it the neighbourhood lets through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pag.scenes.geometry import Solids, Vector
from pag.scenes.material import Colour
from pag.scenes.vectors import along


@dataclass(frozen=True)
class Ambient:
    """Light from all around, weaker where solids crowd.

    Attributes:
        above, below: irradiance on surfaces that face up and down.
        side: irradiance added on surfaces that face `towards`.
        towards: (3,) direction of the brightest side.
        low, high: corners of the region in which crowding is measured.
        cell: side of its cubes, metres.
        enclosed: whether there are walls all around, or a ground only.
    """

    above: Colour
    below: Colour
    side: Colour
    towards: Vector
    low: Vector
    high: Vector
    cell: float
    enclosed: bool

    def irradiance(self, normal: np.ndarray) -> np.ndarray:
        """(3, N) for unit normals (3, N)."""
        up = 0.5 + 0.5 * normal[2]
        facing = 0.5 + 0.5 * along(self.towards, normal)
        above, below, side = (
            np.array(c, dtype=np.float32)[:, None] for c in (self.above, self.below, self.side)
        )
        return below + (above - below) * up + side * facing * facing


class Crowding:
    """How much of the space before a surface is filled, at two ranges.

    Args:
        solids: the scene.
        ambient: its region and cell size.
    """

    RANGES = (1, 3)
    """Cubes to each side over which crowding is averaged."""
    POINTS = 2500
    """Most points that stand for one part."""

    def __init__(self, solids: Solids, ambient: Ambient) -> None:
        self.low = np.array(ambient.low, dtype=np.float32)[:, None]
        self.cell = np.float32(ambient.cell)
        extent = np.subtract(ambient.high, ambient.low)
        self.shape = tuple(int(n) for n in np.maximum(np.ceil(extent / ambient.cell), 1))
        filled = self._filled(solids)
        self.fields = [_box_mean(filled, k, ambient.enclosed).ravel() for k in self.RANGES]

    def _filled(self, solids: Solids) -> np.ndarray:
        """Share of each cube that is solid, from points spread over the parts."""
        reach = np.sqrt((solids.half**2).sum(axis=0))
        top = self.low + self.cell * np.array(self.shape, dtype=np.float32)[:, None]
        touches = (solids.centre + reach > self.low) & (solids.centre - reach < top)
        keep = np.flatnonzero(touches.all(axis=0))
        half, axes, centre = solids.half[:, keep], solids.axes[:, keep], solids.centre[:, keep]
        cubes = 8 * half.prod(axis=0, dtype=np.float64) / self.cell**3
        counts = np.clip(np.ceil(3 * cubes), 12, self.POINTS).astype(np.int64)
        of = np.repeat(np.arange(len(keep)), counts)
        k = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
        # A lattice of irrational steps fills each unit cube evenly.
        steps = np.array([0.8191725134, 0.6710436067, 0.5497004779])[:, None]
        unit = ((k + 0.5) * steps % 1.0 * 2 - 1).astype(np.float32)
        x, y, z = unit * half.take(of, axis=1)
        axes = axes.take(of, axis=1)
        place = centre.take(of, axis=1) + np.stack(
            [axes[i] * x + axes[i + 3] * y + axes[i + 6] * z for i in range(3)]
        )
        index = np.floor((place - self.low) / self.cell).astype(np.int64)
        shape = np.array(self.shape)[:, None]
        inside = ((index >= 0) & (index < shape)).all(axis=0)
        flat = (index[0] * shape[1] + index[1]) * shape[2] + index[2]
        weight = (cubes / counts)[of]
        total = np.bincount(flat[inside], weight[inside], minlength=int(shape.prod()))
        return np.minimum(total, 1.0).astype(np.float32).reshape(self.shape)

    def openness(self, position: np.ndarray, normal: np.ndarray) -> np.ndarray:
        """Share of the ambient light that arrives: (N,) float32, 0 to 1."""
        near, wide = (
            self._sample(field, position + normal * (self.cell * (k + 0.5)))
            for field, k in zip(self.fields, self.RANGES, strict=True)
        )
        return np.maximum(1 - 0.9 * near, 0.1) * np.maximum(1 - 0.95 * wide, 0.12)

    def _sample(self, field: np.ndarray, position: np.ndarray) -> np.ndarray:
        """Trilinear look-up; the nearest value outside the region."""
        at = (position - self.low) / self.cell - np.float32(0.5)
        limit = np.array(self.shape, dtype=np.float32)[:, None] - 1
        at = np.clip(at, 0, limit)
        first = np.minimum(at.astype(np.int32), (limit - 1).clip(0).astype(np.int32))
        f = at - first
        ny, nz = self.shape[1], self.shape[2]
        base = (first[0] * ny + first[1]) * nz + first[2]
        dx, dy, dz = (int(n > 1) * s for n, s in zip(self.shape, (ny * nz, nz, 1), strict=True))

        def along_z(offset: int) -> np.ndarray:
            a = field.take(base + offset)
            return a + (field.take(base + offset + dz) - a) * f[2]

        a = along_z(0)
        a = a + (along_z(dy) - a) * f[1]
        b = along_z(dx)
        b = b + (along_z(dx + dy) - b) * f[1]
        return a + (b - a) * f[0]


def _box_mean(field: np.ndarray, reach: int, enclosed: bool) -> np.ndarray:
    """Mean over cubes of 2 * reach + 1; outside is solid, or the ground alone is."""
    edge = 1.0 if enclosed else 0.0
    pad = [(reach, reach)] * 3
    padded = np.pad(field, pad, constant_values=edge)
    padded[:, :, :reach] = 1.0
    size = 2 * reach + 1
    for axis in range(3):
        total = np.cumsum(padded, axis=axis, dtype=np.float64)
        total = np.concatenate([np.zeros_like(total.take([0], axis)), total], axis=axis)
        count = padded.shape[axis]
        upper = total.take(np.arange(size, count + 1), axis)
        padded = (upper - total.take(np.arange(count + 1 - size), axis)) / size
    return padded.astype(np.float32)
