"""ImageNet tensors find their places; checkpoints are strict."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from pag.backbones import ResNet50
from pag.budget import BudgetTable
from pag.errors import WeightsError
from pag.network import PAGNet
from pag.pretrained import (
    frozen_norms,
    gluon_names,
    load_checkpoint,
    load_imagenet,
    save_checkpoint,
)
from tests.checkpoints import random_net, write_random_checkpoint

NO_COUNTERPART = ("res5.1.conv2.", "final_norm.")
"""MultiPool, and the norm that closes a residual sum of another width."""


@pytest.fixture(scope="module")
def backbone() -> ResNet50:
    torch.manual_seed(0)
    return ResNet50(16, (0, 1, 2))


def gluon_file(path: Path, backbone: ResNet50, without: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """A file like GluonCV's: each tensor a value of its own, the last stage at full width."""
    state = backbone.state_dict()
    tensors = {}
    for index, (theirs, ours) in enumerate(gluon_names(backbone).items()):
        shape = list(state[ours].shape)
        if ours.startswith("res5"):
            shape[0] *= 2
        tensors[theirs] = torch.full(shape, float(index + 1))
    tensors |= {"dense0_weight": torch.ones(10, 4), "batchnorm2_gamma": torch.ones(2048)}
    tensors = {name: tensor for name, tensor in tensors.items() if name not in without}
    save_file(tensors, path)
    return tensors


def test_every_tensor_with_a_counterpart_has_one_name(backbone: ResNet50) -> None:
    names = gluon_names(backbone)
    wanted = {
        name
        for name in backbone.state_dict()
        if not name.endswith("num_batches_tracked") and not name.startswith(NO_COUNTERPART)
    }
    theirs_only = {ours for ours in names.values() if ours.startswith("res5.1.conv2")}
    assert set(names.values()) - theirs_only == wanted
    assert len(set(names.values())) == len(names)


def test_names_follow_the_release(backbone: ResNet50) -> None:
    names = gluon_names(backbone)
    expected = {
        "batchnorm0_gamma": "input_norm.weight",
        "conv0_weight": "stem_conv.weight",
        "batchnorm1_running_var": "stem_norm.running_var",
        "stage1_conv0_weight": "res2.0.conv1.weight",
        "stage1_conv2_weight": "res2.0.conv3.weight",
        "stage1_conv3_weight": "res2.0.downsample.weight",  # after the block's own three
        "stage1_conv4_weight": "res2.1.conv1.weight",
        "stage1_batchnorm2_beta": "res2.0.bn3.bias",
        "stage1_batchnorm3_running_mean": "res2.1.bn1.running_mean",
        "stage3_conv18_weight": "res4.5.conv3.weight",
        "stage4_conv4_weight": "res5.1.conv1.weight",
    }
    assert {theirs: names[theirs] for theirs in expected} == expected


def test_imagenet_tensors_land_in_their_places(tmp_path: Path, backbone: ResNet50) -> None:
    tensors = gluon_file(tmp_path / "w.safetensors", backbone)
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    report = load_imagenet(backbone, tmp_path / "w.safetensors")
    places, after = gluon_names(backbone), backbone.state_dict()
    for theirs in report.used:
        assert torch.equal(after[places[theirs]], tensors[theirs])
    filled = {places[theirs] for theirs in report.used}
    assert all(torch.equal(after[name], before[name]) for name in set(after) - filled)
    assert set(report.used) | set(report.unused) == set(tensors)
    assert not set(report.used) & set(report.unused)
    assert {"dense0_weight", "batchnorm2_gamma", "stage4_conv0_weight"} <= set(report.unused)
    assert all(name.startswith(("stage4", "dense", "batchnorm2")) for name in report.unused)
    assert all(name.startswith(("res5", "final_norm")) for name in report.fresh)
    counted = {name for name in after if name.endswith("num_batches_tracked")}
    assert filled | set(report.fresh) | counted == set(after)


def test_imagenet_weights_that_lack_something(tmp_path: Path, backbone: ResNet50) -> None:
    path = tmp_path / "w.safetensors"
    gluon_file(path, backbone, without=("stage2_conv4_weight", "conv0_weight"))
    with pytest.raises(WeightsError, match="lack 2 tensors, conv0_weight for one"):
        load_imagenet(backbone, path)
    path.write_bytes(b"no safetensors")
    with pytest.raises(WeightsError, match="not readable as safetensors"):
        load_imagenet(backbone, path)
    with pytest.raises(WeightsError, match="no weights file"):
        load_imagenet(backbone, tmp_path / "absent.safetensors")


def test_frozen_norms_are_those_with_imagenet_statistics(backbone: ResNet50) -> None:
    frozen = {id(norm) for norm in frozen_norms(backbone)}
    names = {name for name, module in backbone.named_modules() if id(module) in frozen}
    assert {"input_norm", "stem_norm", "res2.0.bn1", "res4.5.bn3"} <= names
    assert not any(name.startswith(("res5", "final_norm")) for name in names)
    assert len(names) == 2 + 3 * (3 + 4 + 6)


# ---------------------------------------------------------------- checkpoints


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PAGNet]:
    folder = tmp_path_factory.mktemp("saved")
    write_random_checkpoint(folder, seed=3, gate_scope="conv", dilations=(1, 2))
    return folder, random_net(seed=3, gate_scope="conv", dilations=(1, 2))


@pytest.fixture
def broken(tmp_path: Path, saved: tuple[Path, PAGNet]) -> Path:
    """A copy of the checkpoint, to be damaged."""
    for file in saved[0].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_a_checkpoint_comes_back_as_it_was(saved: tuple[Path, PAGNet]) -> None:
    folder, net = saved
    checkpoint = load_checkpoint(folder)
    assert checkpoint.net.config == net.config
    assert not checkpoint.net.training
    assert checkpoint.table.names == tuple(net.gates)
    assert checkpoint.table.shares[1][0] == 0.2
    weights = (folder / "model.safetensors").read_bytes()
    assert checkpoint.digest == hashlib.sha256(weights).hexdigest()[:12]
    for name, value in checkpoint.net.state_dict().items():
        expected = net.state_dict()[name]
        assert value.dtype == expected.dtype
        if value.ndim == 4:  # kernels are stored in half precision
            assert torch.allclose(value, expected, rtol=1e-3, atol=1e-7)
        else:
            assert torch.equal(value, expected)


def test_saving_what_was_loaded_changes_nothing(tmp_path: Path, saved: tuple[Path, PAGNet]) -> None:
    checkpoint = load_checkpoint(saved[0])
    save_checkpoint(tmp_path / "again", checkpoint.net, checkpoint.table)
    assert load_checkpoint(tmp_path / "again").digest == checkpoint.digest


def edit_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 99}, "format 99"),
        ({"network": {"output_stride": 5}}, "output_stride is 5"),
        ({"network": {"colour": "red"}}, "unknown setting"),
        ({"network": None}, "does not fit"),
        ({"budget_table": {"names": ["a"]}}, "damaged"),
        ({"budget_table": {"names": ["a"], "shares": [[0], [2]]}}, "rise from 0 to 1"),
        ({"budget_table": {"names": ["a"], "shares": [[0], [1]]}}, "names other layers"),
    ],
)
def test_a_config_that_does_not_fit(broken: Path, changes: dict, message: str) -> None:
    edit_config(broken, **changes)
    with pytest.raises(WeightsError, match=message):
        load_checkpoint(broken)


def test_a_damaged_config(broken: Path) -> None:
    (broken / "config.json").write_text("{")
    with pytest.raises(WeightsError, match="damaged"):
        load_checkpoint(broken)


def test_weights_must_be_complete_and_nothing_else(broken: Path) -> None:
    path = broken / "model.safetensors"
    tensors = load_file(path)
    save_file({k: v for k, v in tensors.items() if k != "heads.depth.project.bias"}, path)
    with pytest.raises(WeightsError, match=r"heads\.depth\.project\.bias"):
        load_checkpoint(broken)
    save_file(tensors | {"extra": torch.ones(1)}, path)
    with pytest.raises(WeightsError, match="extra"):
        load_checkpoint(broken)
    path.unlink()
    with pytest.raises(WeightsError, match="no weights file"):
        load_checkpoint(broken)


def test_a_checkpoint_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no checkpoint called .*expected a folder"):
        load_checkpoint(tmp_path / "absent")


def test_a_table_goes_with_its_network(tmp_path: Path) -> None:
    net = random_net()
    save_checkpoint(tmp_path, net, BudgetTable.uniform(("a", "b")))
    with pytest.raises(WeightsError, match="names other layers"):
        load_checkpoint(tmp_path)
