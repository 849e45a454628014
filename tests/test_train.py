"""Training: it learns, it can be killed at any moment, and the command line runs it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from pag.config import LABEL_SETS, STREET_CLASSES, TRAINING_MASKS, PAGConfig, TrainConfig
from pag.data import IGNORE
from pag.data.batch import Batch, thinned, twice
from pag.data.labelled import LabelFiles
from pag.data.mixture import CachedDataset, Mixture, class_weights
from pag.data.training import open_training_data
from pag.errors import InputError, WeightsError
from pag.inference import TASKS
from pag.macs import network_cost
from pag.network import PAGNet
from pag.train import main, run
from pag.trainer import Trainer, parameter_groups
from pag.training_state import STATE
from tests.checkpoints import random_net, write_random_checkpoint
from tests.tiny_data import MemoryDataset, write_all

NETWORK = PAGConfig(output_stride=16, dilations=(0, 1, 2), classes=STREET_CLASSES)
CONFIG = TrainConfig(
    steps=4,
    batch=2,
    crop=64,
    open_steps=1,
    ramp_steps=1,
    warmup_steps=1,
    decay_steps=2,
    norm_steps=3,
)


NETWORKS = {
    "resnet50": NETWORK,
    "mobilenetv2": replace(
        NETWORK, backbone="mobilenetv2", decoder_channels=(32, 16), head_channels=8
    ),
}


def new_net(seed: int = 0, backbone: str = "resnet50") -> PAGNet:
    torch.manual_seed(seed)
    net = PAGNet(NETWORKS[backbone])
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def tiny_datasets() -> dict[str, CachedDataset]:
    tasks = {
        "bsds500": ("boundary",),
        "camvid": ("segmentation",),
        "sevenscenes": ("depth", "normals"),
        "scenes": TASKS,
    }
    return {name: CachedDataset(MemoryDataset(t)) for name, t in tasks.items()}


def labelled_batch(size: int = 2) -> Batch:
    return Mixture([MemoryDataset(TASKS)], [1.0], seed=0).batch(0, size, 64)


class Killed(BaseException):
    """What a kill looks like from inside."""


@pytest.fixture
def kill_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Make `Trainer.update` die before step 2 until undone."""
    update = Trainer.update

    def dying(self: Trainer, batch: Batch) -> dict[str, float]:
        if self.step == 2:
            raise Killed
        return update(self, batch)

    monkeypatch.setattr(Trainer, "update", dying)
    yield monkeypatch


def differing(first: dict[str, Tensor], second: dict[str, Tensor]) -> list[str]:
    assert first.keys() == second.keys()
    return [name for name, value in first.items() if not torch.equal(value, second[name])]


def test_a_killed_run_gives_the_result_of_an_unbroken_one(
    tmp_path: Path, kill_at: pytest.MonkeyPatch
) -> None:
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    for folder in (unbroken, broken):
        folder.mkdir()
    with pytest.raises(Killed):
        run(new_net(), CONFIG, tiny_datasets(), broken, save_seconds=0)
    assert (broken / STATE).exists()
    # The kill came while the next state was being written.
    (broken / f".{STATE}.0.part").write_bytes(b"half a state")
    kill_at.undo()
    run(new_net(), CONFIG, tiny_datasets(), unbroken, save_seconds=1e9)
    run(new_net(seed=9), CONFIG, tiny_datasets(), broken, save_seconds=1e9)

    first, second = load_file(unbroken / STATE), load_file(broken / STATE)
    assert differing(first, second) == []
    assert {name.split(".")[0] for name in first} == {"net", "mean", "adam", "levels"}
    log = [json.loads(line) for line in (broken / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [0, 1, 2, 3]
    assert "budget" not in log[0]  # gates learn from step 1 on, gently
    assert log[1]["budget"] > 0.97 and min(entry["budget"] for entry in log[2:]) < 0.97
    assert all(0.2 < entry["used"] <= 1 for entry in log[1:])
    assert {"budget_loss", *(f"distil_{task}" for task in TASKS)} <= log[3].keys()
    # Training moved the weights, and the running mean lags behind them.
    start = new_net().state_dict()
    kernel = "heads.depth.project.weight"
    assert not torch.equal(first[f"net.{kernel}"], start[kernel])
    assert not torch.equal(first[f"net.{kernel}"], first[f"mean.{kernel}"])
    gate = "gates.res4_3.project.weight"
    assert not torch.equal(first[f"net.{gate}"], start[gate])


def test_ranked_masks_follow_the_budget_drawn_and_sampled_ones_may_stray() -> None:
    strayed = {}
    for masks in TRAINING_MASKS:
        config = replace(CONFIG, masks=masks, share_spread=0.0, open_steps=0, ramp_steps=0)
        trainer = Trainer(new_net(), config, torch.ones(11))
        report = trainer.update(labelled_batch())
        strayed[masks] = abs(report["used"] - report["budget"])
    assert strayed["ranked"] < 0.01 < strayed["sampled"]


@pytest.mark.parametrize("mixed", [False, True])
def test_mixed_precision_only_where_it_saves_time(
    monkeypatch: pytest.MonkeyPatch, mixed: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "amx_bf16": mixed})
    net, seen = new_net(backbone="mobilenetv2"), set()
    net.heads["depth"].register_forward_hook(lambda module, inputs, output: seen.add(output.dtype))
    Trainer(net, CONFIG, torch.ones(11)).update(labelled_batch())
    assert seen == {torch.bfloat16 if mixed else torch.float32}


def test_choices_of_pooling_fields_are_kept_informative() -> None:
    torch.manual_seed(0)
    config = replace(
        CONFIG, steps=100, norm_steps=100, lr_new=3e-3, weight_fields=50.0, field_information=1.0
    )
    trainer = Trainer(new_net(), config, torch.ones(11))
    batch = labelled_batch()
    lacking = [trainer.update(batch)["fields"] for _ in range(8)]
    assert 0 < lacking[-1] < lacking[0] - 0.2 < 0.8


def test_budgets_are_drawn_from_the_range_above_the_floor() -> None:
    net = new_net(backbone="mobilenetv2")
    drawn = {}
    for ends in ((0.0, 0.98), (0.6, 0.6), (0.0, 0.05)):
        trainer = Trainer(net, replace(CONFIG, budget_range=ends), torch.ones(11))
        generator = torch.Generator().manual_seed(0)
        drawn[ends] = [trainer._draw_budgets(3, generator, (64, 64))[0] for _ in range(50)]
    floor = network_cost(net, (64, 64), TASKS).floor
    spread = drawn[0.0, 0.98]
    assert floor < min(spread) < floor + 0.15 and 0.85 < max(spread) < 0.98
    assert drawn[0.6, 0.6] == pytest.approx([0.6] * 50)
    assert drawn[0.0, 0.05] == pytest.approx([floor + 0.02] * 50)


def test_several_budgets_a_step_spread_over_the_range_and_are_used() -> None:
    config = replace(
        CONFIG, batch=6, budgets=3, share_spread=0.0, open_steps=0, ramp_steps=0,
        budget_range=(0.5, 0.8),
    )  # fmt: skip
    trainer = Trainer(new_net(), config, torch.ones(11))
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        low, middle, high = trainer._draw_budgets(3, generator, (64, 64))
        assert 0.5 <= low <= 0.6 <= middle <= 0.7 <= high <= 0.8
    batch = labelled_batch()
    three = replace(batch, **{f.name: getattr(batch, f.name)[[0, 1, 0]] for f in fields(batch)})
    trainer.step = 3  # from where on the whole range is drawn
    report = trainer.update(three)
    assert 0.6 < report["budget"] < 0.7 and abs(report["used"] - report["budget"]) < 0.01


@pytest.mark.parametrize(("backbone", "fall"), [("resnet50", 0.85), ("mobilenetv2", 0.95)])
def test_losses_fall_on_a_repeated_batch(backbone: str, fall: float) -> None:
    config = TrainConfig(steps=50, batch=2, crop=64, open_steps=50, warmup_steps=1, lr_new=3e-3)
    trainer = Trainer(new_net(backbone=backbone), config, torch.ones(11))
    batch = labelled_batch()
    reports = [trainer.update(batch) for _ in range(8)]
    assert reports[-1]["loss"] < fall * reports[0]["loss"]
    for task in TASKS:
        assert reports[-1][task] < reports[0][task]
    assert trainer.step == 8


def test_a_network_learns_from_another_what_no_label_says() -> None:
    config = TrainConfig(
        steps=50, batch=4, crop=64, open_steps=0, ramp_steps=1, warmup_steps=1, decay_steps=1,
        lr_new=2e-2, weight_distillation=0.0,
    )  # fmt: skip
    tasks = ("boundary",)
    batch = Mixture([MemoryDataset(tasks)], [1.0], seed=0).batch(0, 2, 64)
    teacher = random_net(5, classes=STREET_CLASSES)
    with torch.no_grad():  # so that it has something to say
        for head in teacher.heads.values():
            head.project.bias[0] += 3  # type: ignore[index,operator,union-attr]
    before = {k: v.clone() for k, v in teacher.state_dict().items()}
    trainer = Trainer(new_net(backbone="mobilenetv2"), config, torch.ones(11), teacher)
    reports = [trainer.update(batch) for _ in range(10)]
    for task in set(TASKS) - set(tasks):
        assert all(report[task] == 0 for report in reports)
        assert 0 < reports[-1][f"taught_{task}"] < 0.9 * reports[0][f"taught_{task}"]
    assert differing(before, teacher.state_dict()) == []

    # Boundaries are another matter where people drew none.
    undrawn = replace(batch, boundary=torch.full_like(batch.boundary, -1))
    assert reports[-1]["taught_boundary"] > 0 == trainer.update(undrawn)["taught_boundary"]


def test_where_only_the_sky_is_labelled_depth_learns_that_it_is_far() -> None:
    trainer = Trainer(new_net(), replace(CONFIG, steps=8), torch.ones(11))
    batch = labelled_batch()
    ids = torch.full_like(batch.segmentation, STREET_CLASSES.index("sky"))
    batch = replace(batch, segmentation=ids, depth=torch.zeros_like(batch.depth))
    first, *_, last = (trainer.update(batch)["depth"] for _ in range(4))
    assert first > last > 0
    unknown = replace(batch, segmentation=torch.full_like(ids, IGNORE))
    assert trainer.update(unknown)["depth"] == 0


def test_a_part_learns_alone_and_all_else_stays(tmp_path: Path) -> None:
    net = new_net()
    config = replace(CONFIG, only=("heads.depth.",), open_steps=0, norm_steps=0)
    trainer = Trainer(net, config, torch.ones(11))
    before = {k: v.clone() for k, v in net.state_dict().items()}
    losses = [trainer.update(labelled_batch())["depth"] for _ in range(3)]
    assert losses[-1] < losses[0]
    moved = differing(before, net.state_dict())
    assert set(moved) == {k for k, _ in net.named_parameters() if k.startswith("heads.depth.")}
    assert set(differing(before, trainer.mean)) == set(moved)
    assert not trainer.levels.any()
    trainer.save(tmp_path / STATE)  # with moments of these alone
    again = Trainer(new_net(), config, torch.ones(11))
    again.load(tmp_path / STATE)
    assert again.update(labelled_batch()) == trainer.update(labelled_batch())


def test_statistics_outside_the_part_that_learns_stay() -> None:
    net = new_net()
    trainer = Trainer(net, replace(CONFIG, only=("heads.depth.", "decoder.")), torch.ones(11))
    before = {k: v.clone() for k, v in net.state_dict().items() if "running_mean" in k}
    trainer.update(labelled_batch())
    moved = [k for k, v in before.items() if not torch.equal(v, net.state_dict()[k])]
    assert moved and all(k.startswith(("heads.depth.", "decoder.")) for k in moved)


def test_a_part_that_there_is_not_is_refused() -> None:
    with pytest.raises(InputError, match=r"only names heads\.colour, of which the network has no"):
        Trainer(new_net(), replace(CONFIG, only=("decoder", "heads.colour")), torch.ones(11))


def test_a_teacher_of_other_classes_is_refused() -> None:
    with pytest.raises(WeightsError, match=r"The teacher knows other classes \(.*ceiling"):
        Trainer(new_net(), CONFIG, torch.ones(11), random_net())


def test_statistics_of_imagenet_stay_frozen() -> None:
    net = new_net()
    trainer = Trainer(net, CONFIG, torch.ones(11))
    before = {k: v.clone() for k, v in net.state_dict().items() if "running_mean" in k}
    trainer.update(labelled_batch())
    moved = {k for k, v in before.items() if not torch.equal(v, net.state_dict()[k])}
    assert "heads.depth.hidden.1.running_mean" in moved
    assert "backbone.final_norm.running_mean" in moved
    assert not any(k.startswith(("backbone.stem", "backbone.res3")) for k in moved)
    trainer.step = CONFIG.norm_steps
    settled = {k: net.state_dict()[k].clone() for k in before}
    trainer.update(labelled_batch())
    assert all(torch.equal(v, net.state_dict()[k]) for k, v in settled.items())


def test_mobilenets_statistics_stay_frozen_except_behind_multipool() -> None:
    net = new_net(backbone="mobilenetv2")
    trainer = Trainer(net, CONFIG, torch.ones(11))
    before = {k: v.clone() for k, v in net.state_dict().items() if "running_mean" in k}
    trainer.update(labelled_batch())
    moved = {k for k, v in before.items() if not torch.equal(v, net.state_dict()[k])}
    inside = {k.removeprefix("backbone.") for k in moved if k.startswith("backbone.")}
    places = ("bn2", "bn3", "conv2.selector.1", "conv2.selector.4")
    assert inside == {f"stage6.0.{place}.running_mean" for place in places}


def test_a_gradient_that_is_not_finite_stops_the_run() -> None:
    net = new_net()
    trainer = Trainer(net, CONFIG, torch.ones(11))
    with torch.no_grad():
        net.heads["depth"].project.bias.fill_(torch.nan)  # type: ignore[union-attr]
    with pytest.raises(WeightsError, match="diverged at step 0"):
        trainer.update(labelled_batch())
    assert trainer.step == 0


def test_parameters_learn_at_three_speeds() -> None:
    net = new_net()
    levels = nn.Parameter(torch.zeros(len(net.gates)))
    names, groups = parameter_groups(net, levels, CONFIG)
    by_id = {id(p): name for name, p in (*net.named_parameters(), ("levels", levels))}
    assert sorted(names) == sorted(by_id.values())
    slow, fast, scalars = ({by_id[id(p)] for p in group["params"]} for group in groups)
    assert {"backbone.stem_conv.weight", "backbone.res4.5.conv1.weight"} <= slow
    assert {"backbone.res5.0.conv1.weight", "backbone.final_norm.weight"} <= fast
    assert {"gates.res2_1.project.weight", "heads.depth.project.bias"} <= fast
    assert scalars == {"levels"} | {
        f"gates.{n}.{s}" for n in net.gates for s in ("project.bias", "budget_scale")
    }
    assert [by_id[id(p)] for group in groups for p in group["params"]] == names
    rates = [CONFIG.lr_backbone, CONFIG.lr_new, CONFIG.lr_gate]
    assert [group["lr"] for group in groups] == rates


def test_mobilenets_new_parts_learn_fast() -> None:
    net = new_net(backbone="mobilenetv2")
    levels = nn.Parameter(torch.zeros(len(net.gates)))
    _, groups = parameter_groups(net, levels, CONFIG)
    by_id = {id(p): name for name, p in (*net.named_parameters(), ("levels", levels))}
    slow, fast, scalars = ({by_id[id(p)] for p in group["params"]} for group in groups)
    assert {"backbone.stem_conv.weight", "backbone.stage6.0.conv2.weight"} <= slow
    assert {"backbone.stage6.0.conv2.point_weight", "backbone.stage6.0.bn3.bias"} <= fast
    assert "gates.stage2_2.project.weight" in fast and len(scalars) == 2 * len(net.gates) + 1
    assert all(name.startswith("backbone.") for name in slow)


def test_a_state_of_another_network_is_refused(tmp_path: Path) -> None:
    Trainer(new_net(), CONFIG, torch.ones(11)).save(tmp_path / STATE)
    other = PAGNet(PAGConfig(output_stride=16, head_channels=8))
    with pytest.raises(WeightsError, match="is of another network"):
        Trainer(other, CONFIG, torch.ones(11)).load(tmp_path / STATE)


def test_rare_classes_weigh_more() -> None:
    datasets = [MemoryDataset(("depth",)), MemoryDataset(("segmentation",))]
    weights = class_weights(datasets, [0.5, 0.5], 11)
    assert float(weights.mean()) == pytest.approx(1)
    assert weights[8] > weights[3]  # the box is smaller than the ground
    assert (weights[[0, 1, 2]] > weights[8]).all()
    assert weights.isfinite().all()
    cached = [CachedDataset(dataset) for dataset in datasets]
    assert torch.equal(class_weights(cached, [0.5, 0.5], 11), weights)


def test_twice_is_the_batch_followed_by_itself() -> None:
    batch = labelled_batch(3)
    doubled = twice(batch)
    assert len(doubled) == 6
    assert torch.equal(doubled.normals[:3], batch.normals)
    assert torch.equal(doubled.depth[3:], batch.depth)


def test_command_line_trains_a_mobilenet(tmp_path: Path) -> None:
    data, out = write_all(tmp_path / "data", "train"), tmp_path / "run"
    settings = {"steps": 3, "batch": 2, "crop": 32, "open_steps": 1, "ramp_steps": 1}
    arguments = ["--data", data, "--out", out, "--device", "cpu", "--set", json.dumps(settings)]
    arguments += ["--teacher", write_random_checkpoint(tmp_path / "teacher")]
    assert main([*(str(a) for a in arguments), "--network", '{"backbone": "mobilenetv2"}']) == 0
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert len(log) == 3 and {"budget", "used"} <= log[2].keys()
    assert all(entry["taught_depth"] > 0 for entry in log)
    assert "net.gates.stage6_3.project.weight" in load_file(out / STATE)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_all(tmp_path / "data", "train")
    settings = {"steps": 2, "batch": 2, "crop": 32, "open_steps": 1}
    out = tmp_path / "run" / "first"
    arguments = ["--data", data, "--out", out, "--device", "cpu"]
    arguments += ["--set", json.dumps(settings), "--network", '{"output_stride": 16}']
    assert main([str(a) for a in arguments]) == 0
    assert {p.name for p in out.iterdir()} == {STATE, "log.jsonl"}
    assert len((out / "log.jsonl").read_text().splitlines()) == 2
    assert main([str(a) for a in arguments]) == 0  # nothing left to do
    assert len((out / "log.jsonl").read_text().splitlines()) == 2

    # A run may start from another's state, if there is something left to do.
    second = tmp_path / "run" / "second"
    arguments[arguments.index(out)] = second
    arguments = [*(str(a) for a in arguments), "--start", str(out / STATE)]
    with pytest.raises(SystemExit):
        main(arguments)
    assert "has done 2 steps; expected less than the 2 of this run" in capsys.readouterr().err
    assert main([*arguments, "--set", json.dumps(settings | {"steps": 3})]) == 0
    entries = (second / "log.jsonl").read_text().splitlines()
    assert [json.loads(entry)["step"] for entry in entries] == [2]
    first, last = load_file(out / STATE), load_file(second / STATE)
    assert 0 < len(differing(first, last)) < len(first)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "There is no training state called start.safetensors"),
        (b"not a state", "The training state cannot be used"),
        (save({"levels": torch.zeros(3)}), "The training state cannot be used"),
    ],
)
def test_what_is_no_state_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, message: str
) -> None:
    start, out = tmp_path / "start.safetensors", tmp_path / "run"
    if content is not None:
        start.write_bytes(content)
    data = write_all(tmp_path / "data", "train")
    arguments = ["--data", data, "--out", out, "--device", "cpu", "--start", start]
    arguments += ["--network", '{"backbone": "mobilenetv2"}']
    with pytest.raises(SystemExit):
        main([str(a) for a in arguments])
    assert message in capsys.readouterr().err
    assert not (out / STATE).exists()


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--set", '{"stepps": 1}'], "TrainConfig: unknown setting(s) stepps"),
        (["--network", '{"output_stride": 4}'], "output_stride is 4"),
        (["--device", "gpu"], "The device is 'gpu'; expected auto, cpu or cuda"),
        (["--device", "meta"], "The device is 'meta'; expected auto, cpu or cuda"),
        (["--network", '{"backbone": "vgg"}'], "expected one of: resnet50, mobilenetv2"),
        ([], "no folder images/train found"),
    ],
)
def test_command_line_explains_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--device", "cpu", "--data", str(tmp_path), "--out", str(tmp_path / "run"), *extra])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_what_does_not_fit_is_refused_before_data_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher, state = write_random_checkpoint(tmp_path / "teacher"), tmp_path / STATE
    Trainer(new_net(), CONFIG, torch.ones(11)).save(state)
    (tmp_path / "file").touch()
    for extra, message in (
        (["--teacher", str(teacher), "--network", '{"classes": ["sky"]}'], "knows other classes"),
        (["--start", str(state)], "The state to go on from is of another network"),
        (["--out", str(tmp_path / "file")], "is a file; expected a folder"),
        (["--out", str(tmp_path / "file" / "run")], "is a file; expected a folder"),
        (["--set", "{steps: 1}"], "is no JSON"),
        (["--set", "[1]"], "expected an object"),
        (["--set", '{"zoom": 1}'], "zoom is 1; expected a list"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(["--data", "nowhere", "--out", str(tmp_path / "run"), "--device", "cpu", *extra])
        assert stop.value.code == 2
        assert message in capsys.readouterr().err


@pytest.mark.parametrize("classes", [STREET_CLASSES, ("sky", "ground"), STREET_CLASSES[::-1]])
def test_data_of_other_classes_than_the_networks_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], classes: tuple[str, ...]
) -> None:
    arguments = ["--data", str(write_all(tmp_path, "train")), "--out", str(tmp_path / "run")]
    with pytest.raises(SystemExit):
        main([*arguments, "--device", "cpu", "--network", json.dumps({"classes": classes})])
    error = capsys.readouterr().err
    assert "are not the first ones of the network" in error and "reading" not in error


def test_crops_too_small_for_the_network_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", "nowhere", "--out", str(tmp_path / "run"), "--device", "cpu"]
    with pytest.raises(SystemExit):
        main([*arguments, "--network", '{"output_stride": 16}', "--set", '{"crop": 30}'])
    assert "crop is 30; expected 32 or more" in capsys.readouterr().err


def test_training_data_is_read_into_memory(tmp_path: Path) -> None:
    data = open_training_data(write_all(tmp_path / "data", "train"))
    shutil.rmtree(tmp_path / "data")
    assert [len([d[i] for i in range(len(d))]) for d in data.values()] == [2, 2, 8, 2]


def test_training_data_takes_hand_labels_and_textures(tmp_path: Path) -> None:
    write_all(tmp_path, "train")
    labels = tmp_path / "labels.json"
    regions = [{"ids": [2], "class": "car", "depth": [5]}]
    labels.write_text(json.dumps({"box0": {"annotator": 0, "regions": regions}}))
    plain = open_training_data(tmp_path)
    more = open_training_data(tmp_path, LabelFiles(labels), textures=True)
    assert set(more["bsds500"].tasks) == set(TASKS)
    assert plain["bsds500"].tasks == ("boundary",)
    ids, depth = more["bsds500"][0].segmentation, more["bsds500"][0].depth
    assert ids is not None and set(np.unique(ids)) == {STREET_CLASSES.index("car"), IGNORE}
    assert depth is not None and set(np.unique(depth)) == {0, 5}
    pairs = [(plain["scenes"][i], more["scenes"][i]) for i in (0, 1)]
    assert any(not np.array_equal(before.image, after.image) for before, after in pairs)
    for before, after in pairs:
        np.testing.assert_array_equal(before.depth, after.depth)


def test_training_data_takes_the_labels_of_a_room(tmp_path: Path) -> None:
    write_all(tmp_path, "train")
    for frame in (tmp_path / "7scenes-kitchen").glob("*.color.png"):
        np.savetxt(frame.with_name(frame.name.replace("color.png", "pose.txt")), np.eye(4))
    everything = {"outline": [[-9, -9], [9, -9], [9, 9], [-9, 9]], "heights": [-9, 9]}
    labels = tmp_path / "room.json"
    world = np.eye(4)[:3].tolist()
    labels.write_text(json.dumps({"room": world, "things": [{"class": "chair", **everything}]}))
    data = open_training_data(tmp_path, LabelFiles(room=labels))
    assert data["sevenscenes"].tasks == ("segmentation", "depth", "normals")
    ids, depth = data["sevenscenes"][0].segmentation, data["sevenscenes"][0].depth
    assert ids is not None and depth is not None
    np.testing.assert_array_equal(ids == LABEL_SETS["all"].index("chair"), depth > 0)


def test_thinned_labels_are_those_of_one_pixel_in_each_square() -> None:
    batch = next(iter_batches())
    thin = thinned(batch, 2, torch.Generator().manual_seed(1))
    rows, columns = torch.randint(2, (2,), generator=torch.Generator().manual_seed(1)).tolist()
    assert torch.equal(thin.segmentation, batch.segmentation[:, rows::2, columns::2])
    assert torch.equal(thin.depth, batch.depth[:, rows::2, columns::2])
    assert torch.equal(thin.normals, batch.normals[:, :, rows::2, columns::2])
    assert thin.boundary is batch.boundary and thin.image is batch.image


def test_crops_are_zoomed_as_asked(tmp_path: Path) -> None:
    losses = []
    for zoom in ((0.5, 0.5), (1.5, 1.5)):
        out = tmp_path / str(zoom)
        out.mkdir()
        run(new_net(), replace(CONFIG, steps=1, zoom=zoom), tiny_datasets(), out, 1000)
        losses.append(json.loads((out / "log.jsonl").read_text())["loss"])
    assert losses[0] != losses[1]


def iter_batches() -> Iterator[Batch]:
    datasets = tiny_datasets()
    mixture = Mixture(list(datasets.values()), CONFIG.mixture[: len(datasets)], 0)
    yield mixture.batch(0, 2, 64)
