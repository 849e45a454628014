"""Depth, normals, classes, instances and boundaries of rendered scenes against geometry."""

import numpy as np
import pytest

from pag.config import LABEL_SETS
from pag.errors import InputError
from pag.scenes import render_scene
from pag.scenes.camera import Camera
from pag.scenes.geometry import Cutout, Part, Shape, Solids, Thing, ball, drum, leaning, slab
from pag.scenes.intersect import SPANS, spans
from pag.scenes.material import Material
from pag.scenes.scene import make_scene
from pag.scenes.trace import blocked, first_hits, surface
from pag.scenes.truth import boundaries

CLASSES = LABEL_SETS["all"]
GREY = Material("plain", (0.5, 0.5, 0.5))
SMALL = (96, 128)


@pytest.fixture(scope="module", params=["room", "street"])
def pair(request):
    """One scene by both cameras."""
    seed = 2
    return (
        render_scene(seed, request.param, "perspective", SMALL),
        render_scene(seed, request.param, "equirectangular", SMALL),
    )


def points(scene):
    return scene.depth[..., None].astype(np.float64) * scene.rays()


def away_from_edges(scene, reach=1):
    near = scene.boundary | (scene.depth == 0)
    for axis in (0, 1):
        for step in (-reach, reach):
            near = near | np.roll(near, step, axis)
    near[:1], near[-1:], near[:, :1], near[:, -1:] = True, True, True, True
    return ~near


def test_arrays_are_what_the_record_says(pair):
    for scene in pair:
        h, w = SMALL
        assert scene.image.shape == (h, w, 3) and scene.image.dtype == np.uint8
        assert scene.depth.shape == (h, w) and scene.depth.dtype == np.float32
        assert scene.normals.shape == (h, w, 3) and scene.normals.dtype == np.float32
        assert scene.segmentation.dtype == np.uint8 and scene.instances.dtype == np.uint16
        assert scene.boundary.shape == (h, w) and scene.boundary.dtype == bool
        assert int(scene.segmentation.max()) < len(CLASSES)
        assert np.isfinite(scene.depth).all() and (scene.depth >= 0).all()


def test_classes_belong_to_the_kind_of_scene(pair):
    for scene in pair:
        half = len(CLASSES) // 2
        street = scene.segmentation < half
        assert street.all() if scene.kind == "street" else not street.any()


def test_sky_is_where_there_is_no_surface(pair):
    for scene in pair:
        sky = scene.segmentation == CLASSES.index("sky")
        np.testing.assert_array_equal(sky, scene.depth == 0)
        np.testing.assert_array_equal(sky, scene.instances == 0)
        np.testing.assert_array_equal(sky, ~scene.normals.any(axis=-1))


def test_normals_are_unit_and_face_the_camera(pair):
    for scene in pair:
        seen = scene.depth > 0
        np.testing.assert_allclose(np.linalg.norm(scene.normals[seen], axis=1), 1, atol=1e-5)
        facing = np.einsum("kc,kc->k", scene.normals[seen], scene.rays()[seen])
        assert (facing <= 1e-6).all()


def test_instances_are_numbered_without_gaps_and_have_one_class(pair):
    for scene in pair:
        present = np.unique(scene.instances)
        np.testing.assert_array_equal(present, np.arange(len(present)) + present[0])
        for k in present:
            assert len(np.unique(scene.segmentation[scene.instances == k])) == 1


@pytest.mark.parametrize("label", ["floor", "ceiling"])
@pytest.mark.parametrize("camera", ["perspective", "equirectangular"])
def test_planes_are_planes_at_their_height(label, camera):
    scene = render_scene(0, "room", camera, SMALL)
    world = points(scene) @ scene.rotation.T + scene.position
    on = scene.segmentation == CLASSES.index(label)
    assert on.sum() > 100
    height = 0.0 if label == "floor" else np.median(world[on][:, 2])
    np.testing.assert_allclose(world[on][:, 2], height, atol=1e-4)
    up = scene.normals[on] @ scene.rotation.T
    expected = [0, 0, 1] if label == "floor" else [0, 0, -1]
    np.testing.assert_allclose(up, np.broadcast_to(expected, up.shape), atol=1e-5)


def test_walls_are_flat_and_their_normals_are_those_of_the_plane():
    scene = render_scene(0, "room", "equirectangular", SMALL)
    world = points(scene) @ scene.rotation.T + scene.position
    normals = scene.normals @ scene.rotation.T
    checked = 0
    for k in np.unique(scene.instances[scene.segmentation == CLASSES.index("wall")]):
        on = (scene.instances == k) & (world[..., 2] > 0.12)  # above the skirting board
        if on.sum() < 50:
            continue
        normal = normals[on][0]
        offset = world[on] @ normal
        assert np.ptp(offset) < 1e-3
        np.testing.assert_allclose(normals[on], np.broadcast_to(normal, (on.sum(), 3)), atol=1e-5)
        checked += 1
    assert checked >= 3


@pytest.mark.parametrize("kind", ["room", "street"])
def test_normals_from_depth_agree_with_the_given_ones(kind):
    scene = render_scene(2, kind, "perspective", (192, 256))
    p = points(scene)
    across, down = np.zeros_like(p), np.zeros_like(p)
    across[:, 1:-1], down[1:-1] = p[:, 2:] - p[:, :-2], p[2:] - p[:-2]
    fitted = np.cross(down, across)
    length = np.linalg.norm(fitted, axis=-1)
    inner = away_from_edges(scene, 1) & (length > 0)
    # Curved things and foliage bend within a pixel's neighbours: faces and large things alone.
    flat = ("wall", "floor", "ceiling", "road", "pavement", "building", "table", "bookcase")
    inner &= np.isin(scene.segmentation, [CLASSES.index(c) for c in flat])
    cosine = np.einsum("kc,kc->k", fitted[inner] / length[inner][:, None], scene.normals[inner])
    assert inner.sum() > 5000
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    assert np.quantile(angle, 0.9) < 0.5
    assert (angle < 5).mean() > 0.985


@pytest.mark.parametrize("kind", ["room", "street"])
def test_both_cameras_see_the_same_point_along_the_same_ray(kind):
    """Rays of a panorama's pixels, asked of the perspective camera's scene and pose."""
    panorama = render_scene(2, kind, "equirectangular", (64, 128))
    scene = make_scene(2, kind)
    viewer = Camera.at(scene.viewpoint, "perspective", (64, 64))
    np.testing.assert_allclose(viewer.position, panorama.position)
    forward = panorama.rays() @ panorama.rotation.T  # in the world
    local = forward @ viewer.rotation
    inside = (local[..., 2] > 0.3) & (panorama.depth > 0)
    ray = (local[inside] / local[inside][:, 2:]).T.astype(np.float32)
    depth, part = first_hits(scene.solids, viewer.position, viewer.to_world(ray))
    distance = depth * np.linalg.norm(ray, axis=0)
    close = np.abs(distance - panorama.depth[inside]) < 1e-3 * panorama.depth[inside] + 1e-3
    # Rounding moves a ray over an edge or into a hole of a leaf now and then.
    assert close.mean() > 0.99
    labels = scene.solids.label[part]
    assert (labels == panorama.segmentation[inside]).mean() > 0.99


def test_boundaries_are_all_changes_of_instance_and_little_else(pair):
    for scene in pair:
        k = scene.instances
        change = np.zeros(k.shape, bool)
        change[:-1] |= k[1:] != k[:-1]
        if scene.camera == "equirectangular":
            change |= k != np.roll(k, -1, axis=1)
        else:
            change[:, :-1] |= k[:, 1:] != k[:, :-1]
        assert scene.boundary[change].all()
        assert 0.01 < scene.boundary.mean() < 0.5


def test_boundary_marks_creases_and_steps_but_no_flat_or_curved_face():
    rays = np.dstack(
        [*np.meshgrid(np.linspace(-0.5, 0.5, 5), np.linspace(-0.5, 0.5, 4)), np.ones((4, 5))]
    )
    ones = np.ones((4, 5), int)
    depth = np.full((4, 5), 2.0)
    normals = np.tile([0.0, 0.0, -1.0], (4, 5, 1))
    faces = ones.copy()
    faces[:, 3:] = 2

    def mark(surface=faces, depth=depth, normals=normals):
        return boundaries(ones, surface, depth, normals, rays, False)

    assert not mark().any()  # another face in the same plane
    bent = normals.copy()
    bent[:, 3:] = [1.0, 0.0, 0.0]
    assert mark(normals=bent)[:, 2].all() and mark(normals=bent).sum() == 4
    behind = depth.copy()
    behind[:, 3:] = 3.0
    assert mark(depth=behind)[:, 2].all() and mark(depth=behind).sum() == 4
    assert not mark(surface=ones, normals=bent).any()  # one curved face


# ---------------------------------------------------------------- single solids


def cast(part, origin, towards):
    solids = Solids.of([Thing("clutter", (part,))])
    ray = np.array(towards, np.float32).reshape(3, -1)
    t, hit = first_hits(solids, np.array(origin), ray)
    return solids, t, hit, ray


@pytest.mark.parametrize(
    ("part", "origin", "towards", "distance", "normal"),
    [
        (slab((-1, 4, -1), (1, 6, 1), GREY), (0, 0, 0), (0, 1, 0), 4.0, (0, -1, 0)),
        (ball((0, 5, 0), 2.0, GREY), (0, 0, 0), (0, 1, 0), 3.0, (0, -1, 0)),
        (ball((0, 5, 0), (1.0, 0.5, 1.0), GREY), (0, 0, 0), (0, 2, 0), 2.25, (0, -1, 0)),
        (drum((0, 5, 0), 1.0, 2.0, GREY), (0, 0, 0), (0, 1, 0), 4.0, (0, -1, 0)),
        (drum((0, 0, -5), 1.0, 2.0, GREY), (0.2, 0.1, 0), (0, 0, -1), 4.0, (0, 0, 1)),
        # A cone of radius 2 below and 1 above, height 2: radius 1.5 in the middle.
        (drum((0, 5, 0), 2.0, 2.0, GREY, top=0.5), (0, 0, 0), (0, 1, 0), 3.5, (0, -2, 1)),
        (drum((0, 0, -5), 1.0, 2.0, GREY, top=0.5), (0.7, 0, 0), (0, 0, -1), 4.8, (2, 0, 0.5)),
        (
            Part(Shape.TAPER, (0, 5, 0), (1, 1, 1), GREY, profile=(-1, 1, 0, 0)),
            (0, 0, 0), (0, 1, 0), 4.5, (0, -2, 1),
        ),
        (leaning(slab((-1, 4, -1), (1, 6, 1), GREY), np.pi / 4), (0, 0, 0), (0, 1, 0),
         5 - np.sqrt(2), None),
    ],
)  # fmt: skip
def test_distance_and_normal_of_a_solid(part, origin, towards, distance, normal):
    solids, t, hit, ray = cast(part, origin, towards)
    assert hit.tolist() == [0]
    np.testing.assert_allclose(t, [distance], rtol=1e-5)
    seen = surface(solids, np.array(origin), ray, t, hit)
    if normal is not None:
        expected = np.array(normal) / np.linalg.norm(normal)
        np.testing.assert_allclose(seen.normal[:, 0], expected, atol=1e-5)


@pytest.mark.parametrize("shape", list(SPANS))
def test_far_small_solids_are_met_as_near_large_ones(shape):
    """Single precision: a thing of 5 cm at 100 m is as round as one of 5 m at 10 km."""
    rng = np.random.default_rng(0)
    aim = rng.uniform(-1.4, 1.4, (2, 4000))
    profile = (0.5, 0.0, 0.0, 0.0) if shape == Shape.FRUSTUM else (-0.5, 0.5, -0.5, 0.5)
    small = Part(shape, (0, 100, 0), (0.05, 0.05, 0.05), GREY, profile=profile)
    large = Part(shape, (0, 0, 0), (1, 1, 1), GREY, profile=profile)
    ray = np.stack([aim[0] * 0.05, np.full(4000, 100.0), aim[1] * 0.05])
    _, t, hit, _ = cast(small, (0, 0, 0), ray)
    _, u, reference, _ = cast(
        large, (0, -2000, 0), np.stack([aim[0], np.full(4000, 2000.0), aim[1]])
    )
    assert (hit == reference).mean() > 0.998
    both = (hit >= 0) & (reference >= 0)
    assert both.sum() > 500
    np.testing.assert_allclose((t[both] - 1) * 100 / 0.05, (u[both] - 1) * 2000, atol=0.02)


def test_what_lies_behind_the_eye_is_not_seen():
    for part in (ball((0, -5, 0), 1.0, GREY), slab((-1, -6, -1), (1, -4, 1), GREY)):
        assert cast(part, (0, 0, 0), (0, 1, 0))[2].tolist() == [-1]


def test_culling_loses_no_hit():
    """All parts against all rays, without charts, must see what the charts let through."""
    rng = np.random.default_rng(3)
    shapes = [s for s in Shape for _ in range(12)]
    parts = tuple(
        Part(
            shape,
            tuple(rng.uniform(-6, 6, 3)),
            tuple(rng.uniform(0.1, 1.5, 3)),
            GREY,
            profile=(0.5, 0, 0, 0) if shape == Shape.FRUSTUM else (-0.6, 0.9, -0.2, 0.5),
        )
        for shape in shapes
    )
    rays = rng.standard_normal((3, 3000)).astype(np.float32)
    narrow = np.stack([rays[0] * 0.3, np.ones(3000), rays[1] * 0.3]).astype(np.float32)
    solids = Solids.of([Thing("clutter", parts)])
    for direction in (rays, narrow):
        best = np.full(3000, np.inf, np.float32)
        for k, part in enumerate(parts):
            matrix = solids.matrix[:, k].reshape(3, 3)
            o = np.broadcast_to((matrix @ -solids.centre[:, k])[:, None], (3, 3000))
            profile = np.broadcast_to(solids.profile[:, k][:, None], (4, 3000))
            enter, leave = spans(part.shape, o, matrix @ direction, profile)
            with np.errstate(invalid="ignore"):
                best = np.where((enter <= leave) & (enter > 0) & (enter < best), enter, best)
        t, hit = first_hits(solids, np.zeros(3), direction)
        # Rays that touch an edge may go either way in single precision.
        assert (np.isinf(best) == np.isinf(t)).mean() > 0.999
        both = (hit >= 0) & np.isfinite(best)
        assert both.mean() > 0.05
        np.testing.assert_allclose(t[both], best[both], rtol=1e-3)


def test_shadow_falls_where_a_solid_is_between():
    solids = Solids.of([Thing("clutter", (slab((-1, -1, 2), (1, 1, 3), GREY),))])
    origin = np.array([[0, 0, 0], [3, 0, 0], [0, 0, 4]], np.float32).T
    light = np.array([0, 0, 10], np.float32)
    dark = blocked(solids, light, origin, light[:, None] - origin, 0.1)
    assert dark.tolist() == [True, False, False]


def test_cutouts_have_holes_and_substance():
    panel = Part(Shape.BOX, (0, 5, 0), (2, 0.01, 1), GREY, cutout=Cutout.PICKETS)
    x = np.linspace(-0.35, 0.35, 400)
    _, _, hit, _ = cast(panel, (0, 0, 0), np.stack([x, np.ones(400), np.zeros(400)]))
    assert 0.4 < (hit >= 0).mean() < 0.9


# ---------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed is -1, expected 0 or more"),
        ({"seed": 0, "kind": "forest"}, "no scene kind 'forest', expected one of room, street"),
        ({"seed": 0, "camera": "fisheye"}, "no camera 'fisheye', expected one of perspective"),
        ({"seed": 0, "size": (0, 10)}, "size is 0x10 pixels"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        render_scene(**arguments)


def test_an_unknown_pattern_is_named():
    with pytest.raises(InputError, match="no pattern 'tweed'"):
        Material("tweed", (0.5, 0.5, 0.5))


def test_a_seed_gives_the_same_picture_and_another_seed_another():
    first, again = (render_scene(5, "room", size=(40, 40)) for _ in range(2))
    other = render_scene(6, "room", size=(40, 40))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.depth, again.depth)
    assert (first.depth != other.depth).mean() > 0.5


@pytest.mark.parametrize("kind", ["room", "street"])
def test_pictures_are_exposed(kind):
    for seed in range(4):
        image = render_scene(seed, kind, size=(48, 48)).image
        assert 40 < image.mean() < 215 and image.std() > 12
