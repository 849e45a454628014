"""Calibration: from a training state to a checkpoint whose layers follow the budget."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pag.budget import BudgetTable
from pag.calibrate import build_table, gates_of, level_table, main, measure, settle_thresholds
from pag.config import TRAINING_MASKS, TrainConfig
from pag.macs import network_cost
from pag.pretrained import load_checkpoint, save_checkpoint
from pag.relaxation import layer_shares
from pag.trainer import Trainer
from tests.backbones import GATES
from tests.checkpoints import random_net
from tests.tiny_data import write_all


def test_table_rises_from_closed_to_open_in_every_layer() -> None:
    shares = np.array([[0.5, 0.2], [0.1, 0.4], [0.9, 0.3]])
    table = build_table(("a", "b"), shares)
    array = np.array(table.shares)
    assert not array[0].any() and (array[-1] == 1).all()
    assert (np.diff(array, axis=0) >= 0).all()
    assert array[1].tolist() == [0.1, 0.4]  # the row that spends least comes first


@pytest.mark.parametrize("backbone", GATES)
def test_measured_shares_are_those_of_the_gates_thresholds(backbone: str) -> None:
    net = random_net(backbone=backbone)
    images = [torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(i)) for i in (0, 1)]
    shares = measure(net, images, (0.05, 0.95))
    assert shares.shape == (2, len(GATES[backbone]))
    assert (shares[0] <= shares[1]).all()
    assert shares[1].mean() > 0.9 > 0.1 > shares[0].mean()


def test_allotments_follow_the_measured_shares() -> None:
    net = random_net()
    names = tuple(net.gates)
    shares = np.linspace(0.1, 0.9, len(names))[None]
    table = build_table(names, shares)
    cost = network_cost(net, (96, 128), ())
    dense = np.array([layer.dense for layer in cost.layers])
    budget = (cost.fixed + float(shares[0] @ dense)) / cost.dense
    assert np.allclose(np.array(table.allot(cost, budget)) / dense, shares[0], atol=1e-3)
    assert sum(table.allot(cost, 0.8)) == pytest.approx(0.8 * cost.dense - cost.fixed, rel=1e-6)


def test_levels_become_the_shares_of_training() -> None:
    net = random_net()
    names = tuple(net.gates)
    levels = torch.linspace(-2, 2, len(names))
    table = level_table(names, levels)
    cost = network_cost(net, (96, 128), ())
    dense = np.array([layer.dense for layer in cost.layers])
    for budget in (cost.floor + 0.03, 0.5, 0.7, 0.97):
        expected = layer_shares(levels, cost, torch.tensor([budget]))[0].numpy()
        assert np.allclose(np.array(table.allot(cost, budget)) / dense, expected, atol=0.01)


def test_settled_thresholds_open_what_the_exact_policy_keeps() -> None:
    net = random_net()
    names = tuple(net.gates)
    with torch.no_grad():
        for gate in gates_of(net):
            assert gate.project.bias is not None
            gate.project.bias += 4.0  # open whatever the budget
    table = BudgetTable.uniform(names)
    images = [torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(i)) for i in (0, 1)]
    cost = network_cost(net, (64, 96), ())
    requests = (0.5, 0.65, 0.8)
    wanted = [
        (request * cost.dense - cost.fixed) / (cost.dense - cost.fixed) for request in requests
    ]

    def error() -> np.ndarray:
        return np.abs(measure(net, images, requests).mean(1) - wanted)

    before = error()
    settle_thresholds(net, table, images, requests)
    assert (error() < 0.15).all() and (error() < before).all()


@pytest.mark.parametrize("masks", TRAINING_MASKS)
def test_command_line_makes_a_checkpoint_of_a_state(tmp_path: Path, masks: str) -> None:
    net = random_net()
    trainer = Trainer(net, TrainConfig(masks=masks), torch.ones(11))
    with torch.no_grad():
        trainer.levels[3] = 2.0
    trainer.save(tmp_path / "state.safetensors")
    data, out = write_all(tmp_path / "data", "val"), tmp_path / "checkpoint"
    state = str(tmp_path / "state.safetensors")
    given = [
        "--state",
        state,
        "--data",
        str(data),
        "--out",
        str(out),
        "--images",
        "1",
        "--size",
        "64",
    ]
    assert main(given) == 0
    checkpoint = load_checkpoint(out)
    half = np.array(checkpoint.table.shares)[len(checkpoint.table.shares) // 2]
    if masks == "ranked":
        assert half[3] > 0.8 and half[[0, 14]] == pytest.approx([0.5, 0.5])
    kernel = "heads.depth.project.weight"
    own = net.state_dict()[kernel]
    assert torch.allclose(checkpoint.net.state_dict()[kernel], own, atol=1e-3)
    before = random_net(seed=5)
    save_checkpoint(tmp_path / "before", before, checkpoint.table)
    assert main([*given, "--blend", str(tmp_path / "before"), "--share", "0.25"]) == 0
    blended = load_checkpoint(out).net.state_dict()[kernel]
    theirs = before.state_dict()[kernel]
    assert torch.allclose(blended, 0.25 * own + 0.75 * theirs, atol=1e-3)
    assert not torch.allclose(blended, own, atol=1e-2)


def test_a_share_without_a_blend_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Trainer(random_net(), TrainConfig(), torch.ones(11)).save(tmp_path / "state.safetensors")
    given = ["--state", str(tmp_path / "state.safetensors"), "--data", str(tmp_path)]
    with pytest.raises(SystemExit) as stop:
        main([*given, "--out", str(tmp_path / "out"), "--share", "0.6"])
    assert stop.value.code == 2
    assert "expected both" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_state_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state.safetensors").write_bytes(b"nothing")
    given = ["--state", str(tmp_path / "state.safetensors"), "--data", str(tmp_path)]
    with pytest.raises(SystemExit) as stop:
        main([*given, "--out", str(tmp_path / "out")])
    assert stop.value.code == 2
    assert "training state cannot be used" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
