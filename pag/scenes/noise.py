"""Smooth random fields, looked up in periodic tables that are made once."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

TILE = 256
BLOCK = 64


@lru_cache(maxsize=2)
def _tile(slope: float) -> np.ndarray:
    """(TILE, TILE) float32 periodic noise of unit deviation, amplitude falling as f^-slope."""
    rng = np.random.default_rng(7)
    return _shaped(rng.standard_normal((TILE, TILE)), slope, TILE / 3)


@lru_cache(maxsize=1)
def _block() -> np.ndarray:
    """(BLOCK^3,) float32 periodic noise of unit deviation, features of about 6 samples."""
    rng = np.random.default_rng(11)
    return _shaped(rng.standard_normal((BLOCK, BLOCK, BLOCK)), 1.2, BLOCK / 7).ravel()


def _shaped(white: np.ndarray, slope: float, highest: float) -> np.ndarray:
    size = white.shape[0]
    axes = [np.fft.fftfreq(size, 1 / size)] * white.ndim
    frequency = np.sqrt(sum(f * f for f in np.meshgrid(*axes, indexing="ij")))
    gain = np.where(frequency > 0, np.maximum(frequency, 1) ** -slope, 0.0)
    gain *= np.exp(-((frequency / highest) ** 4))
    field = np.fft.ifftn(np.fft.fftn(white) * gain).real
    return (field / field.std()).astype(np.float32)


def cloudy(u: np.ndarray, v: np.ndarray, slope: float = 1.5) -> np.ndarray:
    """Fractal noise of about unit deviation; one unit of `u` holds 16 samples. (N,) float32.

    Its largest features are some 16 units, and it repeats after that.
    """
    x, y = u * np.float32(16), v * np.float32(16)
    x0, y0 = np.floor(x), np.floor(y)
    fx, fy = x - x0, y - y0
    i = x0.astype(np.int32) & (TILE - 1)
    j = (y0.astype(np.int32) & (TILE - 1)) * TILE
    i1 = (i + 1) & (TILE - 1)
    j1 = (j + TILE) & (TILE * TILE - 1)
    flat = _tile(slope).ravel()
    top = flat.take(j + i) * (1 - fx) + flat.take(j + i1) * fx
    low = flat.take(j1 + i) * (1 - fx) + flat.take(j1 + i1) * fx
    return top + (low - top) * fy


def speckle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Uncorrelated noise of unit deviation, one value for each unit square: (N,) float32."""
    i = np.floor(u).astype(np.int32)
    j = np.floor(v).astype(np.int32)
    return (hashed(i, j) - np.float32(0.5)) * np.float32(3.46)


def hashed(i: np.ndarray, j: np.ndarray | int, salt: int = 0) -> np.ndarray:
    """A number from 0 to 1 for each pair of integers: (N,) float32."""
    with np.errstate(over="ignore"):
        h = np.asarray(i).astype(np.uint32) * np.uint32(374761393)
        h += np.asarray(j).astype(np.uint32) * np.uint32(668265263)
        h += np.uint32(salt * 2654435761 & 0xFFFFFFFF)
        h ^= h >> np.uint32(13)
        h *= np.uint32(1274126177)
        h ^= h >> np.uint32(16)
    return (h >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def solid_noise(p: np.ndarray) -> np.ndarray:
    """Noise in space of about unit deviation; one unit holds 8 samples. (3, N) -> (N,)."""
    i, j, k = (np.floor(c * np.float32(8)).astype(np.int32) & (BLOCK - 1) for c in p)
    return _block().take((i * BLOCK + j) * BLOCK + k)
