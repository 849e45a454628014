"""Weather and time of day: sky, sun, ambient light, haze, and the film that suits them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pag.scenes.light import Light
from pag.scenes.material import Colour
from pag.scenes.photo import Film
from pag.scenes.sky import Sky

Rng = np.random.Generator
SUN_DISTANCE = 320.0


@dataclass(frozen=True)
class Weather:
    """Light on a street.

    Attributes:
        name: clear, cloudy, overcast or low sun.
        sky: what is seen above.
        sunlight: irradiance of the sun, 0 for none.
        softness: radius of the sun at its distance, metres.
        above, below, side: see `pag.scenes.ambient.Ambient`.
        haze: metres; see `pag.scenes.render.Scene`.
        film: the photograph's look.
    """

    name: str
    sky: Sky
    sunlight: Colour
    softness: float
    above: Colour
    below: Colour
    side: Colour
    haze: float
    film: Film

    def lights(self, x: float, y: float) -> tuple[Light, ...]:
        """The sun over the place x, y, if it shines."""
        if max(self.sunlight) <= 0:
            return ()
        sun = self.sky.sun
        r = self.softness
        position = (x + SUN_DISTANCE * sun[0], y + SUN_DISTANCE * sun[1], SUN_DISTANCE * sun[2])
        spread = ((r, 0.0, 0.0), (0.0, r, 0.0), (0.0, 0.0, r))
        return (Light(position, self.sunlight, spread, falls=False),)


def weather(rng: Rng) -> Weather:
    """Random weather by day."""
    kind = rng.random()
    azimuth = float(rng.uniform(0, 2 * math.pi))
    low = 0.45 <= kind < 0.62
    elevation = math.radians(float(rng.uniform(7, 17) if low else rng.uniform(24, 62)))
    level = math.cos(elevation)
    sun = (level * math.cos(azimuth), level * math.sin(azimuth), math.sin(elevation))
    seed = int(rng.integers(999))
    film = Film(
        exposure=float(rng.uniform(0.24, 0.42)),
        warmth=float(np.clip(rng.normal(1.0, 0.07), 0.8, 1.2)),
        tint=float(rng.normal(1.0, 0.015)),
        contrast=float(rng.uniform(0.98, 1.2)),
        saturation=float(rng.uniform(0.85, 1.2)),
        blur=float(rng.uniform(0.25, 0.65)),
        noise=float(rng.uniform(0.003, 0.013)),
        vignette=float(rng.uniform(0.0, 0.35)),
    )
    haze = float(np.exp(rng.uniform(math.log(250), math.log(2500))))
    if kind >= 0.62:
        grey = float(rng.uniform(0.9, 1.25))
        blue = float(rng.uniform(1.0, 1.1))
        sky = Sky(
            zenith=(0.75 * grey, 0.80 * grey, 0.85 * grey * blue),
            horizon=(1.0 * grey, 1.02 * grey, 1.05 * grey),
            ground=(0.15, 0.15, 0.14),
            sun=sun,
            cover=float(rng.uniform(0.5, 0.95)),
            cloud=(0.9 * grey, 0.92 * grey, 0.96 * grey),
            seed=seed,
        )
        above = (0.95 * grey, 1.0 * grey, 1.05 * grey * blue)
        return Weather(
            "overcast",
            sky,
            (0.0, 0.0, 0.0),
            0.0,
            above,
            (0.2, 0.2, 0.19),
            (0.18, 0.18, 0.18),
            haze * 0.6,
            film,
        )
    power = float(rng.uniform(2.2, 3.4))
    if low:
        sky = Sky(
            zenith=(0.22, 0.35, 0.62),
            horizon=(1.15, 0.82, 0.58),
            ground=(0.12, 0.1, 0.09),
            sun=sun,
            glow=(1.6, 0.9, 0.35),
            cover=float(rng.uniform(0.0, 0.55)),
            cloud=(1.15, 0.85, 0.68),
            seed=seed,
        )
        light = (power * 0.95, power * 0.66, power * 0.36)
        return Weather(
            "low sun",
            sky,
            light,
            2.5,
            (0.34, 0.40, 0.55),
            (0.16, 0.13, 0.10),
            (0.25, 0.17, 0.1),
            haze,
            film,
        )
    deep = float(rng.uniform(0.7, 1.2))
    cover = float(rng.uniform(0.0, 0.7)) if kind > 0.15 else 0.0
    sky = Sky(
        zenith=(0.14 / deep, 0.32 / deep, 0.72),
        horizon=(0.62, 0.78, 0.98),
        ground=(0.16, 0.15, 0.13),
        sun=sun,
        glow=(0.9, 0.85, 0.7),
        cover=cover,
        cloud=(1.3, 1.3, 1.32),
        seed=seed,
    )
    name = "cloudy" if cover > 0.35 else "clear"
    return Weather(
        name,
        sky,
        (power, power * 0.95, power * 0.86),
        1.8,
        (0.42, 0.52, 0.68),
        (0.22, 0.20, 0.17),
        (0.12, 0.11, 0.1),
        haze,
        film,
    )
