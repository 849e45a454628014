"""Random changes of an image's colours, sharpness and noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green, blue in brightness (ITU-R BT.601)."""

GAMMA = (0.75, 1.35)
BRIGHTNESS = (0.75, 1.25)
CONTRAST = (0.75, 1.3)
SATURATION = (0.6, 1.4)
HUE_DEGREES = 10.0
GRAY_SHARE = 0.05
BLUR_SHARE, BLUR_RADIUS = 0.15, (0.3, 1.2)
NOISE_SHARE, NOISE_SIGMA = 0.2, (1.0, 8.0)


@dataclass(frozen=True)
class Colours:
    """A random change of a picture's colours, sharpness and noise.

    Attributes:
        blur: radius of a Gaussian blur, pixels; 0 for none.
        gamma: exponent on values in 0..1.
        matrix: (3, 3) float32, then applied to each pixel's (red, green, blue).
        lift: (3,) float32; the picture's mean colour (after gamma) times these, summed, is added.
        noise: standard deviation of Gaussian noise, in 1/255; 0 for none.
    """

    blur: float
    gamma: float
    matrix: np.ndarray
    lift: np.ndarray
    noise: float


def draw_colours(rng: np.random.Generator) -> Colours:
    """Hue, saturation, contrast and brightness are one affine map; blur and noise come to some."""
    blur = float(rng.uniform(*BLUR_RADIUS)) if rng.random() < BLUR_SHARE else 0.0
    gamma = math.exp(rng.uniform(math.log(GAMMA[0]), math.log(GAMMA[1])))
    saturation = 0.0 if rng.random() < GRAY_SHARE else rng.uniform(*SATURATION)
    turn = _hue_rotation(math.radians(rng.uniform(-HUE_DEGREES, HUE_DEGREES)))
    gray = np.broadcast_to(LUMA, (3, 3))
    matrix = (saturation * np.eye(3) + (1.0 - saturation) * gray) @ turn
    contrast, brightness = rng.uniform(*CONTRAST), rng.uniform(*BRIGHTNESS)
    matrix = (contrast * brightness * matrix).astype(np.float32)
    lift = np.float32((1.0 - contrast) * brightness) * LUMA
    noise = float(rng.uniform(*NOISE_SIGMA)) if rng.random() < NOISE_SHARE else 0.0
    return Colours(blur, gamma, matrix, lift, noise)


def jitter(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a randomly recoloured copy of `image`, (H, W, 3) uint8.

    Blur comes first, then gamma, through a table, the affine map of the colours, and noise.
    """
    drawn = draw_colours(rng)
    if drawn.blur:
        image = np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(drawn.blur)))
    table = (255.0 * (np.arange(256) / 255.0) ** drawn.gamma).astype(np.float32)
    colours = table[image]
    lift = np.float32((colours @ drawn.lift).mean())
    colours = colours @ drawn.matrix.T
    colours += lift
    if drawn.noise:
        sigma = np.float32(drawn.noise)
        colours += sigma * rng.standard_normal(colours.shape, dtype=np.float32)
    np.clip(colours, 0.0, 255.0, out=colours)
    return (colours + np.float32(0.5)).astype(np.uint8)


def _hue_rotation(angle: float) -> np.ndarray:
    """Rotation of RGB by `angle` radians about the gray axis (Rodrigues), 3x3."""
    axis = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3.0)
    return np.eye(3) + math.sin(angle) * axis + (1.0 - math.cos(angle)) * axis @ axis
