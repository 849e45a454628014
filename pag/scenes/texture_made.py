"""Patterns with a drawing: facades, road markings, pictures, books, signs, window views."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pag.scenes import texture
from pag.scenes.noise import cloudy, hashed
from pag.scenes.texture import Patch, Pattern, mix, pulse, shade

GLASS_GLOSS = 0.28
WHITE = np.array([0.75, 0.75, 0.72], dtype=np.float32)[:, None]


def _soft(x: np.ndarray, blur: np.ndarray) -> np.ndarray:
    """1 where x > 0, 0 below, the step softened over `blur`."""
    return np.clip(x / np.maximum(blur, 1e-4) + 0.5, 0, 1)


def _colour(p: Patch, key: np.ndarray | float, salt: int, low: float = 0.04) -> np.ndarray:
    """(3, N) random colours, one for each value of `key`."""
    key = np.broadcast_to(np.asarray(key, dtype=np.float32), p.u.shape)
    channels = np.stack([hashed(key, 11 * c + 1, p.material.seed + salt) for c in range(3)])
    grey = channels.mean(axis=0) + 0.25 * (hashed(key, 40, p.material.seed + salt) - 0.5)
    return low + (0.8 - low) * np.clip(grey + 0.55 * (channels - grey), 0, 1) ** 2


def road(p: Patch) -> np.ndarray:
    """Asphalt with markings, v along the road, u = 0 in its middle.

    Numbers: half width, style of the middle line (0 none, 1 dashed, 2 double, 3 white
    solid), parking lines (0 or 1), where a zebra crossing is along v (or far away),
    strength of the paint.
    """
    half, style, parking = p.number(0, 3.5), p.number(1, 1.0), p.number(2, 0.0)
    zebra, strength = p.number(3, 1e6), p.number(4, 0.8)
    base = texture.asphalt(p)
    wheel = np.exp(-(((np.abs(np.abs(p.u) - half / 2) - 0.75) / 0.28) ** 2))
    base = shade(base, -0.10 * wheel)
    across = np.abs(p.u)
    blur = p.footprint
    paint = np.zeros_like(p.u)
    if style in (1.0, 3.0):
        line = _soft(0.07 - across, blur)
        dash = pulse(p.v / 6.0, 0.5, blur / 6.0) if style == 1.0 else 1.0
        paint = np.maximum(paint, line * dash)
    elif style == 2.0:
        paint = np.maximum(paint, _soft(0.05 - np.abs(across - 0.14), blur))
    if parking:
        paint = np.maximum(paint, _soft(0.05 - np.abs(across - (half - 2.15)), blur))
    else:
        paint = np.maximum(paint, 0.8 * _soft(0.06 - np.abs(across - (half - 0.3)), blur))
    along = np.abs(p.v - zebra)
    near = _soft(4.0 - along, blur)
    bars = pulse(p.u / 1.0 + 0.25, 0.5, blur) * _soft(1.7 - along, blur)
    stop = _soft(0.2 - np.abs(along - 3.2), blur)
    paint = np.maximum(paint * (1 - near), np.maximum(bars, stop)) * _soft(
        half - 0.2 - across, blur
    )
    worn = np.clip(0.95 + 0.25 * p.noise(0.3) + 0.2 * p.noise(0.05), 0, 1)
    return mix(base, WHITE, strength * paint * worn)


def facade(p: Patch) -> tuple[np.ndarray, np.ndarray]:
    """A wall with rows of windows; glass and frames are drawn, not built.

    Numbers: storey height, bay width, window width and height as shares, kind of wall (0
    plaster, 1 brick, 2 concrete with bands, 3 glass), shop front (0 or 1).

    Returns:
        Reflectance (3, N), and the share of mirrored light (N,): only glass mirrors.
    """
    wall, glass = _facade(p)
    return mix(wall, glass_colour(p), glass), GLASS_GLOSS * glass


def glass_colour(p: Patch) -> np.ndarray:
    """Dark rooms behind windows, some with curtains or a lamp."""
    storey, bay = p.number(0, 3.0), p.number(1, 2.4)
    row, column = np.floor((p.v + p.half_v) / storey), np.floor((p.u + p.half_u) / bay)
    luck = hashed(row * 57 + column, p.part, p.material.seed)
    inside = np.array([0.030, 0.035, 0.042], dtype=np.float32)[:, None] * (0.5 + luck)
    y = (p.v + p.half_v) / storey - row
    drawn = (luck > 0.55) & (y > 0.35 + 0.9 * (luck - 0.55))
    curtain = np.array([0.36, 0.34, 0.30], dtype=np.float32)[:, None] * (0.7 + 0.5 * luck)
    return np.where(drawn, curtain, inside)


def _facade(p: Patch) -> tuple[np.ndarray, np.ndarray]:
    """Wall colour (3, N) and share of glass (N,)."""
    storey, bay = p.number(0, 3.0), p.number(1, 2.4)
    wide, high, kind = p.number(2, 0.5), p.number(3, 0.55), p.number(4, 0.0)
    shop = p.number(5, 0.0)
    base = p.v + p.half_v
    # A whole number of bays, with the same margin left and right.
    bays = np.maximum(np.floor(2 * p.half_u / bay), 1)
    x = (p.u + p.half_u) / np.maximum(2 * p.half_u / bays, 1e-3)
    y = base / storey
    blur_x, blur_y = p.footprint / bay, p.footprint / storey
    if kind == 1.0:
        wall = texture.brick(_bricks(p))
    else:
        wall = texture.plaster(p)
        if kind == 2.0:
            wall = mix(wall, wall * 0.7, pulse(y, 0.1, blur_y))
    wall = shade(wall, 0.06 * p.noise(2.5) - 0.25 * np.exp(-base / 0.6) - 0.04 * p.noise(0.3, 8.0))
    upright = p.face < 4
    last = np.floor(2 * p.half_v / storey) - 0.001
    inside = upright & (y < last + (kind == 3.0))
    ground = (base < storey) & (shop > 0)
    w = np.where(ground, 0.86, wide)
    h = np.where(ground, 0.66, high)
    sill = np.where(ground, 0.10, (1 - high) * 0.55)
    left = (1 - w) / 2
    glass = pulse(x - left, w, blur_x) * pulse(y - sill, h, blur_y)
    rim = 0.05 / bay
    frame = pulse(x - left + rim, w + 2 * rim, blur_x) * pulse(
        y - sill + 0.07 / storey, h + 0.1 / storey, blur_y
    )
    cross = np.maximum(
        pulse(x - 0.5 + rim / 2, rim, blur_x), pulse(y - sill - 0.62 * h, 0.05 / storey, blur_y)
    )
    x, y = x - np.floor(x), y - np.floor(y)
    glass = glass * (1 - cross * np.where(ground, 0.3, 1.0)) * inside
    # The reveal: the wall above and to the left keeps light from the frame and the pane.
    deep = np.clip((sill + h - y) * storey / 0.28, 0, 1) * np.clip((x - left) * bay / 0.2, 0, 1)
    frame = frame * inside
    colour = np.where(ground, _colour(p, p.part, 3, 0.02), p.second)
    wall = mix(wall, colour * (0.55 + 0.45 * deep), np.clip(frame, 0, 1))
    if shop:
        fascia = _soft(0.28 - np.abs(base - storey * 0.9), p.footprint) * upright
        wall = mix(wall, _colour(p, p.part, 5, 0.03), fascia)
    return wall, glass


def _bricks(p: Patch) -> Patch:
    """The same points on a plain brick wall."""
    material = replace(p.material, scale=0.075, second=(0.45, 0.42, 0.38), numbers=())
    return replace(p, material=material)


def picture(p: Patch) -> np.ndarray:
    """A painting, photograph or poster: horizon, sun, shapes or stripes, by the seed."""
    x, y = p.u / p.half_u, p.v / p.half_v
    kind = p.material.seed % 4
    low, high, accent, dark = (_colour(p, float(k), 17) for k in range(4))
    if kind == 0:
        hill = -0.2 + 0.25 * cloudy(x * np.float32(0.06) + low[0] * 9, x * 0 + 0.3)
        picture = np.where(y > hill, mix(high, accent, (y + 1) / 2), low * (0.6 + 0.3 * y))
        sun = np.hypot(x - 0.4, y - 0.45) < 0.18
        return np.where(sun, 0.9, picture) * (1 + 0.08 * p.noise(0.03))
    if kind == 1:
        picture = mix(high, low, np.clip(0.5 + 0.4 * p.noise(0.12), 0, 1))
        ring = np.abs(np.hypot(x + 0.1, y * 1.2) - 0.5) < 0.14
        return np.where(ring, accent, np.where(x * 0.7 + y > 0.8, dark, picture))
    if kind == 2:
        column = np.floor((x + 1) * 2.5)
        body = _colour(p, column, 23)
        return np.where(np.abs(y) > 0.75, high, body) * (1 + 0.04 * p.noise(0.05))
    face = np.hypot(x * 1.3, (y - 0.15) * 0.9) < 0.38
    body = (np.hypot(x * 0.8, y + 1.05) < 0.72) & ~face
    back = mix(high, dark, np.clip(0.5 + 0.3 * p.noise(0.15), 0, 1))
    return np.where(face, accent * 0.5 + 0.2, np.where(body, low, back))


def books(p: Patch) -> np.ndarray:
    """Spines of books of uneven width and height, dark where one is missing."""
    slot = np.float32(0.036)
    n = np.floor(p.u / slot)
    wide = hashed(n, 3, p.material.seed)
    n = np.where(p.u / slot - n < 0.25 * wide, n - 1, n)
    tall = 0.62 + 0.36 * hashed(n, p.part, 5)
    body = _colour(p, n + p.part * 31, 29, 0.02)
    y = (p.v + p.half_v) / (2 * p.half_v)
    band = (np.abs(y - 0.3 * tall) < 0.03) | (np.abs(y - 0.75 * tall) < 0.05)
    body = np.where(band & (hashed(n, 2, 7) > 0.4), 0.6 * body + 0.25, body)
    gone = (y > tall) | (hashed(n, p.part, 8) < 0.06)
    edge = pulse(p.u / slot, 0.12, p.footprint / slot)
    body = np.where(gone, 0.02, body * (1 - 0.6 * edge))
    return np.where(p.face < 4, body, 0.35 * np.ones_like(body))


def view(p: Patch) -> np.ndarray:
    """What a window shows: bright sky, far trees or houses, blurred."""
    height = p.v / p.half_v
    shift = np.float32(p.material.seed % 13)
    cloud = np.clip(0.5 + 0.3 * cloudy(p.u * np.float32(0.1) + shift, p.v * np.float32(0.2)), 0, 1)
    above = mix(p.first, np.ones((3, 1), dtype=np.float32), np.clip(cloud - 0.3 * height, 0, 1))
    lawn = np.maximum(p.second * (0.55 + 0.1 * cloudy(p.u, p.v * 3 + shift)), 0.01)
    body = mix(lawn, above, np.clip((height + 0.45) * 12 + 0.5, 0, 1))
    # Two rows of trees and roofs, the nearer one darker and more rugged.
    for row, (base, rise, tone) in enumerate(((-0.22, 0.10, 0.45), (-0.12, 0.32, 0.22))):
        crowns = cloudy(p.u * np.float32(0.15 + 0.15 * row) + shift * (row + 1), p.u * 0 + shift)
        leaf = cloudy(p.u * 2 + shift, p.v * 2)
        edge = base + rise * crowns + 0.03 * leaf
        wood = np.maximum(p.second * tone * (1 + 0.3 * leaf), 0.006)
        inside = np.clip((edge - height) * 15 + 0.5, 0, 1) * np.clip((height + 0.62) * 12, 0, 1)
        body = mix(body, wood, inside)
    return body


def rug(p: Patch) -> np.ndarray:
    """Borders parallel to the edge around a field of figures."""
    edge = np.minimum(p.half_u - np.abs(p.u), p.half_v - np.abs(p.v))
    band = ((edge > 0.06) & (edge < 0.16)) | ((edge > 0.20) & (edge < 0.23))
    figure = texture.ornament(p)
    body = np.where(band, p.second, np.where(edge < 0.3, p.first * 0.8, figure))
    tuft = hashed(np.floor(p.u * 90), np.floor(p.v * 90)) - 0.5
    return shade(body, 0.25 * tuft * p.fine(0.011) + 0.05 * p.noise(0.2))


def sign(p: Patch) -> np.ndarray:
    """A traffic sign: border in the first colour, figure on white, or all in the first."""
    x, y = p.u / p.half_u, p.v / p.half_v
    kind = p.material.seed % 4
    figure = (np.abs(x) < 0.14) & (np.abs(y) < 0.5) | (np.abs(x - y * 0.3) < 0.1) & (y > 0)
    if kind == 0:
        inner = np.hypot(x, y) < 0.72
        body = np.where(inner, np.where(figure, 0.03, WHITE), p.first)
    elif kind == 1:
        bar = (np.abs(y) < 0.18) & (np.abs(x) < 0.72)
        body = np.where(bar, WHITE, p.first * np.ones_like(x))
    elif kind == 2:
        lines = pulse((y + 1) * 2.2, 0.35, p.footprint * 4) * (np.abs(x) < 0.75)
        body = mix(p.first * np.ones_like(x), WHITE, lines)
    else:
        rim = np.maximum(np.abs(x), np.abs(y)) > 0.88
        body = np.where(rim | figure, WHITE, p.first)
    return body


MADE: dict[str, Pattern] = {
    "road": road,
    "picture": picture,
    "books": books,
    "view": view,
    "rug": rug,
    "sign": sign,
    "glass": texture.plain,
}
"""Patterns of this module by name; `pag.scenes.texture` has the others under their own."""


def pattern(name: str) -> Pattern:
    """The pattern called `name`, one of `pag.scenes.material.PATTERNS`."""
    return MADE[name] if name in MADE else getattr(texture, name)
