"""From light to a picture: exposure, white balance, tone curve, blur and sensor noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pag.scenes.vectors import luminance


@dataclass(frozen=True)
class Film:
    """How a scene is photographed.

    Attributes:
        exposure: brightness that the scene's middle is brought to, linear.
        warmth: gain of red over blue left by the white balance; 1 is neutral.
        tint: gain of green.
        contrast: exponent around the middle.
        saturation: of the colours, 1 as they are.
        blur: standard deviation in pixels at a picture 256 pixels wide.
        noise: sensor noise, standard deviation as a share of full scale at a middle tone.
        vignette: share of light lost in the corners.
    """

    exposure: float = 0.18
    warmth: float = 1.0
    tint: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    blur: float = 0.5
    noise: float = 0.015
    vignette: float = 0.15


def develop(light: np.ndarray, film: Film, rng: np.random.Generator, panorama: bool) -> np.ndarray:
    """The picture of `light`, (H, W, 3) float32 linear RGB, as (H, W, 3) uint8 sRGB."""
    height, width = light.shape[:2]
    gain = np.array([film.warmth**0.5, film.tint, film.warmth**-0.5], dtype=np.float32)
    light = light * gain
    brightness = luminance(light)
    middle = float(np.exp(np.log(brightness + 1e-3).mean(dtype=np.float64)))
    # Meter on the middle, but let no more than a fiftieth of the picture burn out.
    bright = float(np.quantile(brightness, 0.98))
    scale = min(film.exposure / max(middle, 1e-4), 2.6 / max(bright, 1e-4))
    light = light * np.float32(scale)
    if film.vignette and not panorama:
        y = (np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1
        x = (np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1
        fall = 1 - film.vignette * 0.5 * (y[:, None] ** 2 + x[None] ** 2)
        light = light * fall[..., None]
    sigma = film.blur * max(1.0, max(height, width) / 512)
    light = _blurred(light, sigma, panorama)
    value = _curve(light)
    grey = luminance(value)[..., None]
    value = grey + (value - grey) * np.float32(film.saturation)
    value = np.clip(value, 0, 1)
    value = 0.5 + (value - 0.5) * np.float32(film.contrast)
    strength = film.noise * np.sqrt(0.35 + 1.2 * np.clip(grey, 0, 1))
    noise = rng.standard_normal(value.shape, dtype=np.float32)
    common = rng.standard_normal((height, width, 1), dtype=np.float32)
    value = value + strength * (0.55 * noise + 0.8 * common)
    return (np.clip(value, 0, 1) * 255 + 0.5).astype(np.uint8)


def _curve(light: np.ndarray) -> np.ndarray:
    """A film-like shoulder in linear light, then the sRGB exponent."""
    light = np.maximum(light, 0)
    shouldered = light * (1 + light * np.float32(0.12)) / (1 + light * np.float32(0.85))
    return np.minimum(shouldered, 1) ** np.float32(1 / 2.2)


def _blurred(image: np.ndarray, sigma: float, around: bool) -> np.ndarray:
    """Gaussian blur of (H, W, C); panoramas wrap from right to left."""
    if sigma < 0.2:
        return image
    reach = max(1, int(np.ceil(2.5 * sigma)))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (0, 1):
        pad = [(0, 0)] * image.ndim
        pad[axis] = (reach, reach)
        padded = np.pad(image, pad, mode="wrap" if around and axis == 1 else "edge")
        size = image.shape[axis]
        image = sum(
            w * padded[(slice(None),) * axis + (slice(k, k + size),)] for k, w in enumerate(weights)
        )  # type: ignore[assignment]
    return image
