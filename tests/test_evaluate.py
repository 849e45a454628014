"""Evaluation: the numbers of a record against the truth, kinds of masks, table and JSON."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pag.config import STREET_CLASSES
from pag.data import find_dataset, open_dataset
from pag.errors import BudgetError, InputError
from pag.evaluate import main
from pag.evaluation import RandomMasks, evaluate, evenly_spaced
from pag.evaluation_report import format_table, format_tables
from pag.export import at_image_size
from pag.metrics import DepthMetric, NormalsMetric, SegmentationMetric
from pag.predictor import Predictor
from tests.checkpoints import write_random_checkpoint
from tests.tiny_data import MemoryDataset, write_all

SIZE = 64


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_all(tmp_path_factory.mktemp("data"), "val")


def test_random_masks_keep_the_active_fractions(predictor: Predictor) -> None:
    image = MemoryDataset(("depth",), 1)[0].image
    learned = predictor(image, 0.6, size=SIZE)
    drawn = [
        predictor(image, 0.6, policy=RandomMasks.like(learned, generator), size=SIZE)
        for generator in (torch.Generator().manual_seed(s) for s in (0, 0, 1))
    ]
    for record in drawn:
        for gate, like in zip(record.gates, learned.gates, strict=True):
            assert gate.mask.sum() == like.mask.sum()
        assert record.macs_executed > learned.macs_executed  # scattered: a larger halo
    masks = [np.concatenate([g.mask.ravel() for g in record.gates]) for record in drawn]
    assert (masks[0] == masks[1]).all() and (masks[0] != masks[2]).any()
    assert (masks[0] != np.concatenate([g.mask.ravel() for g in learned.gates])).any()


def test_scores_are_those_of_the_predictors_maps(predictor: Predictor) -> None:
    dataset = MemoryDataset(("depth", "normals"), 2)
    rows = evaluate(predictor, dataset, [1.0, 0.6], size=SIZE)
    assert [(row["budget"], row["masks"]) for row in rows] == [(1.0, "learned"), (0.6, "learned")]
    for row in rows:
        depth, normals, achieved, executed = DepthMetric(), NormalsMetric(), [], []
        for sample in (dataset[0], dataset[1]):
            record = predictor(sample.image, row["budget"], tasks=dataset.tasks, size=SIZE)
            maps = at_image_size(record)
            assert sample.depth is not None and sample.normals is not None
            assert maps["depth"].shape == sample.depth.shape  # scored at the image's own size
            depth.update(maps["depth"], sample.depth)
            normals.update(maps["normals"], sample.normals)
            achieved.append(record.budget_achieved)
            executed.append(record.macs_executed)
        assert row["images"] == 2
        assert row["depth"]["absrel"] == depth.result().absrel
        assert row["depth"]["median_scaled"]["delta1"] == depth.result().median_scaled.delta1
        assert row["normals"]["within_30"] == normals.result().within_30
        assert row["achieved_mean"] == pytest.approx(np.mean(achieved))
        deviation = np.abs(np.array(achieved) - row["budget"]).max()
        assert row["achieved_max_deviation"] == pytest.approx(deviation) and deviation < 0.005
        assert row["macs_executed_mean"] == np.mean(executed)
        assert row["seconds_network_median"] > 0
        assert set(row) & {"segmentation", "boundary"} == set()
    assert all(fraction == 1 for fraction in rows[0]["active_fractions"].values())


def test_tasks_may_be_chosen(predictor: Predictor) -> None:
    """A budget is then a share of what these cost."""
    dataset = MemoryDataset(("depth", "normals"), 1)
    (row,) = evaluate(predictor, dataset, [0.6], size=SIZE, tasks=("normals", "boundary"))
    assert "normals" in row and "depth" not in row
    record = predictor(dataset[0].image, 0.6, tasks=("normals",), size=SIZE)
    assert row["macs_executed_mean"] == record.macs_executed
    for tasks in (("boundary",), (), ("normals", "colour")):
        with pytest.raises(InputError, match="expected some of depth, normals"):
            evaluate(predictor, dataset, [0.6], size=SIZE, tasks=tasks)


def test_kinds_of_masks(predictor: Predictor) -> None:
    masks = ("learned", "random", "random_equal_macs")
    dataset = MemoryDataset(("depth",), 2)
    steps: list[tuple[int, int]] = []
    rows = evaluate(
        predictor,
        dataset,
        [1.0, 0.6],
        masks=masks,
        size=SIZE,
        progress=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(done, 12) for done in range(1, 13)]
    by_key = {(row["budget"], row["masks"]): row for row in rows}
    assert len(by_key) == 6
    learned, random, equal = (by_key[0.6, kind] for kind in masks)
    assert random["active_fractions"] == learned["active_fractions"]
    assert random["achieved_mean"] > 0.61
    assert equal["achieved_mean"] == pytest.approx(0.6, abs=0.005)
    scores = {json.dumps(row["depth"]) for row in (learned, random, equal)}
    assert len(scores) == 3
    # With every gate open there is nothing to draw.
    assert by_key[1.0, "random"]["depth"] == by_key[1.0, "learned"]["depth"]
    again = evaluate(predictor, dataset, [0.6], masks=["random"], size=SIZE)[0]
    assert again["depth"] == random["depth"]
    other = evaluate(predictor, dataset, [0.6], masks=["random"], size=SIZE, seed=1)[0]
    assert other["depth"] != random["depth"]


def test_segmentation_counts_over_the_data_set(predictor: Predictor, data: Path) -> None:
    dataset = open_dataset("camvid", data / "CamVid", "val")
    row = evaluate(predictor, dataset, [0.8], size=SIZE)[0]
    metric = SegmentationMetric(predictor.config.classes)
    for index in range(len(dataset)):
        sample = dataset[index]
        record = predictor(sample.image, 0.8, tasks=["segmentation"], labels="street", size=SIZE)
        assert sample.segmentation is not None
        metric.update(at_image_size(record)["segmentation"], sample.segmentation)
    assert row["segmentation"]["miou"] == metric.result().miou
    assert row["segmentation"]["iou"] == dict(metric.result().iou)
    assert row["segmentation"]["pixels"] == 2 * 63 * 96  # the unlabelled row is left out


def test_boundaries_in_other_processes_give_the_same_scores(
    predictor: Predictor, data: Path
) -> None:
    dataset = open_dataset("bsds500", data / "BSDS500", "val")
    here = evaluate(predictor, dataset, [0.8], thresholds=9, size=SIZE)[0]
    there = evaluate(predictor, dataset, [0.8], thresholds=9, size=SIZE, workers=2)[0]
    assert here["boundary"] == there["boundary"]
    assert here["boundary"]["images"] == 2
    assert 0 < here["boundary"]["ods"] <= here["boundary"]["ois"] <= 1
    assert "precision" not in here["boundary"]  # curves are left out
    json.dumps(here)


def test_rows_say_with_how_many_thresholds_boundaries_were_scored(
    predictor: Predictor, data: Path
) -> None:
    dataset = open_dataset("bsds500", data / "BSDS500", "val")
    settings: dict[str, Any] = {"size": SIZE, "limit": 1}
    few = evaluate(predictor, dataset, [0.8], thresholds=9, **settings)[0]
    official = evaluate(predictor, dataset, [0.8], **settings)[0]
    assert few["thresholds"] == 9 and "thresholds" not in official
    (other,) = evaluate(predictor, MemoryDataset(("depth",), 1), [0.8], thresholds=9, size=SIZE)
    assert "thresholds" not in other  # it makes no difference there


def test_adaptive_policy(predictor: Predictor) -> None:
    dataset = MemoryDataset(("depth",), 1)
    row = evaluate(predictor, dataset, [0.9], policy="adaptive", size=SIZE)[0]
    record = predictor(dataset[0].image, 0.9, policy="adaptive", tasks=["depth"], size=SIZE)
    assert row["achieved_mean"] == record.budget_achieved


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budgets": []}, "0 budgets"),
        ({"masks": []}, "expected at least one"),
        ({"masks": ["learnt"]}, r"masks \['learnt'\]"),
        ({"policy": "adaptive", "masks": ["random_equal_macs"]}, "need the policy exact"),
        ({"policy": "scaled", "masks": ["random_equal_macs"]}, "need the policy exact"),
        ({"policy": "scaled", "masks": ["learned", "random"]}, "exact or adaptive, not scaled"),
        ({"limit": 0}, "limit is 0"),
        ({"workers": 0}, "workers 0"),
        ({"size": 1}, "working size"),
        ({"dataset": MemoryDataset(("depth",), 0)}, "no image"),
        ({"execution": "fast"}, "execution is 'fast'"),
    ],
)
def test_settings_that_do_not_fit(
    predictor: Predictor, options: dict[str, Any], message: str
) -> None:
    settings: dict[str, Any] = {"dataset": MemoryDataset(("depth",), 1), "budgets": [0.8]}
    with pytest.raises(InputError, match=message):
        evaluate(predictor, **settings | options)


def test_a_budget_out_of_reach(predictor: Predictor) -> None:
    with pytest.raises(BudgetError, match="still needs"):
        evaluate(predictor, MemoryDataset(("depth",), 1), [0.05], size=SIZE)


def test_classes_must_be_the_checkpoints(tmp_path: Path, data: Path) -> None:
    folder = write_random_checkpoint(tmp_path, classes=("road", "sky"))
    dataset = open_dataset("camvid", data / "CamVid", "val")
    with pytest.raises(InputError, match="are not the first ones of the network"):
        evaluate(Predictor.from_checkpoint(folder, "cpu"), dataset, [1.0])


def test_evenly_spaced() -> None:
    assert evenly_spaced(5, None) == evenly_spaced(5, 9) == [0, 1, 2, 3, 4]
    assert evenly_spaced(100, 4) == [12, 37, 62, 87]
    assert evenly_spaced(7, 1) == [3]
    for count, limit in ((101, 12), (8, 7)):
        picked = evenly_spaced(count, limit)
        assert len(set(picked)) == limit and picked == sorted(picked) and picked[-1] < count


# ---------------------------------------------------------------- the command


def row(budget: float, achieved: float, deviation: float, **scores: Any) -> dict:
    return {
        "dataset": "camvid",
        "budget": budget,
        "masks": "learned",
        "images": 1,
        "achieved_mean": achieved,
        "achieved_max_deviation": deviation,
        **scores,
    }


def test_table_has_a_line_for_each_data_set_and_setting() -> None:
    rows = [
        row(0.6, 0.59, 0.01, segmentation={"miou": 0.5}),
        row(1.0, 1.0, 0.0, segmentation={"miou": 0.7}),
        row(0.6, 0.61, 0.02, segmentation={"miou": 0.4}, boundary={"ods": 0.71}) | {"dataset": "x"},
    ]
    header, *lines = (line.split() for line in format_table(rows).splitlines())
    names = ["data", "set", "budget", "masks", "achieved", "max", "dev.", "mIoU", "ODS"]
    assert header == names
    assert lines == [
        ["camvid", "0.6", "learned", "0.5900", "0.0100", "0.500", "-"],
        ["camvid", "1", "learned", "1.0000", "0.0000", "0.700", "-"],
        ["x", "0.6", "learned", "0.6100", "0.0200", "0.400", "0.710"],
    ]
    fields = [rows[0], rows[0] | {"field": 6}]
    header, *lines = (line.split() for line in format_table(fields).splitlines())
    assert header[:5] == ["data", "set", "budget", "masks", "field"]
    assert [line[3] for line in lines] == ["chosen", "6"]
    policies = [rows[0], rows[0] | {"policy": "scaled"}, rows[0] | {"field": 0}]
    header, *lines = (line.split() for line in format_table(policies).splitlines())
    assert header[4:6] == ["policy", "field"]
    assert [line[3:5] for line in lines] == [
        ["exact", "chosen"], ["scaled", "chosen"], ["exact", "0"],
    ]  # fmt: skip


def test_depth_has_a_table_of_its_own_with_every_error() -> None:
    errors = {"absrel": 0.1, "rmse": 0.4, "log10": 0.05, "delta1": 0.9, "delta2": 0.95}
    errors["delta3"] = 0.99
    depth = errors | {"median_scaled": {name: value / 2 for name, value in errors.items()}}
    rows = [row(0.6, 0.59, 0.01, depth=depth), row(0.6, 0.61, 0.0, boundary={"ods": 0.7})]
    scores, second = format_tables(rows).split("\n\n")
    assert scores == format_table(rows) and "log10" not in scores
    title, header, line = second.splitlines()
    assert title.startswith("depth")
    assert header.split()[4:] == [*errors, *(f"{name}*" for name in errors)]
    assert line.split()[:3] == ["camvid", "0.6", "learned"]
    assert line.split()[3:9] == ["0.100", "0.400", "0.050", "0.900", "0.950", "0.990"]
    assert line.split()[11:13] == ["0.025", "0.450"]
    assert max(map(len, format_tables(rows).splitlines())) <= 132
    assert format_tables(rows[1:]) == format_table(rows[1:])


def test_data_folder_may_be_the_datasets_own(tmp_path: Path, data: Path) -> None:
    assert find_dataset(data, "camvid") == data / "CamVid"
    assert find_dataset(data / "CamVid", "camvid") == data / "CamVid"


def test_command_evaluates_everything(
    tmp_path: Path, checkpoint: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "scores.json"
    arguments = ["--data", data, "--dataset", "all", "--checkpoint", checkpoint, "--out", out]
    arguments += ["--budget", "1", "floor", "--masks", "learned", "random", "--limit", 1]
    arguments += ["--size", SIZE, "--thresholds", 3, "--device", "cpu"]
    assert main([str(a) for a in arguments]) == 0
    captured = capsys.readouterr()
    scores, depth = (table.splitlines() for table in captured.out.split("\n\n"))
    assert len(scores) == 1 + 4 * 4 and len(depth) == 2 + 2 * 4
    for column in ("mIoU", "ODS", "OIS", "AP", "absrel", "delta1", "mean°", "<11.25°"):
        assert column in scores[0].split()
    report = json.loads(out.read_text())
    predictor = Predictor.from_checkpoint(checkpoint, "cpu")
    assert report["checkpoint"] == predictor.digest
    assert report["network"]["output_stride"] == 16
    (settings,) = report["settings"]
    assert settings["budgets"] == [1.0, predictor.floor]
    assert settings["size"] == SIZE and settings["split"] == "val"
    assert report["versions"]["torch"] == torch.__version__
    assert str(tmp_path) not in out.read_text() and str(data) not in out.read_text()
    tasks = {
        r["dataset"]: set(r) & {"segmentation", "boundary", "depth", "normals"}
        for r in report["results"]
    }
    assert tasks == {
        "bsds500": {"boundary"},
        "camvid": {"segmentation"},
        "sevenscenes": {"depth", "normals"},
        "scenes": {"segmentation", "boundary", "depth", "normals"},
    }
    assert len(report["results"]) == 4 * 2 * 2


def test_results_can_be_added_to_a_file(tmp_path: Path, checkpoint: Path, data: Path) -> None:
    out = tmp_path / "scores.json"

    def evaluated(*more: object) -> dict:
        arguments = ["--data", data, "--checkpoint", checkpoint, "--out", out, "--size", SIZE]
        assert main([str(a) for a in (*arguments, "--limit", 1, "--add", *more)]) == 0
        return json.loads(out.read_text())

    def rows(report: dict) -> list[tuple[str, float, int]]:
        return [(r["dataset"], r["budget"], r["images"]) for r in report["results"]]

    first = evaluated("--dataset", "camvid", "--budget", 1, 0.9)
    second = evaluated("--dataset", "sevenscenes")
    assert rows(second) == [*rows(first), ("sevenscenes", 1.0, 1)]
    third = evaluated("--dataset", "camvid", "--limit", 2)
    assert rows(third) == [("camvid", 0.9, 1), ("sevenscenes", 1.0, 1), ("camvid", 1.0, 2)]
    assert [s["limit"] for s in third["settings"]] == [1, 1, 2]
    # What was measured otherwise is another result.
    fourth = evaluated("--dataset", "camvid", "--policy", "adaptive")
    assert rows(fourth) == [*rows(third), ("camvid", 1.0, 1)]
    assert [r.get("policy") for r in fourth["results"]] == [None, None, None, "adaptive"]
    fifth = evaluated("--dataset", "sevenscenes", "--tasks", "depth")
    assert rows(fifth) == [*rows(fourth), ("sevenscenes", 1.0, 1)]


def test_other_thresholds_are_another_result_of_boundaries_alone(
    tmp_path: Path, checkpoint: Path, data: Path
) -> None:
    out = tmp_path / "scores.json"

    def evaluated(dataset: str, *more: object) -> list[tuple[str, int | None, float]]:
        arguments = ["--data", data, "--checkpoint", checkpoint, "--out", out, "--size", SIZE]
        arguments += ["--dataset", dataset, "--limit", 1, "--add"]
        assert main([str(a) for a in (*arguments, *more)]) == 0
        return [
            (r["dataset"], r.get("thresholds"), r.get("boundary", {}).get("ap"))
            for r in json.loads(out.read_text())["results"]
        ]

    (official,) = evaluated("bsds500")
    assert official[:2] == ("bsds500", None)
    first, few = evaluated("bsds500", "--thresholds", 3)
    assert first == official and few[:2] == ("bsds500", 3) and few[2] != official[2]
    # The same again takes the place of what it is the same as.
    assert evaluated("bsds500", "--thresholds", 3) == [official, few]
    assert evaluated("bsds500") == [few, official]
    with_classes = evaluated("camvid")
    assert with_classes == evaluated("camvid", "--thresholds", 3)
    assert with_classes == [few, official, ("camvid", None, None)]
    assert "official" in format_table(json.loads(out.read_text())["results"])


def test_what_was_scored_before_something_did_not_fit_is_kept(
    tmp_path: Path, checkpoint: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "scores.json"
    arguments = ["--data", data, "--dataset", "all", "--checkpoint", checkpoint, "--out", out]
    arguments += ["--size", SIZE, "--limit", 1, "--thresholds", 3, "--budget", 0.275]
    with pytest.raises(SystemExit):  # four heads need more than one
        main([str(a) for a in arguments])
    assert "still needs" in capsys.readouterr().err
    kept = [r["dataset"] for r in json.loads(out.read_text())["results"]]
    assert kept and "scenes" not in kept


def test_classes_are_looked_at_before_anything_is_scored(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few, out = (
        write_random_checkpoint(tmp_path / "few", classes=STREET_CLASSES),
        tmp_path / "x.json",
    )
    arguments = ["--data", data, "--dataset", "all", "--checkpoint", few, "--out", out]
    with pytest.raises(SystemExit):
        main([str(a) for a in arguments])
    assert "are not the first ones of the network" in capsys.readouterr().err
    assert not out.exists()


def test_every_pixel_may_be_made_to_take_one_field(
    tmp_path: Path, checkpoint: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "scores.json"
    arguments = ["--data", data, "--dataset", "sevenscenes", "--checkpoint", checkpoint, "--add"]
    arguments += ["--limit", 1, "--size", SIZE, "--out", out]
    for field in ([], ["--field", 0], ["--field", 8]):
        assert main([str(a) for a in (*arguments, *field)]) == 0
    rows = json.loads(out.read_text())["results"]
    assert [row.get("field") for row in rows] == [None, 0, 8]
    chosen, point, wide = (row["depth"]["absrel"] for row in rows)
    assert point != wide and chosen not in (point, wide)
    with pytest.raises(SystemExit):
        main([str(a) for a in (*arguments, "--field", 3)])
    assert "dilation is 3; expected one of" in capsys.readouterr().err


def test_ordinary_photographs_by_their_hand_labels(
    tmp_path: Path, checkpoint: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels, out = tmp_path / "labels.json", tmp_path / "scores.json"
    regions = [{"ids": [2], "class": "car", "depth": [1.5]}]
    labels.write_text(json.dumps({"box0": {"annotator": 0, "regions": regions}}))
    arguments = ["--data", data, "--checkpoint", checkpoint, "--size", SIZE]
    arguments += ["--hand-labels", labels, "--tasks", "segmentation", "depth", "--out", out]
    assert main([str(a) for a in (*arguments, "--dataset", "bsds500")]) == 0
    (row,) = json.loads(out.read_text())["results"]
    assert row["dataset"] == "photographs" and row["images"] == 2
    assert row["depth"]["images"] == 1 and set(row["segmentation"]["iou"]) == {"car"}
    assert "boundary" not in row
    with pytest.raises(SystemExit):
        main([str(a) for a in (*arguments, "--dataset", "camvid")])
    assert "--hand-labels with camvid; expected --dataset bsds500" in capsys.readouterr().err


def test_a_room_by_its_labels(
    tmp_path: Path, checkpoint: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kitchen = tmp_path / "7scenes-kitchen"
    shutil.copytree(data / "7scenes-kitchen", kitchen)
    for frame in kitchen.glob("*.color.png"):
        np.savetxt(frame.with_name(frame.name.replace("color.png", "pose.txt")), np.eye(4))
    labels, out = tmp_path / "room.json", tmp_path / "scores.json"
    thing = {"class": "table", "outline": [[-9, -9], [9, -9], [9, 9], [-9, 9]], "heights": [-9, 9]}
    labels.write_text(json.dumps({"room": np.eye(4)[:3].tolist(), "things": [thing]}))
    arguments = ["--data", kitchen, "--checkpoint", checkpoint, "--size", SIZE]
    arguments += ["--room-labels", labels, "--out", out]
    assert main([str(a) for a in (*arguments, "--dataset", "sevenscenes")]) == 0
    (row,) = json.loads(out.read_text())["results"]
    assert row["dataset"] == "sevenscenes" and {"depth", "normals", "segmentation"} <= set(row)
    assert set(row["segmentation"]["iou"]) == {"table"}
    with pytest.raises(SystemExit):
        main([str(a) for a in (*arguments, "--dataset", "camvid")])
    assert "--room-labels with camvid; expected --dataset sevenscenes" in capsys.readouterr().err


def test_results_of_another_checkpoint_are_not_joined(
    tmp_path: Path, checkpoint: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "scores.json"
    arguments = ["--data", data, "--dataset", "camvid", "--checkpoint", checkpoint, "--limit", 1]
    arguments += ["--size", SIZE, "--out", out, "--add"]
    for content, message in (
        ('{"checkpoint": "0123", "settings": [], "results": []}', "results of checkpoint 0123"),
        ("[]", "cannot be added to; expected results of this command"),
    ):
        out.write_text(content)
        with pytest.raises(SystemExit):
            main([str(a) for a in arguments])
        assert message in capsys.readouterr().err and out.read_text() == content


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--budget": "7"}, "'7' is no budget"),
        ({"--budget": "nan"}, "'nan' is no budget"),
        ({"--dataset": "kitti"}, "invalid choice"),
        ({"--data": "absent"}, "folders val and valannot not found"),
        ({"--checkpoint": "absent"}, "no checkpoint called"),
        ({"--out": "absent/x.json"}, "--out: the folder 'absent' does not exist"),
        ({"--add": ""}, "--add is given without --out"),
        ({"--split": "summer"}, "no split 'summer'"),
    ],
)
def test_command_explains_what_is_wrong(
    checkpoint: Path,
    data: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    message: str,
) -> None:
    options = {"--data": str(data), "--dataset": "camvid", "--checkpoint": str(checkpoint)}
    with pytest.raises(SystemExit) as stop:
        main([text for option in (options | changes).items() for text in option if text])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
