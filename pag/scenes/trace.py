"""Casting rays: the first surface a ray meets, whether anything is in its way, and the surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pag.scenes.culling import Chart
from pag.scenes.geometry import Cutout, Shape, Solids
from pag.scenes.intersect import solid_at, spans
from pag.scenes.vectors import dot

CLEAR = np.float32(1e-4)
"""Smallest ray parameter that counts, so that a surface does not shade itself."""


@dataclass(frozen=True)
class Surface:
    """Where N rays met a part.

    Attributes:
        position: (3, N) float32 world coordinates, metres.
        normal: (3, N) float32 unit vectors in the world, towards the ray's origin.
        local: (3, N) float32 coordinates along the part's axes, metres from its centre.
        unit: (3, N) float32 the same as shares of the half sizes.
        half: (3, N) float32 half sizes of the parts, metres.
        face: (N,) int8: 0 to 5 for the low and high side of x, y and z; 6 for a curved side.
        part: (N,) int64.
    """

    position: np.ndarray
    normal: np.ndarray
    local: np.ndarray
    unit: np.ndarray
    half: np.ndarray
    face: np.ndarray
    part: np.ndarray


def first_hits(
    solids: Solids, origin: np.ndarray, direction: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest surface along each ray.

    Args:
        solids: the scene.
        origin: (3,) of all rays.
        direction: (3, N) float32.

    Returns:
        The ray parameter, (N,) float32, inf where nothing is met, and the part, (N,) int64,
        -1 there.
    """
    count = direction.shape[1]
    best = np.full(count, np.inf, dtype=np.float32)
    part = np.full(count, -1, dtype=np.int64)
    chart = Chart.of(origin, direction)
    start = np.asarray(origin, dtype=np.float32)[:, None]
    corners = solids.corners(0.01)
    for shape in np.unique(solids.shape):
        members = np.flatnonzero(solids.shape == shape)
        for ray, row in chart.pairs(corners[members]):
            candidate = members[row]
            t = _met(solids, int(shape), start, direction.take(ray, axis=1), candidate)
            with np.errstate(invalid="ignore"):
                hit = np.flatnonzero(t < best[ray])
            ray, t, candidate = ray[hit], t[hit], candidate[hit]
            np.minimum.at(best, ray, t)
            won = t == best[ray]
            part[ray[won]] = candidate[won]
    return best, part


def blocked(
    solids: Solids, target: np.ndarray, origin: np.ndarray, direction: np.ndarray, margin: float
) -> np.ndarray:
    """Whether something that casts shadows lies between each origin and its light: (N,) bool.

    Args:
        solids: the scene.
        target: (3,) middle of the light.
        origin: (3, N) float32.
        direction: (3, N) float32 from the origin to the point of the light, whole way.
        margin: radius of the light, metres.
    """
    dark = np.zeros(origin.shape[1], dtype=bool)
    if origin.shape[1] == 0:
        return dark
    chart = Chart.of(target, origin - np.asarray(target, dtype=np.float32)[:, None])
    corners = solids.corners(margin + 0.01)
    for shape in np.unique(solids.shape):
        members = np.flatnonzero((solids.shape == shape) & solids.casts)
        if len(members) == 0:
            continue
        for ray, row in chart.pairs(corners[members]):
            open_ = np.flatnonzero(~dark[ray])
            ray, candidate = ray[open_], members[row[open_]]
            start, way = origin.take(ray, axis=1), direction.take(ray, axis=1)
            t = _met(solids, int(shape), start, way, candidate)
            with np.errstate(invalid="ignore"):
                dark[ray[t < 1.0 - CLEAR]] = True
    return dark


def _met(
    solids: Solids, shape: int, origin: np.ndarray, direction: np.ndarray, part: np.ndarray
) -> np.ndarray:
    """Ray parameter at which each candidate is met, NaN or inf where it is not: (K,)."""
    m = solids.matrix.take(part, axis=1)
    x, y, z = origin - solids.centre.take(part, axis=1)
    o = np.stack([m[i] * x + m[i + 1] * y + m[i + 2] * z for i in (0, 3, 6)])
    x, y, z = direction
    d = np.stack([m[i] * x + m[i + 1] * y + m[i + 2] * z for i in (0, 3, 6)])
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        enter, leave = spans(shape, o, d, solids.profile.take(part, axis=1))
        t = np.where((enter <= leave) & (enter > CLEAR), enter, np.float32(np.inf))
        kinds = solids.cutout.take(part)
        if kinds.any():
            _cut(solids, kinds, o, d, part, t, leave)
    return t


def _cut(
    solids: Solids,
    kinds: np.ndarray,
    o: np.ndarray,
    d: np.ndarray,
    part: np.ndarray,
    t: np.ndarray,
    leave: np.ndarray,
) -> None:
    """Let rays through holes, in place; behind one in foliage its far side may be met."""
    for kind in (Cutout.LEAVES, Cutout.PICKETS, Cutout.WHEEL):
        k = np.flatnonzero((kinds == kind) & (t < np.inf))
        if len(k) == 0:
            continue
        half = solids.half.take(part[k], axis=1)
        start, way = o[:, k], d[:, k]
        there = solid_at(kind, start + t[k] * way, half, part[k])
        behind = np.full(len(k), np.inf, dtype=np.float32)
        if kind == Cutout.LEAVES:
            far = leave[k].astype(np.float32)
            behind = np.where(solid_at(kind, start + far * way, half, part[k]), far, behind)
        t[k] = np.where(there, t[k], behind)


def surface(
    solids: Solids, origin: np.ndarray, direction: np.ndarray, t: np.ndarray, part: np.ndarray
) -> Surface:
    """Position, normal and local coordinates of N hits.

    Args:
        solids: the scene.
        origin: (3,) of all rays.
        direction: (3, N) float32.
        t: (N,) finite ray parameters.
        part: (N,) the parts that are met.
    """
    start = np.asarray(origin, dtype=np.float32)[:, None]
    position = start + t * direction
    axes = solids.axes.take(part, axis=1)
    half = solids.half.take(part, axis=1)
    x, y, z = (start - solids.centre.take(part, axis=1)) + t * direction
    local = np.stack([axes[i] * x + axes[i + 1] * y + axes[i + 2] * z for i in (0, 3, 6)])
    x, y, z = direction
    way = np.stack([axes[i] * x + axes[i + 1] * y + axes[i + 2] * z for i in (0, 3, 6)]) / half
    unit = local / half
    gradient = np.zeros_like(unit)
    face = np.full(len(part), 6, dtype=np.int8)
    shapes = solids.shape.take(part)
    for shape in np.unique(shapes):
        k = np.flatnonzero(shapes == shape)
        profile = solids.profile.take(part[k], axis=1)
        gradient[:, k], face[k] = _gradient(int(shape), unit[:, k], way[:, k], profile)
    gradient /= half
    normal = np.stack(
        [
            axes[i] * gradient[0] + axes[i + 3] * gradient[1] + axes[i + 6] * gradient[2]
            for i in range(3)
        ]
    )
    facing = dot(normal, direction)
    length = np.sqrt(dot(normal, normal))
    normal *= np.where(facing > 0, -1.0, 1.0).astype(np.float32) / np.maximum(length, 1e-12)
    return Surface(position, normal, local, unit, half, face, part)


def _gradient(
    shape: int, p: np.ndarray, d: np.ndarray, profile: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Outward direction in unit coordinates (3, K) and the face (K,) at surface points."""
    count = p.shape[1]
    rows = np.arange(count)
    if shape == Shape.ELLIPSOID:
        return p, np.full(count, 6, dtype=np.int8)
    if shape == Shape.BOX:
        # On an edge, only a side that the ray can cross in its direction.
        axis = np.argmax(np.abs(p) - 4.0 * (p * d >= 0), axis=0)
        side = np.sign(p[axis, rows])
        gradient = np.zeros_like(p)
        gradient[axis, rows] = side
        return gradient, (2 * axis + (side > 0)).astype(np.int8)
    if shape == Shape.TAPER:
        return _taper_gradient(p, d, profile)
    top = np.where(profile[0] > 0, profile[0], 1.0) if shape == Shape.FRUSTUM else np.float32(1.0)
    slope = (top - 1.0) / 2.0
    radius = np.hypot(p[0], p[1])
    cap = np.abs(p[2]) - 1.0 > radius - ((top + 1.0) / 2.0 + slope * p[2])
    side = np.stack([p[0] / np.maximum(radius, 1e-9), p[1] / np.maximum(radius, 1e-9)])
    up = np.where(cap, np.sign(p[2]), -slope)
    gradient = np.stack([np.where(cap, 0.0, side[0]), np.where(cap, 0.0, side[1]), up])
    return gradient.astype(np.float32), np.where(cap, 4 + (p[2] > 0), 6).astype(np.int8)


def _taper_gradient(
    p: np.ndarray, d: np.ndarray, profile: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    rows = np.arange(p.shape[1])
    heights = [np.abs(p[2]) - 1.0 - 4.0 * (p[2] * d[2] >= 0)]
    slopes = []
    for k in range(4):
        axis, side = k // 2, 2.0 * (k % 2) - 1.0
        slope, middle = (profile[k] - side) / 2.0, (profile[k] + side) / 2.0
        outside = side * (p[axis] - middle - slope * p[2])
        entering = side * (d[axis] - slope * d[2]) < 0
        heights.append(outside - 4.0 * ~entering)
        slopes.append(slope)
    best = np.argmax(np.stack(heights), axis=0)
    lean = np.stack(slopes)[np.maximum(best - 1, 0), rows]
    axis, side = (best - 1) // 2, 2.0 * ((best - 1) % 2) - 1.0
    gradient = np.zeros_like(p)
    gradient[0] = np.where((best > 0) & (axis == 0), side, 0.0)
    gradient[1] = np.where((best > 0) & (axis == 1), side, 0.0)
    gradient[2] = np.where(best == 0, np.sign(p[2]), -side * lean)
    return gradient, np.where(best == 0, 4 + (p[2] > 0), best - 1).astype(np.int8)
