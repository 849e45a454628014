"""Ablations: one change each, a common start, runs that can be stopped, tables that add up."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pag.ablations.__main__ import main
from pag.ablations.report import COLUMNS, format_pooling, format_results, pooling
from pag.ablations.scoring import Excerpt, calibrated, distances
from pag.ablations.start import fresh_parts, start_network
from pag.ablations.variants import (
    REFERENCE,
    VARIANTS,
    Schedule,
    find_variants,
    network_config,
    reference_network,
)
from pag.config import LABEL_SETS, STREET_CLASSES, PAGConfig, TrainConfig
from pag.errors import InputError, WeightsError
from pag.inference import TASKS
from pag.network import PAGNet
from pag.trainer import Trainer
from pag.training_state import STATE, read_state
from tests.checkpoints import random_net
from tests.tiny_data import MemoryDataset, write_all

SMALL = {
    "backbone": "mobilenetv2",
    "decoder_channels": (32, 16),
    "head_channels": 8,
    "classes": STREET_CLASSES,
    "gate_smoothing": 1,
}


def write_state(path: Path, masks: str = "ranked", **settings: object) -> Path:
    net = random_net(5, **(SMALL | settings))
    Trainer(net, TrainConfig(masks=masks), torch.ones(len(net.config.classes))).save(path)
    return path


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_state(tmp_path_factory.mktemp("start") / STATE)


@pytest.fixture(scope="module")
def reference(start: Path) -> PAGConfig:
    return reference_network(read_state(start).network)


# ---------------------------------------------------------------- variants


def test_every_variant_changes_what_it_says_and_nothing_else(reference: PAGConfig) -> None:
    schedule = Schedule(steps=100)
    base = asdict(schedule.train_config(VARIANTS[0]))
    assert VARIANTS[0].name == REFERENCE and not VARIANTS[0].train and not VARIANTS[0].network
    for variant in VARIANTS[1:]:
        train = asdict(schedule.train_config(variant))
        network = asdict(network_config(reference, variant))
        changed = {k for k in base if train[k] != base[k]}
        changed |= {k for k in network if network[k] != asdict(reference)[k]}
        assert changed and changed == {*variant.train, *variant.network}, variant.name
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)


def test_the_schedule_is_the_long_one_squeezed() -> None:
    config = Schedule(steps=250).train_config(VARIANTS[0])
    assert config.open_steps == 0 and config.lowest_budget(0, 0.3) == 1
    assert config.lowest_budget(config.steps // 2, 0.3) == pytest.approx(0.3)
    assert config.learning_rate(0) < 0.1 and config.learning_rate(100) == 1
    assert 0 < config.learning_rate(249) < 0.02
    assert config.norm_steps == config.steps - config.decay_steps
    with pytest.raises(InputError, match="batch 1"):
        Schedule(batch=1)


def test_variants_are_found_in_their_own_order() -> None:
    assert [v.name for v in find_variants(["dilation_2", REFERENCE])] == [REFERENCE, "dilation_2"]
    assert find_variants(None) == list(VARIANTS)
    with pytest.raises(InputError, match="no variant dilation_3; expected some of reference"):
        find_variants(["dilation_3"])


# ---------------------------------------------------------------- the common start


def test_all_variants_start_from_the_same_numbers(start: Path, reference: PAGConfig) -> None:
    states = {}
    for dilations in (reference.dilations, (2,)):
        config = replace(reference, dilations=dilations)
        states[len(dilations)] = start_network(config, reference, start, 0).state_dict()
    many, one = states[len(reference.dilations)], states[1]
    assert many.keys() == one.keys()
    differing = [k for k in many if not torch.equal(many[k], one[k])]
    # The chooser's last layer scores seven dilations in the one and one in the other.
    assert {k.split(".", 3)[-1] for k in differing} == {
        "conv2.selector.6.weight",
        "conv2.selector.6.bias",
    }


def test_only_the_trunk_and_the_heads_come_from_the_state(
    start: Path, reference: PAGConfig
) -> None:
    saved = read_state(start).part("mean.")
    first, second = (start_network(reference, reference, start, seed) for seed in (0, 1))
    fresh = fresh_parts(first)
    assert fresh == ("gates.", "backbone.stage6.0.")
    for name, value in first.state_dict().items():
        if "num_batches" in name:
            continue
        if "segmentation.project" in name:
            rows = len(STREET_CLASSES)
            assert len(value) == len(LABEL_SETS["all"])
            assert torch.equal(value[:rows], saved[name])
        elif not name.startswith(fresh):
            assert torch.equal(value, saved[name]), name
        elif value.ndim == 4:
            assert not torch.equal(value, saved[name]), name
            assert not torch.equal(value, second.state_dict()[name]), name


def test_a_state_that_does_not_fit_is_refused(
    tmp_path: Path, start: Path, reference: PAGConfig
) -> None:
    wider = replace(reference, head_channels=16)
    with pytest.raises(WeightsError, match=r"do not fit: heads.* expected \(16"):
        start_network(wider, wider, start, 0)
    other = write_state(tmp_path / "other", classes=STREET_CLASSES[::-1])
    with pytest.raises(WeightsError, match="know other classes"):
        start_network(reference, reference, other, 0)
    resnet = PAGConfig(output_stride=16)
    with pytest.raises(WeightsError, match=r"lack backbone\.input_norm"):
        start_network(resnet, resnet, start, 0)


# ---------------------------------------------------------------- scoring


@pytest.mark.parametrize("masks", ["ranked", "sampled"])
def test_the_distance_falls_to_nothing_at_full_budget(tmp_path: Path, masks: str) -> None:
    state = write_state(tmp_path / STATE, masks)
    image = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    checkpoint = calibrated(state, [image])
    assert checkpoint.table.names == tuple(checkpoint.net.gates)
    (full, half), chosen = distances(checkpoint, [image], (1.0, 0.6))
    assert [full["budget"], half["budget"]] == [1.0, 0.6]
    assert full["total"] == pytest.approx(0, abs=1e-6)
    assert half["total"] > 0.001
    assert [int(d) for d in chosen] == list(checkpoint.net.config.dilations)
    assert sum(chosen.values()) == pytest.approx(1, abs=1e-3)
    tasks = [half[task] for task in TASKS]
    assert half["total"] == pytest.approx(float(np.dot(tasks, TrainConfig().weight_tasks)))


def test_an_excerpt_keeps_what_it_was_asked_for() -> None:
    dataset = MemoryDataset(TASKS, count=5)
    excerpt = Excerpt(dataset, (1, 3), ("depth",))
    assert len(excerpt) == 2 and excerpt.tasks == ("depth",)
    assert [excerpt[i].name for i in (0, 1)] == ["box1", "box3"]
    assert excerpt.annotations(0) == []


# ---------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    for split in ("train", "val"):
        write_all(data, split)
    # `write_scenes` lists one split; both are those two scenes here.
    index = json.loads((data / "scenes/index.json").read_text())
    index["splits"] = dict.fromkeys(("train", "val"), index["splits"]["val"])
    (data / "scenes/index.json").write_text(json.dumps(index))
    return data


@pytest.fixture
def command(tmp_path: Path, data: Path, start: Path) -> Callable[..., list[str]]:
    def build(*more: object) -> list[str]:
        given = ["--data", data, "--start", start, "--out", tmp_path / "out.json"]
        given += ["--runs", tmp_path / "runs", "--device", "cpu", "--steps", 2, "--batch", 2]
        given += ["--crop", 32, "--images", 1, "--size", 64, "--thresholds", 3, *more]
        return [str(argument) for argument in given]

    return build


def test_variants_are_trained_and_scored_once(
    tmp_path: Path, command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command("--only", REFERENCE)) == 0
    assert main(command("--only", REFERENCE, "dilation_1")) == 0
    report = json.loads((tmp_path / "out.json").read_text())
    first, single = report["results"]
    assert [first["variant"], single["variant"]] == [REFERENCE, "dilation_1"]
    assert single["network"] == {"dilations": [1]} and single["dilations"] == {"1": 1.0}
    assert report["schedule"]["steps"] == 2 and report["evaluation"]["images"] == 1
    for entry in (first, single):
        assert len(entry["scores"]) == 4 * 3 and len(entry["distances"]) == 2
        assert all(column.of(entry, 0.7) is not None for column in COLUMNS)
        for row in entry["scores"]:
            assert row["achieved_mean"] == pytest.approx(row["budget"], abs=0.03)
    assert {row["score"] for row in report["multipool"]} < {column.name for column in COLUMNS}
    shown = capsys.readouterr().out
    assert "a short schedule; 1 validation images" in shown and "best single" in shown
    # The second command found the first one's result.
    log = tmp_path / "runs" / REFERENCE / "log.jsonl"
    assert len(log.read_text().splitlines()) == 2


def test_a_stopped_run_goes_on_from_its_state(
    tmp_path: Path, command: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pag.ablations.__main__.score_state", stop)
        with pytest.raises(KeyboardInterrupt):
            main(command("--only", "no_smoothing"))
    assert not (tmp_path / "out.json").exists()
    state = tmp_path / "runs/no_smoothing" / STATE
    before = state.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr("pag.ablations.__main__.run", stop)  # nothing is left to train
        assert main(command("--only", "no_smoothing")) == 0
    assert state.read_bytes() == before
    (entry,) = json.loads((tmp_path / "out.json").read_text())["results"]
    assert entry["network"] == {"gate_smoothing": 0}


def test_a_folder_of_other_settings_is_refused(
    tmp_path: Path, command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder = tmp_path / "runs" / REFERENCE
    write_folder.mkdir(parents=True)
    write_state(write_folder / STATE)
    with pytest.raises(SystemExit) as stopped:
        main(command("--only", REFERENCE))
    assert stopped.value.code == 2
    assert "the folder of reference holds a run of other settings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (("--only", "nothing"), "no variant nothing"),
        (("--images", 0), "images is 0"),
        (("--crop", 8), "crop 8"),
        (("--start", "nowhere"), "There is no training state called nowhere"),
        (("--out", "nowhere/out.json"), "--out: the folder 'nowhere' does not exist"),
    ],
)
def test_command_line_explains_what_is_wrong(
    command: Callable[..., list[str]],
    capsys: pytest.CaptureFixture[str],
    extra: tuple[object, ...],
    message: str,
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(command(*extra))
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


# ---------------------------------------------------------------- the tables


def made_entry(variant: str, shift: float) -> dict[str, Any]:
    """A variant whose scores are 0.5 + `shift`, errors too."""
    rows: dict[str, dict[str, Any]] = {}
    for column in COLUMNS:
        row = rows.setdefault(column.dataset, {"dataset": column.dataset, "budget": 1.0})
        row.setdefault(column.task, {})[column.key] = 0.5 + shift
    distance = {"budget": 0.7, "total": 0.25}
    return {"variant": variant, "scores": list(rows.values()), "distances": [distance]}


def test_multipool_is_measured_against_the_best_dilation_of_each_score() -> None:
    entries = [
        made_entry(REFERENCE, 0.0),
        made_entry("other_seed", 0.02),
        made_entry("dilation_1", -0.1),
        made_entry("dilation_4", 0.1),
    ]
    rows = {row["score"]: row for row in pooling(entries)}
    assert len(rows) == 7  # delta1 is no headline
    assert rows["mIoU camvid"]["dilation"] == 4 and not rows["mIoU camvid"]["better"]
    assert rows["absrel kitchen"]["dilation"] == 1 and not rows["absrel kitchen"]["better"]
    assert rows["ODS bsds"]["noise"] == pytest.approx(0.02)
    ahead = {row["score"]: row for row in pooling([entries[0], entries[2]])}
    assert ahead["ODS bsds"]["better"] and ahead["ODS bsds"]["noise"] is None
    assert not ahead["median° scenes"]["better"]
    assert pooling(entries[:2]) == [] == pooling(entries[2:])
    assert format_pooling(list(rows.values())).splitlines()[2].split()[-2:] == ["no", "0.020"]


def test_the_table_has_a_line_for_each_variant_and_budget() -> None:
    first, second = made_entry(REFERENCE, 0.0), made_entry("dilation_1", 0.125)
    for row in second["scores"]:
        row["budget"] = 0.7
    text = format_results([first, second])
    full, lower = text.split("\n\n")
    assert full.startswith("budget 1\n") and lower.startswith("budget 0.7\n")
    assert "0.500" in full and "0.625" not in full  # not measured there
    assert full.splitlines()[3].split()[1:] == ["-"] * (len(COLUMNS) + 1)
    assert lower.splitlines()[3].split() == ["dilation_1", *["0.625"] * len(COLUMNS), "0.250"]


def test_one_dilation_needs_no_choice(reference: PAGConfig) -> None:
    net = PAGNet(replace(reference, dilations=(2,))).eval()
    with torch.inference_mode():
        _, trace = net(torch.rand(1, 3, 64, 64), torch.ones(1))
    assert not trace.dilation.any() and float(trace.pool_saved) == 0
