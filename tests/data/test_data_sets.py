"""Datasets read from tiny folders that are laid out as the real ones."""

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from pag.data import REGISTRY, open_dataset
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


def test_sevenscenes_depth_is_metres_and_invalid_is_zero(tmp_path):
    depth = np.full((20, 24), 1500, np.uint16)
    depth[0, :3] = 0, 65535, 8001
    make_kitchen(tmp_path, count=1, depth=depth)
    sample = open_dataset("sevenscenes", tmp_path, "all")[0]
    assert sample.depth is not None and sample.normals is not None
    np.testing.assert_array_equal(sample.depth[0, :4], np.array([0, 0, 0, 1.5], np.float32))
    assert not sample.normals[0, :3].any()
    np.testing.assert_allclose(sample.normals[10, 12], [0, 0, -1], atol=1e-6)


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
    assert SevenScenes(tmp_path, "all").intrinsics == (585.0, 585.0, 320.0, 240.0)
    np.savetxt(tmp_path / "camera-intrinsics.txt", np.array([[30, 0, 12], [0, 31, 10], [0, 0, 1]]))
    assert SevenScenes(tmp_path, "all").intrinsics == (30.0, 31.0, 12.0, 10.0)
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
