"""Perspective and 360-degree cameras, and the rays of their pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pag.errors import InputError

CAMERAS = ("perspective", "equirectangular")
LEVEL = 0.1
"""Share of a viewpoint's tilt and roll that a 360-degree camera keeps: they are held level."""


@dataclass(frozen=True)
class Viewpoint:
    """Where a scene is looked at from.

    Attributes:
        position: metres in the world.
        yaw: radians from the world's y axis (forward) towards x (right).
        tilt: radians upwards.
        roll: radians; positive turns the picture's content anticlockwise.
        fov: horizontal field of view of the perspective camera, radians.
    """

    position: tuple[float, float, float]
    yaw: float = 0.0
    tilt: float = 0.0
    roll: float = 0.0
    fov: float = math.radians(65.0)


@dataclass(frozen=True)
class Camera:
    """A camera of `size` (H, W) pixels.

    Camera frame: x right, y down, z forward.

    Attributes:
        kind: one of `CAMERAS`. Equirectangular pictures cover the whole sphere, the left
            edge looking backwards, the middle along z.
        size: height and width in pixels.
        position: (3,) metres in the world.
        rotation: (3, 3) camera to world; columns are the camera's axes.
        focal: focal length in pixels, 0 for the equirectangular camera.
    """

    kind: str
    size: tuple[int, int]
    position: np.ndarray
    rotation: np.ndarray
    focal: float

    @classmethod
    def at(cls, viewpoint: Viewpoint, kind: str, size: tuple[int, int]) -> Camera:
        """The camera of `kind` at `viewpoint`; the field of view spans the longer side.

        Raises:
            InputError: an unknown kind or an impossible size.
        """
        if kind not in CAMERAS:
            raise InputError(f"no camera '{kind}', expected one of {', '.join(CAMERAS)}")
        height, width = size
        if height < 2 or width < 2:
            raise InputError(f"size is {height}x{width} pixels, expected at least 2x2")
        keep = 1.0 if kind == "perspective" else LEVEL
        rotation = _rotation(viewpoint.yaw, viewpoint.tilt * keep, viewpoint.roll * keep)
        focal = 0.0
        if kind == "perspective":
            focal = max(height, width) / (2.0 * math.tan(viewpoint.fov / 2.0))
        return cls(kind, (height, width), np.array(viewpoint.position), rotation, focal)

    def directions(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Rays in the camera frame, (3, N) float32, through points of the picture.

        Perspective rays have z = 1, so that a ray parameter is a depth; equirectangular
        ones are of unit length, so that it is a distance. The middle of the first pixel is
        at row 0.5 and column 0.5.
        """
        height, width = self.size
        if self.kind == "perspective":
            x = (column - width / 2) / self.focal
            y = (row - height / 2) / self.focal
            return np.stack([x, y, np.ones_like(x)]).astype(np.float32)
        azimuth = (column / width - 0.5) * (2 * np.pi)
        elevation = (0.5 - row / height) * np.pi
        level = np.cos(elevation)
        ray = [np.sin(azimuth) * level, -np.sin(elevation), np.cos(azimuth) * level]
        return np.stack(ray).astype(np.float32)

    def pixel_directions(self) -> np.ndarray:
        """Rays through the pixels' middles in the camera frame, (3, H * W) float32."""
        height, width = self.size
        row, column = np.mgrid[:height, :width] + 0.5
        return self.directions(row.ravel(), column.ravel())

    def to_world(self, vectors: np.ndarray) -> np.ndarray:
        """Directions of the camera frame (3, N) in the world."""
        return _rotated(self.rotation, vectors)

    def from_world(self, vectors: np.ndarray) -> np.ndarray:
        """Directions of the world (3, N) in the camera frame."""
        return _rotated(self.rotation.T, vectors)


def _rotation(yaw: float, tilt: float, roll: float) -> np.ndarray:
    cy, sy, ct, st = math.cos(yaw), math.sin(yaw), math.cos(tilt), math.sin(tilt)
    forward = np.array([sy * ct, cy * ct, st])
    right = np.array([cy, -sy, 0.0])
    down = np.cross(forward, right)
    cr, sr = math.cos(roll), math.sin(roll)
    return np.stack([cr * right + sr * down, cr * down - sr * right, forward], axis=1)


def _rotated(matrix: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """A 3x3 product, written out so that no threaded library decides the order of sums."""
    m = matrix.astype(np.float32)
    x, y, z = vectors
    return np.stack([m[i, 0] * x + m[i, 1] * y + m[i, 2] * z for i in range(3)])
