"""Surface normals from a depth map, by least-squares planes in a window."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

# Points of a window that must be valid, and how far from one line they must lie
# (relative to a full window), for a plane to be fitted at all.
MIN_VALID = 0.25
MIN_SPREAD = 0.01
# A window beside the pixel replaces the one centred on it only when it fits clearly better
# (a factor, and a floor for quantised depth), so that noise does not make the choice jump.
OFF_CENTRE_PENALTY, OFF_CENTRE_FLOOR = 1.5, 0.0005
# A pixel farther than this many times `max_residual` from its plane is not on it.
MAX_OWN_RESIDUAL = 2.0


def normals_from_depth(
    depth: np.ndarray,
    fx: float,
    fy: float,
    cx: float,
    cy: float,
    window: int = 11,
    max_residual: float = 0.015,
) -> np.ndarray:
    """Fit a plane around every pixel and return its normal, turned to the camera.

    The inverse depth of a plane is linear in image coordinates, a*x + b*y + c = 1/z, and
    (a, b, c) is the plane's normal over its distance; sensor noise of structured-light and
    stereo cameras is even in 1/z as well. So the fit is a 2x2 solve per pixel from box sums.
    Near edges the pixel takes the best-fitting of nine windows that contain it (as Kuwahara
    filters do), so planes do not reach across a depth discontinuity or a crease.

    Args:
        depth: (H, W) metres along the optical axis; 0 or not finite where unknown.
        fx: focal length in pixels, horizontally; `fy` vertically.
        fy: see `fx`.
        cx: principal point in pixels, column; `cy` row.
        cy: see `cx`.
        window: side of the fitting window in pixels, odd.
        max_residual: largest accepted root mean square deviation of 1/z from the plane,
            relative to 1/z.

    Returns:
        (H, W, 3) float32 unit vectors (x right, y down, z forward; negative z faces the
        camera); (0, 0, 0) where the depth is unknown or no plane fits.
    """
    valid = np.isfinite(depth) & (depth > 0)
    inverse = np.divide(1.0, depth, out=np.zeros(depth.shape), where=valid)
    x = np.broadcast_to((np.arange(depth.shape[1]) - cx) / fx, depth.shape)
    y = np.broadcast_to(((np.arange(depth.shape[0]) - cy) / fy)[:, None], depth.shape)
    full_spread = (window**2 - 1) ** 2 / (144.0 * fx**2 * fy**2)
    planes, residual = _fit_planes(valid, x, y, inverse, window, full_spread)

    rows, cols = _best_windows(residual, window // 2)
    a, b, c = (p[rows, cols] for p in planes)
    own = np.abs(a * x + b * y + c - inverse)
    good = valid & (residual[rows, cols] <= max_residual)
    good &= own <= MAX_OWN_RESIDUAL * max_residual * inverse

    normals = -np.stack([a, b, c], axis=-1)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    good = good[..., None] & (length > 0)
    return np.divide(normals, length, out=np.zeros_like(normals), where=good).astype(np.float32)


def _fit_planes(
    valid: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    inverse: np.ndarray,
    window: int,
    full_spread: float,
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Plane (a, b, c) of the window centred on each pixel, and its relative residual."""
    weight = valid.astype(np.float64)

    def mean(values: np.ndarray) -> np.ndarray:
        return uniform_filter(values, window, mode="constant")

    share = mean(weight)
    scale = 1.0 / np.maximum(share, 1e-9)
    wx, wy = weight * x, weight * y
    mx, my, mq = mean(wx) * scale, mean(wy) * scale, mean(inverse) * scale
    cxx = mean(wx * x) * scale - mx * mx
    cyy = mean(wy * y) * scale - my * my
    cxy = mean(wx * y) * scale - mx * my
    cxq = mean(inverse * x) * scale - mx * mq
    cyq = mean(inverse * y) * scale - my * mq
    cqq = mean(inverse * inverse) * scale - mq * mq

    spread = cxx * cyy - cxy * cxy
    usable = (share >= MIN_VALID) & (spread >= MIN_SPREAD * full_spread)
    divisor = np.where(usable, spread, 1.0)
    a = (cyy * cxq - cxy * cyq) / divisor
    b = (cxx * cyq - cxy * cxq) / divisor
    c = mq - a * mx - b * my
    variance = np.maximum(cqq - a * cxq - b * cyq, 0.0)
    residual = np.sqrt(variance) / np.maximum(mq, 1e-9)
    return (a, b, c), np.where(usable, residual, np.inf)


def _best_windows(residual: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the window centre that each pixel should use."""
    height, width = residual.shape
    rows, cols = np.mgrid[:height, :width]
    off_centre = residual * OFF_CENTRE_PENALTY + OFF_CENTRE_FLOOR
    padded = np.pad(off_centre, reach, constant_values=np.inf)
    best, best_rows, best_cols = residual.copy(), rows.copy(), cols.copy()
    for dy in (-reach, 0, reach):
        for dx in (-reach, 0, reach):
            top, left = reach + dy, reach + dx
            cost = padded[top : top + height, left : left + width]
            better = cost < best
            best[better] = cost[better]
            best_rows[better] = rows[better] + dy
            best_cols[better] = cols[better] + dx
    return best_rows, best_cols
