"""Pooling fields by region: every pixel is counted once, where it belongs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from pag import dilations
from pag.config import STREET_CLASSES
from pag.dilations import (
    Census,
    boundary_bands,
    census_rows,
    format_census,
    main,
    regions_of,
    stretched,
    take_census,
)
from pag.errors import InputError
from pag.inference import TASKS
from pag.predictor import Predictor
from tests.checkpoints import write_random_checkpoint
from tests.tiny_data import MemoryDataset, make_sample, write_all

SMALL = {"backbone": "mobilenetv2", "decoder_channels": (32, 16), "head_channels": 8}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_checkpoint(tmp_path_factory.mktemp("checkpoint"), **SMALL)


def test_shares_by_region_are_those_counted_by_hand() -> None:
    dilation = np.array([[0, 0, 4, 4], [0, 2, 4, 4]], dtype=np.uint8)
    left = np.zeros((2, 4), dtype=bool)
    left[:, :2] = True
    census, control = Census((0, 2, 4)), Census((0, 2, 4))
    for _ in range(2):
        census.add("class", "near", dilation, left)
        census.add("class", "far", dilation, ~left)
    census.add("class", "nowhere", dilation, np.zeros((2, 4), dtype=bool))
    control.add("class", "far", dilation, left)
    near, far = census_rows(census, control)
    assert near["region"] == "near" and near["pixels"] == 8
    assert near["shares"] == {"0": 0.75, "2": 0.25, "4": 0.0}
    assert near["mean_dilation"] == 0.5 and far["mean_dilation"] == 4
    # All pixels: 3/8, 1/8, 4/8. Near: 6/8, 2/8, 0. Far: 0, 0, 1.
    assert near["deviation"] == far["deviation"] == 0.5
    assert near["deviation_control"] is None and far["deviation_control"] == 0
    assert format_census([near, far]).splitlines()[1].split()[2:] == [
        "75%", "25%", "0%", "0.50", "0.50", "-",
    ]  # fmt: skip


def test_boundary_bands_are_rings_of_chessboard_distance() -> None:
    boundary = np.zeros((80, 90), dtype=bool)
    boundary[40, 5] = True
    bands = {name: where for _, name, where in boundary_bands(boundary)}
    rows, columns = np.ogrid[:80, :90]
    distance = np.maximum(abs(rows - 40), abs(columns - 5))
    assert np.array_equal(bands["0 to 3 px"], distance < 4)
    assert np.array_equal(bands["8 to 15 px"], (distance >= 8) & (distance < 16))
    assert np.array_equal(bands["32 px and more"], distance >= 32)
    assert (np.sum(list(bands.values()), axis=0) == 1).all()
    assert boundary_bands(np.zeros((4, 4), dtype=bool)) == []


def test_every_pixel_with_truth_is_in_one_region_of_each_kind() -> None:
    sample = make_sample(TASKS, 0)
    assert sample.segmentation is not None and sample.depth is not None
    sample.segmentation[0] = 255
    sample.depth[:2] = 0
    regions = regions_of(sample, STREET_CLASSES)
    pixels = {
        kind: np.sum([where for k, _, where in regions if k == kind], axis=0)
        for kind in ("class", "depth", "boundary")
    }
    assert (pixels["class"] == (sample.segmentation != 255)).all()
    assert (pixels["depth"] == (sample.depth > 0)).all()
    assert (pixels["boundary"] == 1).all()
    names = {name for _, name, where in regions if where.any()}
    assert {"road", "car", "1 to 1.5 m", "2 to 3 m", "0 to 3 px"} <= names or "fence" in names


def test_what_training_takes_for_a_boundary_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = make_sample(("boundary",), 0)
    assert sample.boundary is not None
    sample.boundary[:] = 0
    sample.boundary[10, 20:40], sample.boundary[50, 20:40] = 0.4, 0.6
    near = {}
    for consensus in (0.3, 0.5):
        monkeypatch.setattr(dilations, "BOUNDARY_CONSENSUS", consensus)
        near[consensus] = {name: where for _, name, where in regions_of(sample, ())}["0 to 3 px"]
    assert near[0.3][10, 20] and near[0.3][50, 20]
    assert not near[0.5][10, 20] and near[0.5][50, 20]


def test_stretching_takes_the_nearest_pixel() -> None:
    plane = np.array([[1, 2]], dtype=np.uint8)
    assert stretched(plane, (2, 4)).tolist() == [[1, 1, 2, 2], [1, 1, 2, 2]]
    assert stretched(np.arange(6).reshape(2, 3), (1, 3)).tolist() == [[0, 1, 2]]


def test_the_census_counts_what_the_record_says(checkpoint: Path) -> None:
    predictor, dataset = Predictor.from_checkpoint(checkpoint, "cpu"), MemoryDataset(("depth",), 2)
    census, control = take_census(predictor, dataset, size=96)
    counted = np.sum(list(census.counts["depth"].values()), axis=0)
    assert counted.sum() == 2 * 64 * 96
    expected = np.zeros(len(predictor.config.dilations))
    for index in range(2):
        fractions = predictor(dataset[index].image, size=96).dilation_fractions
        expected += [fractions[d] * 64 * 96 for d in predictor.config.dilations]
    assert np.allclose(counted, expected)
    # The second image's regions with the first one's choices.
    assert sum(c.sum() for c in control.counts["depth"].values()) == 64 * 96


def test_a_network_of_one_dilation_has_nothing_to_count(tmp_path: Path) -> None:
    single = write_random_checkpoint(tmp_path, dilations=(2,), **SMALL)
    with pytest.raises(InputError, match=r"offers the dilations \(2,\); expected several"):
        take_census(Predictor.from_checkpoint(single, "cpu"), MemoryDataset(("depth",)))


def test_command_line(
    tmp_path: Path,
    checkpoint: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, out = write_all(tmp_path / "data", "val"), tmp_path / "dilations.json"
    given = ["--data", data, "--checkpoint", checkpoint, "--size", 64, "--out", out]
    arguments = [str(a) for a in (*given, "--images", 2, "--device", "cpu")]
    assert main(arguments) == 0
    report = json.loads(out.read_text())
    kinds = {
        result["dataset"]: {row["kind"] for row in result["regions"]}
        for result in report["results"]
    }
    assert kinds == {
        "bsds500": {"boundary"},
        "camvid": {"class"},
        "sevenscenes": {"depth"},
        "scenes": {"class", "depth", "boundary"},
    }
    for result in report["results"]:
        assert result["images"] == 2
        for row in result["regions"]:
            assert sum(row["shares"].values()) == pytest.approx(1, abs=1e-3)
    written = out.read_bytes()

    def full(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(dilations, "run", lambda _: {"results": []})
        patch.setattr(os, "replace", full)
        with pytest.raises(OSError, match="no space left"):
            main(arguments)
    assert out.read_bytes() == written  # whole, and not half of another
    with pytest.raises(SystemExit) as stopped:
        main([*arguments, "--images", "0"])
    assert stopped.value.code == 2
    assert "images is 0" in capsys.readouterr().err
