"""Classes and depths of outlined regions: values, and what is no such file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pag.data import IGNORE
from pag.data.bsds500 import BSDS500
from pag.data.canonical import FOCAL
from pag.data.hand_labels import read_hand_labels
from pag.data.normals import normals_from_depth
from pag.data.sample import CLASSES
from pag.errors import InputError
from tests.tiny_data import write_bsds


def written(folder: Path, *regions: dict, annotator: int = 0, name: str = "box0") -> Path:
    path = folder / "labels.json"
    path.write_text(json.dumps({name: {"annotator": annotator, "regions": list(regions)}}))
    return path


def test_regions_get_their_class_and_depth(tmp_path):
    path = written(
        tmp_path, {"ids": [1, 4], "class": "tree"}, {"ids": [2], "depth": [2.5]}, {"ids": [9]}
    )
    outlined = np.array([[1, 1, 2], [4, 3, 2]])
    segmentation, depth, normals = read_hand_labels(path)["box0"].maps(outlined)
    tree = CLASSES.index("tree")
    np.testing.assert_array_equal(segmentation, [[tree, tree, IGNORE], [tree, IGNORE, IGNORE]])
    np.testing.assert_array_equal(depth, [[0, 0, 2.5], [0, 0, 2.5]])
    assert not normals.any()


def test_receding_ground_is_a_plane(tmp_path):
    outlined = np.ones((48, 64), int)
    outlined[:20] = 7
    path = written(tmp_path, {"ids": [1], "class": "road", "depth": [2, 20]})
    _, depth, normals = read_hand_labels(path)["box0"].maps(outlined)
    assert (depth[:20] == 0).all()
    np.testing.assert_allclose(depth[[47, 20]], [[2] * 64, [20] * 64], rtol=1e-5)
    focal = FOCAL * 64
    fitted = normals_from_depth(depth, focal, focal, 31.5, 23.5, window=5)
    np.testing.assert_allclose(normals[30:40], fitted[30:40], atol=1e-3)
    assert (normals[20:, :, 1] < -0.7).all()  # upwards


def test_photographs_carry_their_labels(tmp_path):
    write_bsds(tmp_path, "train")
    path = written(tmp_path, {"ids": [2], "class": "car", "depth": [4]})
    dataset = BSDS500(tmp_path, "train", read_hand_labels(path))
    assert set(dataset.tasks) == {"segmentation", "boundary", "depth", "normals"}
    labelled, other = dataset[0], dataset[1]
    assert labelled.segmentation is not None and labelled.depth is not None
    bright = labelled.segmentation == CLASSES.index("car")
    assert labelled.image[bright].mean() > 150 > labelled.image[~bright].mean()
    np.testing.assert_array_equal(labelled.depth, np.where(bright, 4, 0))
    assert other.segmentation is not None and (other.segmentation == IGNORE).all()
    assert other.depth is not None and not other.depth.any()


def test_an_annotator_who_is_not_there(tmp_path):
    write_bsds(tmp_path, "train")
    path = written(tmp_path, {"ids": [2]}, annotator=5)
    with pytest.raises(InputError, match="box0 is labelled by annotator 5, expected one of 0 to 1"):
        BSDS500(tmp_path, "train", read_hand_labels(path))[0]


@pytest.mark.parametrize(
    "regions, message",
    [
        ({"ids": [1], "class": "unicorn"}, "class 'unicorn', expected one of sky"),
        ({"ids": [1], "depth": [0]}, "expected one or two positive numbers"),
        ({"ids": [1], "depth": [1, 2, 3]}, "expected one or two positive numbers"),
        ({"class": "sky"}, "'ids'"),
    ],
)
def test_what_is_no_label(tmp_path, regions, message):
    with pytest.raises(InputError, match=message):
        read_hand_labels(written(tmp_path, regions))


def test_what_is_no_file_of_labels(tmp_path):
    with pytest.raises(InputError, match=r"labels\.json is not there"):
        read_hand_labels(tmp_path / "labels.json")
    (tmp_path / "labels.json").write_text("[1")
    with pytest.raises(InputError, match=r"labels\.json is no file of hand labels"):
        read_hand_labels(tmp_path / "labels.json")
