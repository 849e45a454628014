"""Datasets read from tiny folders that are laid out as the real ones."""

import json

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from pag.data import IGNORE, REGISTRY, open_dataset
from pag.data.canonical import FOCAL
from pag.data.kinect import ZOOM, Camera, registered
from pag.data.room_labels import read_room_labels
from pag.data.sample import CLASSES
from pag.data.sevenscenes import SevenScenes
from pag.errors import InputError


def save_image(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def save_annotations(path, maps):
    cells = np.empty((1, len(maps)), dtype=object)
    for k, drawn in enumerate(maps):
        cells[0, k] = {"Segmentation": drawn.astype(np.uint16), "Boundaries": drawn}
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"groundTruth": cells})


def make_bsds(root, stems=("12", "7")):
    for n, stem in enumerate(stems):
        save_image(root / f"images/train/{stem}.jpg", np.full((6, 9, 3), 40 * n, np.uint8))
        first, second = np.zeros((2, 6, 9), dtype=np.uint8)
        first[2], second[2], second[4] = 1, 1, 1
        save_annotations(root / f"groundTruth/train/{stem}.mat", [first, second])


def make_camvid(root, ids):
    save_image(root / "val/a.png", np.zeros((*ids.shape, 3), np.uint8))
    save_image(root / "valannot/a.png", ids)


def make_kitchen(root, count=10, depth=None):
    depth = np.full((20, 24), 2000, np.uint16) if depth is None else depth
    for n in range(count):
        stem = f"frame-{4 * n:06d}"
        save_image(root / f"{stem}.color.png", np.full((*depth.shape, 3), n, np.uint8))
        save_image(root / f"{stem}.depth.png", depth)
    np.savetxt(root / "camera-intrinsics.txt", [[22, 0, 12], [0, 22, 10], [0, 0, 1]])


@pytest.mark.parametrize("inside", [".", "data"])
def test_bsds_reads_images_and_share_of_annotators(tmp_path, inside):
    make_bsds(tmp_path / inside)
    dataset = open_dataset("bsds500", tmp_path, "train")
    assert dataset.tasks == ("boundary",)
    assert [dataset[i].name for i in range(len(dataset))] == ["12", "7"]
    sample = dataset[1]
    assert sample.image.shape == (6, 9, 3) and sample.image.dtype == np.uint8
    assert abs(int(sample.image[0, 0, 0]) - 40) <= 2
    assert sample.boundary is not None and sample.boundary.dtype == np.float32
    np.testing.assert_array_equal(sample.boundary[:, 0], [0, 0, 1, 0, 0.5, 0])
    assert sample.depth is None and sample.segmentation is None


def test_bsds_keeps_each_annotation_apart(tmp_path):
    make_bsds(tmp_path)
    drawn = REGISTRY["bsds500"](tmp_path, "train").annotations(0)  # type: ignore[union-attr]
    assert [d.dtype for d in drawn] == [bool, bool]
    assert [int(d.sum()) for d in drawn] == [9, 18]


def test_bsds_says_what_it_expected(tmp_path):
    with pytest.raises(InputError, match=r"images/train/ID\.jpg"):
        open_dataset("bsds500", tmp_path, "train")
    make_bsds(tmp_path)
    with pytest.raises(InputError, match="no folder images/val"):
        open_dataset("bsds500", tmp_path, "val")
    (tmp_path / "groundTruth/train/12.mat").write_bytes(b"not a mat file")
    with pytest.raises(InputError, match=r"12\.mat has no readable annotation"):
        open_dataset("bsds500", tmp_path, "train")[0]
    (tmp_path / "groundTruth/train/7.mat").unlink()
    with pytest.raises(InputError, match=r"groundTruth/train/7\.mat"):
        open_dataset("bsds500", tmp_path, "train")


def test_camvid_keeps_classes_and_ignores_unlabelled(tmp_path):
    ids = np.arange(12, dtype=np.uint8).reshape(3, 4)
    make_camvid(tmp_path, ids)
    dataset = open_dataset("camvid", tmp_path, "val")
    assert dataset.tasks == ("segmentation",) and len(dataset) == 1
    seen = dataset[0].segmentation
    assert seen is not None and seen.dtype == np.uint8
    np.testing.assert_array_equal(seen.ravel(), [*range(11), 255])


def test_camvid_says_what_it_expected(tmp_path):
    with pytest.raises(InputError, match=r"trainannot/NAME\.png"):
        open_dataset("camvid", tmp_path, "train")
    make_camvid(tmp_path, np.zeros((3, 4), np.uint8))
    save_image(tmp_path / "valannot/a.png", np.zeros((3, 4, 3), np.uint8))
    with pytest.raises(InputError, match="mode RGB"):
        open_dataset("camvid", tmp_path, "val")[0]
    save_image(tmp_path / "valannot/a.png", np.zeros((5, 4), np.uint8))
    with pytest.raises(InputError, match="segmentation is 4x5 pixels, expected 4x3"):
        open_dataset("camvid", tmp_path, "val")[0]
    (tmp_path / "valannot/a.png").rename(tmp_path / "valannot/b.png")
    with pytest.raises(InputError, match=r"valannot/a\.png"):
        open_dataset("camvid", tmp_path, "val")


def test_sevenscenes_depth_is_that_of_the_canonical_camera(tmp_path):
    depth = np.full((20, 24), 1500, np.uint16)
    depth[8, 10:13] = 0, 65535, 8001
    make_kitchen(tmp_path, count=1, depth=depth)
    dataset = SevenScenes(tmp_path, "all")
    sample = dataset[0]
    assert sample.depth is not None and sample.normals is not None
    seen, _ = registered(np.where(depth == 1500, np.float32(1.5), 0), dataset.camera)
    assert 0 < np.count_nonzero(seen[4:16, 4:20] == 0) < 9  # the three without an answer
    # A longer focal length shows as large what is as much farther away.
    farther = FOCAL * 24 / (ZOOM * 22)
    np.testing.assert_allclose(sample.depth, seen * farther, rtol=1e-6)
    assert not sample.normals[0].any()
    np.testing.assert_allclose(sample.normals[10, 12], [0, 0, -1], atol=1e-6)


def test_sevenscenes_normals_are_those_of_the_canonical_camera(tmp_path):
    rows = np.arange(96)[:, None].repeat(128, 1)
    camera = Camera(117.0, 117.0, 64.0, 48.0)
    # The floor 1 m below a camera that looks down at it by 45 degrees.
    down = (rows - camera.cy) / camera.fy
    metres = np.sqrt(2) / (1 + down)
    make_kitchen(tmp_path, count=1, depth=(metres * 1000).astype(np.uint16))
    matrix = [[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]]
    np.savetxt(tmp_path / "camera-intrinsics.txt", matrix)
    sample = SevenScenes(tmp_path, "all")[0]
    assert sample.normals is not None
    stretch = ZOOM * 117 / (FOCAL * 128)
    wanted = np.array([0, -1, -stretch]) / np.hypot(1, stretch)
    inside = sample.normals[30:70, 30:90]
    np.testing.assert_allclose(inside, np.broadcast_to(wanted, inside.shape), atol=0.02)


def test_sevenscenes_gets_its_classes_from_a_labelled_room(tmp_path):
    make_kitchen(tmp_path, count=1)
    room = {
        "room": [[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 1.5]],
        "things": [
            {"class": "wall", "outline": [[0, 1], [5, 1], [5, 5], [0, 5]], "heights": [0, 3]},
            {"class": "sofa", "outline": [[-5, 1], [0, 1], [0, 5], [-5, 5]], "heights": [0, 3]},
        ],
    }
    (tmp_path / "room.json").write_text(json.dumps(room))
    labels = read_room_labels(tmp_path / "room.json")
    dataset = SevenScenes(tmp_path, "all", labels)
    assert dataset.tasks == ("segmentation", "depth", "normals")
    with pytest.raises(InputError, match=r"frame-000000\.pose\.txt is not usable.*4x4"):
        dataset[0]
    for step, share in ((0.0, 0.5), (-1.1, 0.0)):  # the second camera stands to the left
        pose = np.eye(4)
        pose[0, 3] = step
        np.savetxt(tmp_path / "frame-000000.pose.txt", pose)
        sample = dataset[0]
        assert sample.segmentation is not None and sample.depth is not None
        known = sample.segmentation[sample.depth > 0]
        assert set(known.tolist()) <= {CLASSES.index("wall"), CLASSES.index("sofa")}
        assert abs((known == CLASSES.index("wall")).mean() - share) < 0.06
        assert (sample.segmentation[sample.depth == 0] == IGNORE).all()


def test_sevenscenes_holds_back_two_contiguous_runs(tmp_path):
    make_kitchen(tmp_path, count=20)
    names = {}
    for split in ("train", "val", "all"):
        dataset = open_dataset("sevenscenes", tmp_path, split)
        names[split] = [dataset[i].name for i in range(len(dataset))]
    assert [int(name[-6:]) // 4 for name in names["val"]] == [4, 5, 14, 15]
    assert names["all"] == sorted(names["train"] + names["val"])


def test_sevenscenes_reads_intrinsics(tmp_path):
    make_kitchen(tmp_path, count=1)
    (tmp_path / "camera-intrinsics.txt").unlink()
    assert SevenScenes(tmp_path, "all").camera == Camera(585.0, 585.0, 320.0, 240.0)
    np.savetxt(tmp_path / "camera-intrinsics.txt", np.array([[30, 0, 12], [0, 31, 10], [0, 0, 1]]))
    assert SevenScenes(tmp_path, "all").camera == Camera(30.0, 31.0, 12.0, 10.0)
    (tmp_path / "camera-intrinsics.txt").write_text("fx = 30")
    with pytest.raises(InputError, match="3x3"):
        SevenScenes(tmp_path, "all")


def test_sevenscenes_says_what_it_expected(tmp_path):
    with pytest.raises(InputError, match=r"frame-N\.depth\.png"):
        open_dataset("sevenscenes", tmp_path, "train")
    make_kitchen(tmp_path, count=2)
    (tmp_path / "frame-000004.depth.png").unlink()
    with pytest.raises(InputError, match=r"frame-000004\.depth\.png"):
        open_dataset("sevenscenes", tmp_path, "train")
    save_image(tmp_path / "frame-000004.depth.png", np.zeros((20, 24), np.uint8))
    with pytest.raises(InputError, match="16-bit"):
        open_dataset("sevenscenes", tmp_path, "all")[1]
    (tmp_path / "frame-000000.color.png").write_bytes(b"no image")
    with pytest.raises(InputError, match="not a readable image"):
        open_dataset("sevenscenes", tmp_path, "all")[0]


def test_unknown_names_and_splits_are_refused(tmp_path):
    with pytest.raises(InputError, match="'nyu', expected one of bsds500, camvid, sevenscenes"):
        open_dataset("nyu", tmp_path, "train")
    with pytest.raises(InputError, match="no split 'dev'"):
        open_dataset("camvid", tmp_path, "dev")
