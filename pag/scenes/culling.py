"""Which rays may meet which part: rays sorted into the cells of a chart of directions.

All rays of a set start at (or pass close to) one point. A chart maps directions from it to
the plane; the plane is cut into cells, a part's bounding box covers a rectangle of cells,
and only the rays in it are tested. A narrow set of directions (a perspective camera, the
sun) gets the gnomonic chart, where boxes stay tight; all others longitude and latitude.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pag.scenes.vectors import along, dot

CELLS = 64
NARROW = 0.35
"""Smallest cosine to the mean direction at which the gnomonic chart is used."""
NEAR = 1e-3
EDGES = np.array([(i, i ^ b) for i in range(8) for b in (1, 2, 4) if not i & b])


@dataclass(frozen=True)
class Chart:
    """N rays from about one point, sorted by cell.

    Attributes:
        order: (N,) ray numbers, cell by cell.
        starts: (CELLS * CELLS + 1,) where each cell begins in `order`.
        frame: (3, 3) rows are the chart's axes in the world; the third is its pole or centre.
        gnomonic: which chart.
        low, high: (2,) range of the rays' chart coordinates.
        origin: (3,) the point.
    """

    order: np.ndarray
    starts: np.ndarray
    frame: np.ndarray
    gnomonic: bool
    low: np.ndarray
    high: np.ndarray
    origin: np.ndarray

    @classmethod
    def of(cls, origin: np.ndarray, direction: np.ndarray) -> Chart:
        """Sort rays of `direction` (3, N), of any length, from `origin` (3,)."""
        unit = direction / np.sqrt(dot(direction, direction))
        mean = unit.mean(axis=1, dtype=np.float64)
        mean /= max(float(np.linalg.norm(mean)), 1e-9)
        cosine = along(mean, unit)
        gnomonic = bool(cosine.min() > NARROW)
        frame = _frame(mean) if gnomonic else np.eye(3)
        x, y, z = (along(axis, unit) for axis in frame)
        if gnomonic:
            chart = np.stack([x / z, y / z])
        else:
            chart = np.stack([np.arctan2(y, x), np.arcsin(np.clip(z, -1, 1))])
        low, high = chart.min(axis=1).astype(np.float64), chart.max(axis=1).astype(np.float64)
        size = np.maximum(high - low, 1e-6)
        scaled = (chart - low[:, None]) * (CELLS / size)[:, None]
        cells = np.clip(scaled, 0, CELLS - 1).astype(np.uint16)
        cell = cells[1] * np.uint16(CELLS) + cells[0]
        starts = np.zeros(CELLS * CELLS + 1, dtype=np.int64)
        np.cumsum(np.bincount(cell, minlength=CELLS * CELLS), out=starts[1:])
        order = np.argsort(cell, kind="stable")
        return cls(order, starts, frame, gnomonic, low, high, np.asarray(origin, dtype=np.float64))

    def pairs(
        self, corners: np.ndarray, chunk: int = 1 << 15
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Candidates, about `chunk` at a time: ray numbers and rows of `corners`, both (K,).

        Args:
            corners: (P, 8, 3) of the parts' bounding boxes in the world.
            chunk: pairs that fit into a processor's cache.
        """
        low, high, part = self._rectangles(corners)
        size = np.maximum(self.high - self.low, 1e-6)
        # A ray on the edge between two cells may fall to either side: one hair more.
        first = np.floor((low - self.low) * (CELLS / size) - 1e-3).astype(np.int64)
        last = np.floor((high - self.low) * (CELLS / size) + 1e-3).astype(np.int64)
        seen = ((last >= 0) & (first < CELLS)).all(axis=1)
        first, last, part = first[seen].clip(0), last[seen].clip(None, CELLS - 1), part[seen]
        rows = last[:, 1] - first[:, 1] + 1
        of = np.repeat(np.arange(len(part)), rows)
        row = np.arange(len(of)) - np.repeat(np.cumsum(rows) - rows, rows) + first[of, 1]
        begin = self.starts[row * CELLS + first[of, 0]]
        count = self.starts[row * CELLS + last[of, 0] + 1] - begin
        keep = count > 0
        begin, count, part = begin[keep], count[keep], part[of[keep]]
        ends = np.cumsum(count)
        done = 0
        while done < len(count):
            base = ends[done] - count[done]
            stop = max(done + 1, int(np.searchsorted(ends, base + chunk)))
            some = count[done:stop]
            total = int(ends[stop - 1] - base)
            shift = np.repeat(begin[done:stop] - (ends[done:stop] - some - base), some)
            yield self.order[np.arange(total) + shift], np.repeat(part[done:stop], some)
            done = stop

    def _rectangles(self, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lowest and highest chart coordinates (R, 2) of parts, and the parts' rows (R,)."""
        if self.gnomonic:
            return self._projected(np.einsum("pkc,ac->pka", corners - self.origin, self.frame))
        return self._around(corners - self.origin)

    def _projected(self, local: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Boxes cut off at the plane just before the eye, then projected."""
        part = np.flatnonzero((local[..., 2] > NEAR).any(axis=1))
        local = local[part]
        a, b = local[:, EDGES[:, 0]], local[:, EDGES[:, 1]]
        za, zb = a[..., 2], b[..., 2]
        crossing = (za > NEAR) != (zb > NEAR)
        share = np.where(crossing, (NEAR - za) / np.where(crossing, zb - za, 1.0), 0.0)
        cut = a + share[..., None] * (b - a)
        points = np.concatenate([local, cut], axis=1)
        valid = np.concatenate([local[..., 2] > NEAR, crossing], axis=1)[..., None]
        chart = points[..., :2] / np.where(valid, np.maximum(points[..., 2:], NEAR), 1.0)
        low = np.where(valid, chart, np.inf).min(axis=1)
        high = np.where(valid, chart, -np.inf).max(axis=1)
        bound = 1e6  # so that cells stay integers
        return low.clip(-bound, bound), high.clip(-bound, bound), part

    @staticmethod
    def _around(local: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Longitude and latitude of the boxes: exact in longitude, close in latitude."""
        centre = local.mean(axis=1)
        reach = np.hypot(*np.moveaxis((local - centre[:, None])[..., :2], -1, 0)).max(axis=1)
        level = np.hypot(centre[:, 0], centre[:, 1])
        above = reach >= level - 1e-6
        longitude = np.arctan2(centre[:, 1], centre[:, 0])
        turn = np.arctan2(local[..., 1], local[..., 0]) - longitude[:, None]
        turn -= 2 * np.pi * np.rint(turn / (2 * np.pi))
        first = np.where(above, -np.pi, longitude + turn.min(axis=1))
        last = np.where(above, np.pi, longitude + turn.max(axis=1))
        nearest = np.where(above, 1e-9, level - reach)
        farthest = np.hypot(local[..., 0], local[..., 1]).max(axis=1)
        bottom, top = local[..., 2].min(axis=1), local[..., 2].max(axis=1)
        lowest = np.arctan2(bottom, np.where(bottom > 0, farthest, nearest))
        highest = np.arctan2(top, np.where(top > 0, nearest, farthest))
        low, high = np.stack([first, lowest], axis=1), np.stack([last, highest], axis=1)
        part = np.arange(len(local))
        left, right = ~above & (first < -np.pi), ~above & (last > np.pi)
        once = np.array([2 * np.pi, 0.0])
        return (
            np.concatenate([low, low[left] + once, low[right] - once]),
            np.concatenate([high, high[left] + once, high[right] - once]),
            np.concatenate([part, part[left], part[right]]),
        )


def _frame(axis: np.ndarray) -> np.ndarray:
    """An orthonormal frame whose third axis is `axis`."""
    helper = np.eye(3)[int(np.argmin(np.abs(axis)))]
    u = np.cross(axis, helper)
    u /= np.linalg.norm(u)
    return np.stack([u, np.cross(axis, u), axis])
