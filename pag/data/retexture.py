"""Photographs laid over the surfaces of rendered scenes, for training.

What was learned from rendered surfaces alone does not hold on real ones. A photograph as a
wall's or a road's texture leaves depth, normals and classes what they are, so that a network
has to tell them from the layout rather than from how we paint a wall.

Source: Tobin et al., "Domain randomization for transferring deep neural networks from
simulation to the real world", IROS 2017.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pag.data.photometric import LUMA
from pag.scenes.scene import RenderedScene

SCENES, THINGS = 0.6, 0.5
"""Shares of the scenes, and of the things in them, that are papered."""
SMALLEST = 150
"""Pixels of a thing below which no texture would be seen."""
SPAN = {"room": (0.3, 2.5), "street": (0.8, 8.0)}
"""Metres that a photograph's longer side covers, at the least and at the most."""
CONTRAST = (0.4, 0.9)
"""Exponent on the texture; 1 is the photograph's own contrast."""
LEVELS = 6
GAMMA = 2.2
BRIGHTEST = 4.0


def retexture(
    scene: RenderedScene, photographs: Sequence[np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """The scene's picture with photographs on some of its surfaces, (H, W, 3) uint8.

    Each chosen thing takes one photograph, projected along the world's axis nearest to each
    pixel's normal and repeated by mirroring. It multiplies the rendered light, so shading and
    shadows stay, and keeps the thing's mean brightness.

    Args:
        scene: left unchanged.
        photographs: (h, w, 3) uint8 each, at least one.
        rng: the only source of randomness.
    """
    if rng.random() > SCENES:
        return scene.image
    points = (scene.depth[..., None] * scene.rays()) @ scene.rotation.T.astype(np.float32)
    facing = np.abs(scene.normals @ scene.rotation.T.astype(np.float32)).argmax(-1)
    apart = scene.focal or scene.size[0] / math.pi
    metres = scene.depth / apart
    light = (scene.image / np.float32(255)) ** np.float32(GAMMA)
    ids, counts = np.unique(scene.instances[scene.depth > 0], return_counts=True)
    for thing in ids[counts >= SMALLEST]:
        if rng.random() > THINGS:
            continue
        inside = (scene.instances == thing) & (scene.depth > 0)
        photograph = photographs[int(rng.integers(len(photographs)))]
        low, high = SPAN[scene.kind]
        span = math.exp(rng.uniform(math.log(low), math.log(high)))
        density = max(photograph.shape[:2]) / span
        place = _in_plane(points[inside], facing[inside]) * density
        place += rng.uniform(0, 1000, 2)
        level = np.log2(np.maximum(metres[inside] * density, 1)).round().astype(np.intp)
        texture = _sampled(photograph, place, np.minimum(level, LEVELS - 1))
        texture **= np.float32(rng.uniform(*CONTRAST))
        texture /= max(float((texture @ LUMA).mean()), 1e-3)
        own = light[inside]
        grey = np.float32(rng.random())
        own += grey * ((own @ LUMA)[:, None] - own)
        light[inside] = own * np.minimum(texture, BRIGHTEST)
    return (255 * np.clip(light, 0, 1) ** (1 / GAMMA) + 0.5).astype(np.uint8)


def _in_plane(points: np.ndarray, facing: np.ndarray) -> np.ndarray:
    """The two world coordinates, (N, 2), across the axis that each point's surface faces."""
    across = np.array([[1, 2], [0, 2], [0, 1]])[facing]
    return np.take_along_axis(points, across, axis=1)


def _sampled(photograph: np.ndarray, place: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Linear light (N, 3) of the photograph at `place`, (N, 2) pixels, halved `level` times."""
    shrunk = (photograph / np.float32(255)) ** np.float32(GAMMA)
    found = np.empty((len(place), 3), dtype=np.float32)
    for step in range(int(level.max(initial=0)) + 1):
        if step > 0:
            height, width = (n // 2 * 2 for n in shrunk.shape[:2])
            blocks = shrunk[:height, :width].reshape(height // 2, 2, width // 2, 2, 3)
            shrunk = blocks.mean((1, 3))
        here = level == step
        columns, rows = (place[here] / 2**step).astype(np.intp).T
        found[here] = shrunk[_mirrored(rows, shrunk.shape[0]), _mirrored(columns, shrunk.shape[1])]
    return found


def _mirrored(index: np.ndarray, size: int) -> np.ndarray:
    """Index into an axis that goes on by mirroring."""
    folded = index % (2 * size)
    return np.where(folded < size, folded, 2 * size - 1 - folded)
