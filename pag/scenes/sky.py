"""The sky: a gradient, the sun's glow, and clouds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pag.scenes.geometry import Vector
from pag.scenes.material import Colour
from pag.scenes.noise import cloudy
from pag.scenes.vectors import along


@dataclass(frozen=True)
class Sky:
    """Light from beyond all solids.

    Attributes:
        zenith, horizon, ground: linear RGB radiance above, level and below.
        sun: unit direction to the sun.
        glow: linear RGB added around the sun.
        cover: share of the sky that clouds take, 0 to 1.
        cloud: linear RGB of the clouds.
        seed: of the clouds.
    """

    zenith: Colour
    horizon: Colour
    ground: Colour
    sun: Vector = (0.0, 0.0, 1.0)
    glow: Colour = (0.0, 0.0, 0.0)
    cover: float = 0.0
    cloud: Colour = (1.0, 1.0, 1.0)
    seed: int = 0

    def radiance(self, direction: np.ndarray, detail: bool = True) -> np.ndarray:
        """Linear RGB (3, N) seen along unit directions (3, N); without clouds unless `detail`."""
        zenith, horizon, ground, glow, cloud = (
            np.array(c, dtype=np.float32)[:, None]
            for c in (self.zenith, self.horizon, self.ground, self.glow, self.cloud)
        )
        up = direction[2]
        height = np.maximum(up, 0)
        colour = zenith + (horizon - zenith) * np.exp(-4.5 * height)
        toward = np.maximum(along(self.sun, direction), 0)
        colour = colour + glow * (0.25 * toward**6 + toward**60)
        if detail and self.cover > 0:
            level = np.maximum(up, 0.03)
            shift = np.float32(3.1 * (self.seed % 31))
            u = direction[0] / level * np.float32(0.28) + shift
            v = direction[1] / level * np.float32(0.28) + shift * np.float32(0.7)
            field = cloudy(u, v, 1.6) + 0.35 * cloudy(u * 3, v * 3, 1.3)
            share = np.clip((field - 1.6 + 3.2 * self.cover) * 0.9, 0, 1)
            share = share * np.clip((up - 0.03) * 7, 0, 1) * 0.95
            light = 0.82 + 0.12 * np.clip(cloudy(u + 0.15, v + 0.1, 1.6), -2, 1.5)
            colour = colour + (cloud * light - colour) * share
        return np.where(up < -0.01, ground, colour)
