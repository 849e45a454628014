"""ImageNet tensors find their places; checkpoints are strict."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pag import checkpoints
from pag.backbones import CLASSES, Backbone, build_backbone
from pag.budget import BudgetTable
from pag.checkpoints import find_model, model_names, other_models
from pag.config import PAGConfig
from pag.errors import WeightsError
from pag.network import PAGNet
from pag.pretrained import (
    frozen_norms,
    load_checkpoint,
    load_imagenet,
    save_checkpoint,
)
from tests.backbones import multipool
from tests.checkpoints import random_net, write_random_checkpoint

NO_COUNTERPART = {
    # MultiPool, and the norm that closes a residual sum of another width.
    "resnet50": ("res5.1.conv2.", "final_norm."),
    "mobilenetv2": ("stage6.0.conv2.point_weight", "stage6.0.conv2.selector."),
}
BEYOND = {
    "resnet50": {"dense0_weight": (10, 4), "batchnorm2_gamma": (2048,)},
    "mobilenetv2": {
        "features_conv1_weight": (1280, 320, 1, 1),
        "features_batchnorm1_gamma": (1280,),
        "features_linearbottleneck16_conv1_weight": (960, 1, 3, 3),
    },
}
"""Tensors of the release that have no place here, with their shapes."""


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return new_backbone("resnet50")


def new_backbone(name: str) -> Backbone:
    torch.manual_seed(0)
    return build_backbone(PAGConfig(backbone=name, output_stride=16, dilations=(0, 1, 2)))


def name_of(backbone: Backbone) -> str:
    return next(name for name, kind in CLASSES.items() if type(backbone) is kind)


def gluon_file(path: Path, backbone: Backbone, without: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """A file like GluonCV's: each tensor a value of its own, ResNet's last stage at full width."""
    state = backbone.state_dict()
    tensors = {}
    for index, (theirs, ours) in enumerate(backbone.gluon_names().items()):
        shape = list(state[ours].shape)
        if ours.startswith("res5"):
            shape[0] *= 2
        tensors[theirs] = torch.full(shape, float(index + 1))
    tensors |= {name: torch.ones(shape) for name, shape in BEYOND[name_of(backbone)].items()}
    tensors = {name: tensor for name, tensor in tensors.items() if name not in without}
    save_file(tensors, path)
    return tensors


@pytest.mark.parametrize("name", CLASSES)
def test_every_tensor_with_a_counterpart_has_one_name(name: str) -> None:
    backbone = new_backbone(name)
    names = backbone.gluon_names()
    wanted = {
        ours
        for ours in backbone.state_dict()
        if not ours.endswith("num_batches_tracked") and not ours.startswith(NO_COUNTERPART[name])
    }
    theirs_only = {ours for ours in names.values() if ours.startswith("res5.1.conv2")}
    assert set(names.values()) - theirs_only == wanted
    assert len(set(names.values())) == len(names)


def test_names_follow_the_release(backbone: Backbone) -> None:
    names = backbone.gluon_names()
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


def test_names_of_mobilenet_follow_the_release() -> None:
    names = new_backbone("mobilenetv2").gluon_names()
    expected = {
        "features_conv0_weight": "stem_conv.weight",
        "features_batchnorm0_gamma": "stem_norm.weight",
        "features_linearbottleneck0_conv0_weight": "stage1.0.conv1.weight",
        "features_linearbottleneck2_batchnorm1_beta": "stage2.1.bn2.bias",
        "features_linearbottleneck10_conv2_weight": "stage5.0.conv3.weight",
        "features_linearbottleneck13_conv1_weight": "stage6.0.conv2.weight",  # MultiPool's own
        "features_linearbottleneck15_batchnorm2_running_var": "stage6.2.bn3.running_var",
    }
    assert {theirs: names[theirs] for theirs in expected} == expected
    assert len(names) == 5 + 16 * 15


def test_mobilenets_multipool_starts_from_the_pretrained_kernel(tmp_path: Path) -> None:
    backbone = new_backbone("mobilenetv2")
    tensors = gluon_file(tmp_path / "w.safetensors", backbone)
    kernel = torch.randn(576, 1, 3, 3)
    tensors["features_linearbottleneck13_conv1_weight"] = kernel
    save_file(tensors, tmp_path / "w.safetensors")
    report = load_imagenet(backbone, tmp_path / "w.safetensors")
    pool = multipool(backbone)
    assert torch.equal(pool.weight, kernel)
    # Inside a flat surrounding, all pooling fields agree at first.
    flat = torch.full((1, 576, 9, 9), 0.7)
    values = [pool.branch(flat, dilation)[..., 4, 4] for dilation in pool.dilations]
    assert all(torch.allclose(v, values[0], atol=1e-5) for v in values)
    assert set(report.unused) == set(BEYOND["mobilenetv2"])
    places = backbone.gluon_names()
    filled = {places[theirs] for theirs in report.used}
    rest = {name for name in backbone.state_dict() if not name.endswith("num_batches_tracked")}
    assert all(name.startswith(NO_COUNTERPART["mobilenetv2"]) for name in rest - filled)


def test_imagenet_tensors_land_in_their_places(tmp_path: Path, backbone: Backbone) -> None:
    tensors = gluon_file(tmp_path / "w.safetensors", backbone)
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    report = load_imagenet(backbone, tmp_path / "w.safetensors")
    places, after = backbone.gluon_names(), backbone.state_dict()
    for theirs in report.used:
        assert torch.equal(after[places[theirs]], tensors[theirs])
    filled = {places[theirs] for theirs in report.used}
    assert all(torch.equal(after[name], before[name]) for name in set(after) - filled)
    assert set(report.used) | set(report.unused) == set(tensors)
    assert not set(report.used) & set(report.unused)
    assert {"dense0_weight", "batchnorm2_gamma", "stage4_conv0_weight"} <= set(report.unused)
    assert all(name.startswith(("stage4", "dense", "batchnorm2")) for name in report.unused)
    fresh = {name for name in after if not name.endswith("num_batches_tracked")} - filled
    assert all(name.startswith(("res5", "final_norm")) for name in fresh)


def test_imagenet_weights_that_lack_something(tmp_path: Path, backbone: Backbone) -> None:
    path = tmp_path / "w.safetensors"
    gluon_file(path, backbone, without=("stage2_conv4_weight", "conv0_weight"))
    with pytest.raises(WeightsError, match="lack 2 tensors, conv0_weight for one"):
        load_imagenet(backbone, path)
    path.write_bytes(b"no safetensors")
    with pytest.raises(WeightsError, match="not readable as safetensors"):
        load_imagenet(backbone, path)
    with pytest.raises(WeightsError, match="no weights file"):
        load_imagenet(backbone, tmp_path / "absent.safetensors")


def test_weights_of_another_backbone_are_refused(tmp_path: Path, backbone: Backbone) -> None:
    gluon_file(tmp_path / "w.safetensors", backbone)
    with pytest.raises(WeightsError, match="lack 237 tensors, features_batchnorm0_gamma for one"):
        load_imagenet(new_backbone("mobilenetv2"), tmp_path / "w.safetensors")


def test_frozen_norms_are_those_with_imagenet_statistics(backbone: Backbone) -> None:
    frozen = {id(norm) for norm in frozen_norms(backbone)}
    names = {name for name, module in backbone.named_modules() if id(module) in frozen}
    assert {"input_norm", "stem_norm", "res2.0.bn1", "res4.5.bn3"} <= names
    assert not any(name.startswith(("res5", "final_norm")) for name in names)
    assert len(names) == 2 + 3 * (3 + 4 + 6)


def test_frozen_norms_of_mobilenet_are_all_but_those_behind_multipool() -> None:
    backbone = new_backbone("mobilenetv2")
    frozen = {id(norm) for norm in frozen_norms(backbone)}
    norms = {name for name, m in backbone.named_modules() if isinstance(m, nn.BatchNorm2d)}
    free = {name for name in norms if id(backbone.get_submodule(name)) not in frozen}
    selector = {f"stage6.0.conv2.selector.{index}" for index in (1, 4)}
    assert free == {"stage6.0.bn2", "stage6.0.bn3", *selector}
    assert len(frozen) == 1 + 3 * 16 - 2


# ---------------------------------------------------------------- checkpoints


SAVED = [
    {"gate_scope": "conv", "dilations": (1, 2)},
    {"backbone": "mobilenetv2", "decoder_channels": (32, 16)},
]


@pytest.fixture(scope="module", params=SAVED, ids=["resnet50", "mobilenetv2"])
def saved(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, PAGNet]:
    folder = tmp_path_factory.mktemp("saved")
    write_random_checkpoint(folder, seed=3, **request.param)
    return folder, random_net(seed=3, **request.param)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_checkpoint(tmp_path_factory.mktemp("whole"), **SAVED[1])  # type: ignore[arg-type]


@pytest.fixture
def broken(tmp_path: Path, whole: Path) -> Path:
    """A copy of a checkpoint, to be damaged."""
    for file in whole.iterdir():
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
        ({"network": {"backbone": "vgg"}}, "expected one of: resnet50, mobilenetv2"),
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


def test_models_are_found_by_name_as_they_lie_on_disk(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "CHECKPOINTS", tmp_path)
    assert model_names() == ()
    with pytest.raises(WeightsError, match="no model called 'small'; expected one of: none here"):
        find_model("small")
    for name in ("small", "default"):
        (tmp_path / name).mkdir()
        for file in whole.iterdir():
            (tmp_path / name / file.name).write_bytes(file.read_bytes())
    (tmp_path / "notes").mkdir()
    assert model_names() == ("default", "small")
    assert other_models() == ("small",)
    assert other_models("small") == other_models(find_model("small")) == ("default",)
    assert load_checkpoint(find_model("small")).net.config.backbone == "mobilenetv2"
    for other in ("large", "notes", "../" + tmp_path.name + "/small", str(whole)):
        with pytest.raises(WeightsError, match="expected one of: default, small"):
            find_model(other)


def test_a_table_goes_with_its_network(tmp_path: Path) -> None:
    net = random_net()
    save_checkpoint(tmp_path, net, BudgetTable.uniform(("a", "b")))
    with pytest.raises(WeightsError, match="names other layers"):
        load_checkpoint(tmp_path)
