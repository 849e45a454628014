"""The public record of a rendered scene, and the function that makes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pag.errors import InputError
from pag.scenes.camera import CAMERAS, Camera
from pag.scenes.render import Rendering, Scene, render
from pag.scenes.room import room
from pag.scenes.street import street

KINDS = ("room", "street")


@dataclass(frozen=True)
class RenderedScene(Rendering):
    """A picture and the exact truth at the middle of each pixel.

    Camera frame: x right, y down, z forward.

    Attributes:
        image: (H, W, 3) uint8 sRGB.
        depth: (H, W) float32 metres: along the optical axis for the perspective camera,
            along the ray for the equirectangular one; 0 in the sky.
        normals: (H, W, 3) float32 unit vectors in the camera frame, towards the camera (so
            negative z straight ahead); (0, 0, 0) in the sky.
        segmentation: (H, W) uint8 ids into `pag.config.LABEL_SETS["all"]`.
        instances: (H, W) uint16, 0 in the sky, the same number on one thing.
        boundary: (H, W) bool: the right or lower neighbour belongs to another instance, or
            lies across a crease or a step in depth of the same one.
        kind: ``room`` or ``street``.
        camera: ``perspective`` or ``equirectangular``.
        seed: what the scene was made from.
        focal: focal length in pixels, 0 for the equirectangular camera; the optical axis
            goes through the picture's middle.
        position: (3,) float64 of the camera in the world (x right, y forward, z up), metres.
        rotation: (3, 3) float64, camera frame to world.
    """

    kind: str
    camera: str
    seed: int
    focal: float
    position: np.ndarray
    rotation: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[0], self.image.shape[1]

    def rays(self) -> np.ndarray:
        """(H, W, 3) float32; `depth` times these are the points seen, in the camera frame."""
        viewer = Camera(self.camera, self.size, self.position, self.rotation, self.focal)
        return viewer.pixel_directions().T.reshape(*self.size, 3)


def make_scene(seed: int, kind: str) -> Scene:
    """The scene of `kind` that belongs to `seed`.

    Raises:
        InputError: a negative seed or an unknown kind.
    """
    if kind not in KINDS:
        raise InputError(f"no scene kind '{kind}', expected one of {', '.join(KINDS)}")
    if seed < 0:
        raise InputError(f"seed is {seed}, expected 0 or more")
    rng = np.random.default_rng((seed, KINDS.index(kind)))
    return room(rng) if kind == "room" else street(rng)


def render_scene(
    seed: int,
    kind: str = "room",
    camera: str = "perspective",
    size: tuple[int, int] = (256, 256),
) -> RenderedScene:
    """Render the scene of a seed; the same arguments give the same arrays.

    Both cameras of one seed and kind stand at the same place in the same scene.

    Args:
        seed: 0 or more.
        kind: ``room`` or ``street``.
        camera: ``perspective`` or ``equirectangular`` (360 degrees; twice as wide as high
            to have square pixels at the horizon).
        size: height and width in pixels.

    Raises:
        InputError: a negative seed, an unknown kind or camera, or an impossible size.
    """
    scene = make_scene(seed, kind)
    viewer = Camera.at(scene.viewpoint, camera, size)
    rng = np.random.default_rng((seed, KINDS.index(kind), CAMERAS.index(camera), *size))
    made = render(scene, viewer, rng)
    return RenderedScene(
        **vars(made),
        kind=kind,
        camera=camera,
        seed=seed,
        focal=viewer.focal,
        position=viewer.position,
        rotation=viewer.rotation,
    )
