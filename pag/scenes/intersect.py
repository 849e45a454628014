"""Where a ray enters the unit shapes; K candidates at once, all in local unit coordinates.

Each function takes the origin (3, K) and direction (3, K) and returns the ray parameters at
which the ray enters and leaves the solid, (K,) each; it misses where they are not in order.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pag.scenes.geometry import Cutout, Shape
from pag.scenes.noise import solid_noise

Span = tuple[np.ndarray, np.ndarray]
TINY = np.float32(1e-12)
WHEEL_RIM = 0.86
PICKET_RAIL = 0.07


def spans(shape: int, o: np.ndarray, d: np.ndarray, profile: np.ndarray) -> Span:
    """Entry and exit of rays of any position; numerically safe for small, distant solids.

    Args:
        shape: a `Shape`, the same for all.
        o, d: (3, K) origin and direction.
        profile: (4, K) the solids' profiles.
    """
    # Starting next to the solid keeps the quadratic equations from cancelling.
    shift = -(o[0] * d[0] + o[1] * d[1] + o[2] * d[2])
    shift /= d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + TINY
    o = o + shift * d
    enter, leave = SPANS[shape](o, d, profile)
    return enter + shift, leave + shift


def _slab(o: np.ndarray, d: np.ndarray) -> Span:
    """Crossing of -1 <= x <= 1."""
    inverse = 1.0 / np.where(np.abs(d) < TINY, TINY, d)
    middle = -o * inverse
    half = np.abs(inverse)
    return middle - half, middle + half


def _box(o: np.ndarray, d: np.ndarray, _: np.ndarray) -> Span:
    enter, leave = _slab(o[0], d[0])
    for axis in (1, 2):
        first, last = _slab(o[axis], d[axis])
        np.maximum(enter, first, out=enter)
        np.minimum(leave, last, out=leave)
    return enter, leave


def _ellipsoid(o: np.ndarray, d: np.ndarray, _: np.ndarray) -> Span:
    a = d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + TINY
    nearest = -(o[0] * d[0] + o[1] * d[1] + o[2] * d[2]) / a
    o = o + nearest * d
    inside = 1.0 - (o[0] * o[0] + o[1] * o[1] + o[2] * o[2])
    half = _root(inside / a)
    return nearest - half, nearest + half


def _cylinder(o: np.ndarray, d: np.ndarray, _: np.ndarray) -> Span:
    a = d[0] * d[0] + d[1] * d[1] + TINY
    nearest = -(o[0] * d[0] + o[1] * d[1]) / a
    x, y = o[0] + nearest * d[0], o[1] + nearest * d[1]
    half = _root((1.0 - (x * x + y * y)) / a)
    first, last = _slab(o[2], d[2])
    return np.maximum(nearest - half, first), np.minimum(nearest + half, last)


def _frustum(o: np.ndarray, d: np.ndarray, profile: np.ndarray) -> Span:
    """The double cone cut by the slab: its nappe with positive radius is the solid."""
    slope = (profile[0] - 1.0) / 2.0
    radius = (profile[0] + 1.0) / 2.0 + slope * o[2]
    growth = slope * d[2]
    a = d[0] * d[0] + d[1] * d[1] - growth * growth
    a = np.where(np.abs(a) < TINY, TINY, a)
    b = o[0] * d[0] + o[1] * d[1] - radius * growth
    c = o[0] * o[0] + o[1] * o[1] - radius * radius
    root = _root(b * b - a * c)
    one, two = (-b - root) / a, (-b + root) / a
    low, high = np.minimum(one, two), np.maximum(one, two)
    first, last = _slab(o[2], d[2])
    # A steep ray is inside before the first or after the second root, on one nappe each.
    steep = (a < 0) & ~np.isnan(root)
    after = steep & (radius + growth * (high + 1.0) > 0)
    before = steep & ~after
    enter = np.where(after, high, np.where(before, -np.inf, low))
    leave = np.where(after, np.inf, np.where(before, low, high))
    return np.maximum(enter, first), np.minimum(leave, last)


def _taper(o: np.ndarray, d: np.ndarray, profile: np.ndarray) -> Span:
    enter, leave = _slab(o[2], d[2])
    for axis in (0, 1):
        for side in (-1.0, 1.0):
            top = profile[2 * axis + (side > 0)]
            # side * (x - at(z)) <= 0 with at(z) linear from side (z = -1) to top (z = 1)
            slope, middle = (top - side) / 2.0, (top + side) / 2.0
            distance = side * (middle + slope * o[2] - o[axis])
            speed = side * (d[axis] - slope * d[2])
            t = distance / np.where(np.abs(speed) < TINY, TINY, speed)
            np.maximum(enter, np.where(speed < 0, t, -np.inf), out=enter)
            np.minimum(leave, np.where(speed < 0, np.inf, t), out=leave)
    return enter, leave


def _root(value: np.ndarray) -> np.ndarray:
    """Square root, NaN below zero: a miss, as no comparison with NaN holds."""
    return np.sqrt(np.where(value >= 0, value, np.nan))


SPANS: dict[int, Callable[[np.ndarray, np.ndarray, np.ndarray], Span]] = {
    Shape.BOX: _box,
    Shape.ELLIPSOID: _ellipsoid,
    Shape.CYLINDER: _cylinder,
    Shape.FRUSTUM: _frustum,
    Shape.TAPER: _taper,
}


def solid_at(kind: int, p: np.ndarray, half: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Whether a surface point is there or falls into a hole: (K,) bool.

    Args:
        kind: a `Cutout` other than NONE.
        p: (3, K) unit coordinates.
        half: (3, K) half sizes of its part, metres.
        part: (K,) number of the part, so that no two trees have the same holes.
    """
    if kind == Cutout.LEAVES:
        at = p * half + part * np.float32(1.7)
        return solid_noise(at * np.float32(2.2)) + 0.8 * solid_noise(at * np.float32(6.1)) > -0.55
    if kind == Cutout.PICKETS:
        along = p[0] * half[0] / 0.14
        up = p[2]
        picket = np.abs(along - np.floor(along) - 0.5) < 0.33
        rail = np.minimum(np.abs(up - 0.55), np.abs(up + 0.55)) < PICKET_RAIL
        return picket | rail
    radius = np.hypot(p[0], p[1])
    turn = np.arctan2(p[1], p[0]) * (10 / np.pi)
    spoke = np.abs(turn - np.rint(turn)) < 0.08 / np.maximum(radius, 0.1)
    return (radius > WHEEL_RIM) | (radius < 0.12) | spoke
