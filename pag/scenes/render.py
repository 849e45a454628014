"""Rendering a scene: light per pixel, and the exact truth of each pixel's middle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pag.scenes.ambient import Ambient, Crowding
from pag.scenes.camera import Camera, Viewpoint
from pag.scenes.geometry import CLASSES, Solids
from pag.scenes.light import Light, shares, visibility
from pag.scenes.photo import Film, develop
from pag.scenes.sky import Sky
from pag.scenes.texture import Patch
from pag.scenes.texture_made import facade, pattern
from pag.scenes.trace import Surface, first_hits, surface
from pag.scenes.truth import boundaries
from pag.scenes.vectors import dot

SKY = CLASSES.index("sky")
EDGE_SAMPLES = 4
EDGE_RAYS = 30_000
"""Most rays spent on smoothing edges at 256x256; where more would be needed, some are left."""
BRIGHTEST = 4.0
"""Light is clipped here, in terms of the scene's mean, before a pixel's samples are averaged."""
FACES = 8


@dataclass(frozen=True)
class Scene:
    """All that a picture is made from.

    Attributes:
        solids: the parts.
        lights: what throws shadows.
        sky: what rays see that meet nothing, and what glossy surfaces mirror.
        ambient: light from all around.
        viewpoint: where the camera stands.
        haze: metres after which 63% of a surface's light is replaced by the horizon's.
        film: the photograph's look.
        name: of the kind of scene, for people.
    """

    solids: Solids
    lights: tuple[Light, ...]
    sky: Sky
    ambient: Ambient
    viewpoint: Viewpoint
    haze: float
    film: Film
    name: str


@dataclass(frozen=True)
class Rendering:
    """The arrays of a picture; see `pag.scenes.scene.RenderedScene` for shapes and units."""

    image: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    segmentation: np.ndarray
    instances: np.ndarray
    boundary: np.ndarray


def render(scene: Scene, camera: Camera, rng: np.random.Generator) -> Rendering:
    """Render `scene` with `camera`; `rng` gives the sensor's noise and the edge samples."""
    height, width = camera.size
    rays = camera.pixel_directions()
    crowding = Crowding(scene.solids, scene.ambient)
    t, part, seen = _cast(scene, camera, rays)
    hit = part >= 0
    face = np.zeros(len(part), dtype=np.int64)
    face[hit] = seen.face
    surfaces = np.where(hit, part * FACES + face, -1).reshape(height, width)
    distance = t[hit] * np.sqrt(dot(rays, rays))[hit]
    sees = np.zeros((len(scene.lights), height, width), dtype=np.float32)
    for k, lamp in enumerate(scene.lights):
        share, _ = shares(lamp, seen.position, seen.normal)
        sees[k] = visibility(
            scene.solids, lamp, share, seen.position, seen.normal, distance, surfaces
        )
    visible = sees.reshape(len(sees), height * width)[:, hit]
    light = _light(scene, camera, crowding, rays, t, hit, seen, visible)

    light = light.reshape(3, height, width).transpose(1, 2, 0)
    limit = BRIGHTEST * max(float(np.median(light)), 0.02) + 1.0
    light = np.minimum(light, limit)
    light = _smooth_edges(scene, camera, crowding, light, surfaces, sees, limit, rng)

    normals = np.zeros((3, len(part)), dtype=np.float32)
    normals[:, hit] = camera.from_world(seen.normal)
    normals = np.ascontiguousarray(normals.T).reshape(height, width, 3)
    instances = np.zeros(len(part), dtype=np.int32)
    instances[hit] = scene.solids.instance[seen.part]
    labels = np.full(len(part), SKY, dtype=np.uint8)
    labels[hit] = scene.solids.label[seen.part]
    depth = np.where(hit, t, 0).astype(np.float32).reshape(height, width)
    instances = _numbered(instances).reshape(height, width)
    around = camera.kind == "equirectangular"
    return Rendering(
        image=develop(light, scene.film, rng, around),
        depth=depth,
        normals=normals,
        segmentation=labels.reshape(height, width),
        instances=instances,
        boundary=boundaries(
            instances, surfaces, depth, normals, rays.T.reshape(height, width, 3), around
        ),
    )


def _numbered(instances: np.ndarray) -> np.ndarray:
    """Instance numbers without gaps, in their old order, 0 kept for the sky: uint16."""
    present = np.unique(np.append(instances, 0))
    return np.searchsorted(present, instances).astype(np.uint16)


def _cast(scene: Scene, camera: Camera, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray, Surface]:
    """First hits of rays of the camera frame (3, N), and the surface of those that hit."""
    world = camera.to_world(rays)
    t, part = first_hits(scene.solids, camera.position, world)
    hit = np.flatnonzero(part >= 0)
    seen = surface(scene.solids, camera.position, world[:, hit], t[hit], part[hit])
    return t, part, seen


def _light(
    scene: Scene,
    camera: Camera,
    crowding: Crowding,
    rays: np.ndarray,
    t: np.ndarray,
    hit: np.ndarray,
    seen: Surface,
    visible: np.ndarray,
) -> np.ndarray:
    """Linear RGB (3, N) along rays, of which `visible` (lights, hits) says what is lit."""
    world = camera.to_world(rays)
    length = np.sqrt(dot(world, world))
    view = world / length
    index = np.flatnonzero(hit)
    distance = (t * length)[index]
    pixel = 1.0 / camera.focal if camera.focal else 2 * np.pi / camera.size[1]
    cosine = np.maximum(-dot(seen.normal, view[:, index]), 0.05)
    footprint = (distance * np.float32(pixel) / np.sqrt(cosine)).astype(np.float32)
    albedo, gloss, glow = _materials(scene.solids, seen, footprint)

    openness = crowding.openness(seen.position, seen.normal)
    irradiance = scene.ambient.irradiance(seen.normal) * openness
    mirrored = view[:, index] + 2 * cosine * seen.normal
    glint = np.zeros_like(irradiance)
    for light, sees in zip(scene.lights, visible, strict=True):
        share, towards = shares(light, seen.position, seen.normal)
        colour = np.array(light.colour, dtype=np.float32)[:, None]
        irradiance += colour * (share * sees)
        peak = np.maximum(dot(mirrored, towards), 0) ** 60
        glint += colour * (peak * sees * (share > 0) / (1.0 + light.falls))
    schlick = gloss + (gloss > 0) * (0.6 - gloss) * (1 - np.minimum(cosine, 1)) ** 5
    reflected = scene.sky.radiance(mirrored, detail=False) * np.maximum(openness, 0.15)
    colour = albedo * (irradiance * (1 - schlick) + glow) + schlick * (reflected + 1.5 * glint)
    if np.isfinite(scene.haze):
        clear = np.exp(-distance / np.float32(scene.haze))
        horizon = np.array(scene.sky.horizon, dtype=np.float32)[:, None]
        colour = horizon + (colour - horizon) * clear

    result = np.empty_like(view)
    result[:, index] = colour
    away = np.flatnonzero(~hit)
    if len(away):
        result[:, away] = scene.sky.radiance(view[:, away])
    return result


def _materials(
    solids: Solids, seen: Surface, footprint: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reflectance (3, N), gloss (N,) and emission (N,) of surface points."""
    count = len(seen.part)
    albedo = np.empty((3, count), dtype=np.float32)
    gloss = np.empty(count, dtype=np.float32)
    glow = np.empty(count, dtype=np.float32)
    across = np.where(seen.face < 2, 1, 0)
    up = np.where((seen.face == 4) | (seen.face == 5), 1, 2)
    rows = np.arange(count)
    u, v = seen.local[across, rows], seen.local[up, rows]
    half_u, half_v = seen.half[across, rows], seen.half[up, rows]
    curved = np.flatnonzero(seen.face == 6)
    x, y = seen.unit[0, curved], seen.unit[1, curved]
    u[curved] = np.arctan2(y, x) * half_u[curved]
    index = solids.material.take(seen.part)
    order = np.argsort(index.astype(np.uint16), kind="stable")
    ends = np.cumsum(np.bincount(index, minlength=len(solids.materials)))
    start = 0
    for number, stop in enumerate(ends):
        k = order[start:stop]
        start = int(stop)
        if len(k) == 0:
            continue
        material = solids.materials[number]
        patch = Patch(
            u[k], v[k], half_u[k], half_v[k], seen.local[:, k], seen.face[k], footprint[k],
            seen.part[k], material,
        )  # fmt: skip
        if material.pattern == "facade":
            albedo[:, k], gloss[k] = facade(patch)
        else:
            albedo[:, k], gloss[k] = pattern(material.pattern)(patch), material.gloss
        glow[k] = material.emission
    return np.clip(albedo, 0, 1), gloss, glow


def _smooth_edges(
    scene: Scene,
    camera: Camera,
    crowding: Crowding,
    light: np.ndarray,
    surfaces: np.ndarray,
    sees: np.ndarray,
    limit: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Average more rays in the pixels where surfaces meet; shadows come from the pixels."""
    edge = np.zeros(surfaces.shape, dtype=bool)
    down, right = surfaces[1:] != surfaces[:-1], surfaces[:, 1:] != surfaces[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    row, column = np.nonzero(edge)
    if len(row) == 0:
        return light
    budget = EDGE_RAYS * max(1.0, surfaces.size / 256**2)
    samples = int(np.clip(budget // len(row), 1, EDGE_SAMPLES))
    if len(row) * samples > budget:
        some = np.sort(rng.choice(len(row), int(budget), replace=False))
        row, column = row[some], column[some]
    spots = np.array([(0.375, 0.125), (0.875, 0.375), (0.125, 0.625), (0.625, 0.875)])
    spots = spots[:samples] if samples > 2 else spots[[0, 3]][:samples]
    rows = (row[None] + spots[:, :1]).ravel()
    columns = (column[None] + spots[:, 1:]).ravel()
    rays = camera.directions(rows, columns)
    t, part, seen = _cast(scene, camera, rays)
    hit = part >= 0
    ids = part[hit] * FACES + seen.face
    home = np.tile(row, samples)[hit], np.tile(column, samples)[hit]
    visible = _borrowed(sees, surfaces, ids, *home)
    more = _light(scene, camera, crowding, rays, t, hit, seen, visible)
    more = np.minimum(more, limit).reshape(3, samples, -1).sum(axis=1).T
    light[row, column] = (light[row, column] + more) / (samples + 1)
    return light


def _borrowed(
    sees: np.ndarray, surfaces: np.ndarray, ids: np.ndarray, row: np.ndarray, column: np.ndarray
) -> np.ndarray:
    """Visibility (lights, N) on the surfaces `ids` from the pixel at hand or one beside it."""
    height, width = surfaces.shape
    found_row, found_column = row.copy(), column.copy()
    missing = np.flatnonzero(surfaces[row, column] != ids)
    for dy, dx in ((0, -1), (0, 1), (-1, 0), (1, 0), (-1, -1), (1, 1), (-1, 1), (1, -1)):
        r = np.clip(row[missing] + dy, 0, height - 1)
        c = np.clip(column[missing] + dx, 0, width - 1)
        same = surfaces[r, c] == ids[missing]
        found_row[missing[same]], found_column[missing[same]] = r[same], c[same]
        missing = missing[~same]
    return sees[:, found_row, found_column]
