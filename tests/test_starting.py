"""Starting a training from trained weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from pag.calibrate import level_table
from pag.config import STREET_CLASSES, PAGConfig
from pag.errors import InputError, WeightsError
from pag.network import PAGNet
from pag.starting import blend, fill, levels_of

SMALL = PAGConfig(
    backbone="mobilenetv2",
    output_stride=16,
    dilations=(0, 1),
    classes=STREET_CLASSES,
    decoder_channels=(16, 8),
    head_channels=8,
)
MORE = replace(SMALL, classes=(*STREET_CLASSES, "ceiling", "floor"))


def network(config: PAGConfig, seed: int) -> PAGNet:
    torch.manual_seed(seed)
    return PAGNet(config)


def test_everything_is_taken_over_but_the_rows_of_new_classes() -> None:
    trained, net = network(SMALL, 1), network(MORE, 2)
    own = net.state_dict()["heads.segmentation.project.weight"][11:].clone()
    fill(net, trained.state_dict(), SMALL.classes)
    for name, value in trained.state_dict().items():
        assert torch.equal(net.state_dict()[name][: len(value)] if value.ndim else value, value)
    assert torch.equal(net.state_dict()["heads.segmentation.project.weight"][11:], own)


def test_a_kernel_is_cut_into_the_nearest_separable_one() -> None:
    trained = network(SMALL, 1).eval()
    net = network(replace(SMALL, separable=("middle", "depth", "boundary")), 2).eval()
    tensors = trained.state_dict()
    # Kernels that are separable already come out as they were.
    for layer in ("decoder.fuse_middle", "heads.depth.hidden"):
        kernel = tensors[f"{layer}.0.weight"]
        out, channels = kernel.shape[:2]
        kernel.copy_(torch.randn(out, channels, 1, 1) * torch.randn(1, channels, 3, 3))
        tensors[f"{layer}.1.running_mean"].normal_()
    fill(net, tensors, SMALL.classes)
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected, _ = trained(image, torch.ones(1))
        outputs, _ = net(image, torch.ones(1))
    for task in ("segmentation", "depth", "normals"):
        assert torch.allclose(outputs[task], expected[task], atol=2e-5), task
    assert not torch.allclose(outputs["boundary"], expected["boundary"], atol=2e-5)
    again = network(net.config, 3)
    fill(again, net.state_dict(), SMALL.classes)
    for name, value in net.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)


def test_guided_upsampling_begins_as_bilinear_resizing() -> None:
    trained = network(SMALL, 1).eval()
    net = network(replace(SMALL, guided=True), 2).eval()
    fill(net, trained.state_dict(), SMALL.classes)
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected, _ = trained(image, torch.ones(1))
        outputs, _ = net(image, torch.ones(1))
    assert torch.equal(outputs["boundary"], expected["boundary"])
    assert torch.allclose(outputs["depth"], expected["depth"], atol=0.02)
    assert net.upsampling is not None
    torch.nn.init.normal_(net.upsampling.project.weight)
    again = network(net.config, 3)
    fill(again, net.state_dict(), SMALL.classes)
    for name, value in net.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)


def test_what_begins_anew_keeps_its_own_values() -> None:
    trained, net = network(SMALL, 1), network(SMALL, 2)
    gate = {k: v.clone() for k, v in net.gates.state_dict().items()}
    fill(net, trained.state_dict(), SMALL.classes, ("gates.",))
    assert all(torch.equal(v, net.gates.state_dict()[k]) for k, v in gate.items())
    assert torch.equal(net.backbone.stem_conv.weight, trained.backbone.stem_conv.weight)


def test_weights_that_do_not_fit_are_refused() -> None:
    net, tensors = network(MORE, 2), network(SMALL, 1).state_dict()
    with pytest.raises(WeightsError, match="know other classes"):
        fill(net, tensors, ("road", "sky"))
    with pytest.raises(WeightsError, match="lack "):
        fill(net, {}, SMALL.classes)
    wider = network(replace(SMALL, head_channels=12), 1).state_dict()
    with pytest.raises(WeightsError, match=r"do not fit: heads.*expected \("):
        fill(net, wider, SMALL.classes)


def test_levels_come_back_from_their_table() -> None:
    levels = torch.tensor([-1.5, 0.25, 2.0, -0.75])
    table = level_table(("a", "b", "c", "d"), levels)
    assert torch.allclose(levels_of(table), levels - levels.mean(), atol=1e-2)


def test_a_blend_has_a_share_of_each_weight() -> None:
    one, other = network(SMALL, 1), network(SMALL, 2)
    other.load_state_dict({k: v + 1 for k, v in other.state_dict().items()})
    before = {k: v.clone() for k, v in one.state_dict().items()}
    blend(one, other, 0.75)
    for name, value in one.state_dict().items():
        theirs = other.state_dict()[name]
        if value.dtype.is_floating_point:
            torch.testing.assert_close(value, 0.75 * before[name] + 0.25 * theirs)
        else:
            assert torch.equal(value, before[name])
    with pytest.raises(WeightsError, match="differ in their settings"):
        blend(one, network(MORE, 2), 0.5)
    with pytest.raises(InputError, match=r"is 1.5; expected 0 to 1"):
        blend(one, other, 1.5)
