"""What the measurements of waiting share: photographs and lists."""

from __future__ import annotations

import io
import statistics
from typing import Any

import numpy as np
from PIL import Image


def photograph(width: int, height: int, seed: int) -> bytes:
    """A JPEG with structure at all scales, like a photograph's."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), dtype=np.float32)
    for cell in (8, 64, 512):
        coarse = rng.integers(0, 255, (height // cell + 2, width // cell + 2, 3), dtype=np.uint8)
        layer = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(layer, dtype=np.float32) * (cell / 584)
    stream = io.BytesIO()
    Image.fromarray(np.clip(total, 0, 255).astype(np.uint8)).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def listed(values: list[float], digits: int) -> dict[str, Any]:
    """All values, and their median."""
    return {
        "median": round(statistics.median(values), digits),
        "all": [round(value, digits) for value in values],
    }
