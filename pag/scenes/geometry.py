"""Solids of a scene: parts and things as a builder states them, and arrays for the ray caster.

World frame: x right, y forward, z up, metres. Every part is the image of a unit shape under
a rotation, three half sizes and a translation, so that one routine serves all its sizes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from pag.config import LABEL_SETS
from pag.scenes.material import Material

Vector = tuple[float, float, float]
Profile = tuple[float, float, float, float]

CLASSES = LABEL_SETS["all"]
NO_PROFILE: Profile = (0.0, 0.0, 0.0, 0.0)


class Shape(IntEnum):
    """Unit shapes, all within [-1, 1] in the local x, y and z."""

    BOX = 0
    ELLIPSOID = 1
    CYLINDER = 2
    """About the local z axis."""
    FRUSTUM = 3
    """A cylinder whose radius at the top is `profile[0]` of that at the bottom."""
    TAPER = 4
    """A box whose top face is [profile 0, profile 1] in x and [profile 2, profile 3] in y."""


class Cutout(IntEnum):
    """Holes in a part's surface."""

    NONE = 0
    LEAVES = 1
    PICKETS = 2
    WHEEL = 3


@dataclass(frozen=True)
class Part:
    """One convex solid.

    Attributes:
        shape: which unit shape.
        centre: in metres, in the frame of the thing or of the world.
        half: half sizes along the local axes, metres, all positive.
        material: its surface.
        axes: (3, 3) rows are the local axes.
        profile: see `Shape.FRUSTUM` and `Shape.TAPER`.
        cutout: holes.
        casts: whether it throws shadows; not worth the time for what lies flat.
    """

    shape: Shape
    centre: Vector
    half: Vector
    material: Material
    axes: tuple[Vector, Vector, Vector] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    profile: Profile = NO_PROFILE
    cutout: Cutout = Cutout.NONE
    casts: bool = True


@dataclass(frozen=True)
class Thing:
    """Parts that are one instance of a class."""

    label: str
    parts: tuple[Part, ...]

    def placed(self, x: float, y: float, z: float = 0.0, yaw: float = 0.0) -> Thing:
        """Turned by `yaw` radians about the vertical and then moved."""
        c, s = math.cos(yaw), math.sin(yaw)

        def turn(v: Vector) -> Vector:
            return (c * v[0] - s * v[1], s * v[0] + c * v[1], v[2])

        moved = []
        for p in self.parts:
            px, py, pz = turn(p.centre)
            axes = (turn(p.axes[0]), turn(p.axes[1]), turn(p.axes[2]))
            # Written out: `dataclasses.replace` takes five times as long.
            centre = (px + x, py + y, pz + z)
            args = (p.shape, centre, p.half, p.material, axes, p.profile, p.cutout, p.casts)
            moved.append(Part(*args))
        return Thing(self.label, tuple(moved))


def box(centre: Vector, half: Vector, material: Material, casts: bool = True) -> Part:
    """An upright box."""
    return Part(Shape.BOX, centre, half, material, casts=casts)


def slab(low: Vector, high: Vector, material: Material, casts: bool = True) -> Part:
    """An upright box between two opposite corners."""
    centre = tuple((a + b) / 2 for a, b in zip(low, high, strict=True))
    half = tuple(abs(b - a) / 2 for a, b in zip(low, high, strict=True))
    return Part(Shape.BOX, centre, half, material, casts=casts)  # type: ignore[arg-type]


def ball(centre: Vector, half: Vector | float, material: Material) -> Part:
    """A sphere or an ellipsoid."""
    sizes = half if isinstance(half, tuple) else (half, half, half)
    return Part(Shape.ELLIPSOID, centre, sizes, material)


def drum(
    centre: Vector, radius: float, height: float, material: Material, top: float = 1.0
) -> Part:
    """An upright cylinder around `centre`; `top` is the radius above as a share of that below."""
    shape, profile = (Shape.CYLINDER, NO_PROFILE) if top == 1.0 else (Shape.FRUSTUM, (top, 0, 0, 0))
    return Part(shape, centre, (radius, radius, height / 2), material, profile=profile)


def rod(start: Vector, end: Vector, radius: float, material: Material, top: float = 1.0) -> Part:
    """A cylinder from `start` to `end`."""
    delta = (end[0] - start[0], end[1] - start[1], end[2] - start[2])
    length = math.sqrt(delta[0] ** 2 + delta[1] ** 2 + delta[2] ** 2)
    w = (delta[0] / length, delta[1] / length, delta[2] / length)
    u = _across(w)
    v = (w[1] * u[2] - w[2] * u[1], w[2] * u[0] - w[0] * u[2], w[0] * u[1] - w[1] * u[0])
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, (start[2] + end[2]) / 2)
    shape, profile = (Shape.CYLINDER, NO_PROFILE) if top == 1.0 else (Shape.FRUSTUM, (top, 0, 0, 0))
    return Part(shape, middle, (radius, radius, length / 2), material, (u, v, w), profile)


def _across(w: Vector) -> Vector:
    """A unit vector at right angles to `w`."""
    x, y, z = (-w[2], 0.0, w[0]) if abs(w[1]) < 0.9 else (0.0, w[2], -w[1])
    length = math.sqrt(x * x + y * y + z * z)
    return (x / length, y / length, z / length)


def leaning(part: Part, pitch: float) -> Part:
    """The part turned by `pitch` radians about its local x axis, its centre kept."""
    c, s = math.cos(pitch), math.sin(pitch)
    x, y, z = (np.array(a) for a in part.axes)
    rows = (x, c * y + s * z, c * z - s * y)
    axes = tuple(tuple(float(v) for v in row) for row in rows)
    return replace(part, axes=axes)  # type: ignore[arg-type]


def turned(part: Part, yaw: float) -> Part:
    """The part turned by `yaw` radians about the vertical, its centre kept."""
    x, y, z = part.centre
    moved = Thing("clutter", (replace(part, centre=(0.0, 0.0, 0.0)),)).placed(x, y, z, yaw)
    return moved.parts[0]


@dataclass(frozen=True)
class Solids:
    """All P parts of a scene as arrays.

    Attributes:
        shape, cutout: (P,) int.
        centre: (3, P) float32 metres.
        half: (3, P) float32 metres.
        matrix: (9, P) float32, world offset to local unit coordinates, row by row.
        axes: (9, P) float32, rows are the local axes in the world.
        profile: (4, P) float32.
        casts: (P,) bool.
        instance: (P,) int32, 1 and up.
        label: (P,) uint8 class ids of `CLASSES`.
        material: (P,) int32 into `materials`.
        materials: the distinct materials.
    """

    shape: np.ndarray
    cutout: np.ndarray
    centre: np.ndarray
    half: np.ndarray
    matrix: np.ndarray
    axes: np.ndarray
    profile: np.ndarray
    casts: np.ndarray
    instance: np.ndarray
    label: np.ndarray
    material: np.ndarray
    materials: tuple[Material, ...]

    @classmethod
    def of(cls, things: Sequence[Thing]) -> Solids:
        """Collect the parts of `things`; thing k is instance k + 1."""
        parts = [part for thing in things for part in thing.parts]
        counts = [len(thing.parts) for thing in things]
        index: dict[Material, int] = {}
        material = [index.setdefault(part.material, len(index)) for part in parts]
        axes = np.array([part.axes for part in parts], dtype=np.float64)
        half = np.array([part.half for part in parts], dtype=np.float64)
        matrix = axes / half[:, :, None]
        labels = [CLASSES.index(thing.label) for thing in things]
        return cls(
            shape=np.array([part.shape for part in parts], dtype=np.int8),
            cutout=np.array([part.cutout for part in parts], dtype=np.int8),
            centre=_columns([part.centre for part in parts]),
            half=_columns(half),
            matrix=_columns(matrix.reshape(-1, 9)),
            axes=_columns(axes.reshape(-1, 9)),
            profile=_columns([part.profile for part in parts]),
            casts=np.array([part.casts for part in parts], dtype=bool),
            instance=np.repeat(np.arange(1, len(things) + 1, dtype=np.int32), counts),
            label=np.repeat(np.array(labels, dtype=np.uint8), counts),
            material=np.array(material, dtype=np.int32),
            materials=tuple(index),
        )

    def corners(self, margin: float = 0.0) -> np.ndarray:
        """Corners of the bounding boxes grown by `margin` metres: (P, 8, 3) float64."""
        signs = np.array([(i, j, k) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)])
        axes = self.axes.T.reshape(-1, 3, 3).astype(np.float64)
        reach = (self.half.T + margin)[:, None, :] * signs[None]
        return self.centre.T[:, None, :] + np.einsum("pkc,pcx->pkx", reach, axes)

    def __len__(self) -> int:
        return len(self.shape)


def _columns(rows: object) -> np.ndarray:
    return np.ascontiguousarray(np.array(rows, dtype=np.float32).T)
