"""Closed-form MACs against counting by hand, on tiny cases and on the real network."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from pag import cpu
from pag.backbones import InvertedResidual
from pag.config import SEPARABLE
from pag.inference import TASKS
from pag.macs import LayerCost, block_cost, halo, halved, network_cost, per_pixel
from pag.multipool import MultiPool
from pag.network import PAGNet, fuse_batchnorm
from tests.backbones import GATES, gate_stride, multipool, variants
from tests.checkpoints import random_net

VARIANTS = [
    *(("resnet50", stride, scope) for stride in (8, 16) for scope in ("block", "conv")),
    ("mobilenetv2", 8, "block"),
    ("mobilenetv2", 16, "conv"),
]
SIZES = [(64, 96), (65, 99), (47, 33)]


SETTINGS = [
    *variants(*VARIANTS),
    pytest.param({"separable": SEPARABLE, "gate_scope": "block"}, id="separable"),
    pytest.param({"guided": True, "backbone": "mobilenetv2"}, id="guided"),
]


@pytest.fixture(scope="module", params=SETTINGS)
def net(request: pytest.FixtureRequest) -> PAGNet:
    net = random_net(**request.param)
    balance_point_path(net)
    return net


def balance_point_path(net: PAGNet) -> None:
    """Shift a score so that about half of an image's pixels take MultiPool's 1x1 path."""
    pool = multipool(net.backbone)
    seen: list[Any] = []
    hook = pool.selector.register_forward_hook(lambda module, inputs, output: seen.append(output))
    with torch.no_grad():
        net(torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0)), torch.ones(1))
        lead = seen[0][:, 0] - seen[0][:, 1:].amax(1)
        pool.selector[-1].bias[0] -= lead.median()  # type: ignore[index]
    hook.remove()


def layer_cost(
    size: tuple[int, int] = (7, 9), stride: int = 1, dilation: int = 1, scope: str = "block"
) -> LayerCost:
    """A made-up layer of 5 channels in, 2 inside and 3 out."""
    return LayerCost(
        name="x",
        stride=4 * stride,
        scope=scope,
        reduce=5 * 2,
        spatial=9 * 2 * 2,
        expand=2 * 3,
        input_size=size,
        output_size=halved(size) if stride == 2 else size,
        block_stride=stride,
        dilation=dilation,
    )


def counted_by_hooks(net: PAGNet, size: tuple[int, int], tasks: tuple[str, ...]) -> dict[str, int]:
    """Multiply-adds by module name of one dense pass, from the shapes that really occur."""
    counts: dict[str, int] = {}

    def note(name: str, module: nn.Module, output: Any) -> None:
        if isinstance(module, MultiPool):
            out, choice = output
            points = int((choice == module.dilations.index(0)).sum())
            pixels = out.shape[2] * out.shape[3]
            inputs = module.channels // module.groups
            counts[name] = module.channels * inputs * (9 * (pixels - points) + points)
        else:
            assert isinstance(module, nn.Conv2d)
            k = module.kernel_size[0] * module.kernel_size[1]
            counts[name] = k * module.in_channels // module.groups * output[0].numel()

    hooks = [
        module.register_forward_hook(lambda m, _, out, name=name: note(name, m, out))
        for name, module in net.named_modules()
        if isinstance(module, nn.Conv2d | MultiPool)
    ]
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    # Compiled kernels pass by the modules; `tests.counting` counts what they do.
    with torch.inference_mode(), cpu.switched_off():
        _, trace = net(image, torch.ones(1), tasks=tasks)
    for hook in hooks:
        hook.remove()
    counts["saved by the 1x1 path"] = int(trace.pool_saved)
    return counts


@pytest.mark.parametrize("size", SIZES)
def test_network_cost_is_what_the_convolutions_of_a_pass_do(
    net: PAGNet, size: tuple[int, int]
) -> None:
    cost = network_cost(net, size, TASKS)
    counts = counted_by_hooks(net, size, TASKS)
    assert cost.dense == sum(counts.values())
    assert counts["saved by the 1x1 path"] > 0
    assert tuple(layer.name for layer in cost.layers) == GATES[net.config.backbone]
    for layer in cost.layers:
        stage, number = layer.name.split("_")
        block = f"backbone.{stage}.{int(number) - 1}"
        switched = [f"{block}.conv2"]
        if net.config.gate_scope == "block":
            switched += [f"{block}.conv1", f"{block}.conv3"]
        assert layer.dense == sum(counts[module] for module in switched)
        assert layer.stride == gate_stride(layer.name, net.config.output_stride)
        assert layer.output_size == tuple(-(-n // layer.stride) for n in size)


@pytest.mark.parametrize("tasks", [("depth",), ("segmentation", "boundary"), ()])
def test_cost_of_some_tasks(net: PAGNet, tasks: tuple[str, ...]) -> None:
    counts = counted_by_hooks(net, (47, 33), tasks)
    assert network_cost(net, (47, 33), tasks).dense == sum(counts.values())


def test_trace_reports_the_cost_of_the_pass(net: PAGNet) -> None:
    counts = counted_by_hooks(net, (65, 99), TASKS)
    image = torch.rand(1, 3, 65, 99, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        _, trace = net(image, torch.ones(1))
    really_done = sum(counts.values()) - counts["saved by the 1x1 path"]
    assert int(trace.macs_executed) == int(trace.macs_dense) == really_done
    assert trace.cost.floor == trace.cost.fixed / trace.cost.dense


@pytest.mark.parametrize("backbone", GATES)
def test_folding_batchnorm_changes_no_count(backbone: str) -> None:
    net = random_net(backbone=backbone)
    before = network_cost(net, (65, 99), TASKS)
    assert network_cost(fuse_batchnorm(net), (65, 99), TASKS) == before


def test_heads_that_were_not_asked_for_cost_nothing(net: PAGNet) -> None:
    base = network_cost(net, (64, 96), ()).fixed
    alone = [network_cost(net, (64, 96), (task,)).fixed - base for task in TASKS]
    assert all(extra > 0 for extra in alone)
    if not net.config.guided:  # guided heads share what the boundary head sees
        assert network_cost(net, (64, 96), TASKS).fixed == base + sum(alone)


def test_one_convolution_by_hand() -> None:
    assert per_pixel(nn.Conv2d(3, 64, 7), nn.Conv2d(8, 2, 1)) == 3 * 64 * 49 + 16
    assert per_pixel(nn.Conv2d(24, 24, 3, groups=24)) == 24 * 9
    cost = layer_cost((4, 6))
    assert cost.dense == 4 * 6 * (10 + 36 + 6)
    assert replace(cost, scope="conv").dense == 4 * 6 * 36
    assert replace(cost, scope="conv").ungated == 4 * 6 * (10 + 6)
    strided = layer_cost((5, 7), stride=2)
    assert strided.output_size == (3, 4)
    assert strided.dense == 5 * 7 * 10 + 3 * 4 * (36 + 6)


def test_an_inverted_residual_by_hand() -> None:
    block = InvertedResidual(4, 24, 4, stride=1, dilation=2)
    cost = block_cost("x", block, "block", (5, 7), 8)
    assert (cost.reduce, cost.spatial, cost.expand) == (4 * 24, 9 * 24, 24 * 4)
    assert cost.dense == 5 * 7 * (96 + 216 + 96)
    # Of a corner pixel's 3x3 at dilation 2, four taps lie on the map.
    corner = torch.zeros(1, 1, 5, 7)
    corner[..., 0, 0] = 1
    assert cost.executed(corner).tolist() == [216 + 96 + 4 * 96]


def reads(size: tuple[int, int], stride: int, dilation: int) -> dict[tuple[int, int], set]:
    """For each output pixel of a padded 3x3 convolution, the input pixels that it reads."""
    height, width = size
    taps = [(dy * dilation, dx * dilation) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return {
        (y, x): {
            (y * stride + dy, x * stride + dx)
            for dy, dx in taps
            if 0 <= y * stride + dy < height and 0 <= x * stride + dx < width
        }
        for y, x in itertools.product(range(-(-height // stride)), range(-(-width // stride)))
    }


SHAPES = [(7, 9), (8, 5), (1, 6), (3, 3)]
KINDS = [(1, 1), (1, 2), (1, 4), (2, 1)]


@pytest.mark.parametrize("size", SHAPES)
@pytest.mark.parametrize(("stride", "dilation"), KINDS)
def test_halo_is_the_largest_value_among_the_readers(
    size: tuple[int, int], stride: int, dilation: int
) -> None:
    read = reads(size, stride, dilation)
    shape = (-(-size[0] // stride), -(-size[1] // stride))
    values = torch.randn(2, 1, *shape, generator=torch.Generator().manual_seed(1))
    expected = torch.full((2, 1, *size), -torch.inf)
    for (y, x), pixels in read.items():
        for iy, ix in pixels:
            expected[:, 0, iy, ix] = torch.maximum(expected[:, 0, iy, ix], values[:, 0, y, x])
    assert torch.equal(halo(values, stride, dilation, size), expected)


@pytest.mark.parametrize("size", SHAPES)
@pytest.mark.parametrize(("stride", "dilation"), KINDS)
@pytest.mark.parametrize("scope", ["block", "conv"])
def test_executed_counts_what_the_active_pixels_need(
    size: tuple[int, int], stride: int, dilation: int, scope: str
) -> None:
    cost = layer_cost(size, stride, dilation, scope)
    read = reads(size, stride, dilation)
    generator = torch.Generator().manual_seed(2)
    draws = torch.rand(5, 1, *cost.output_size, generator=generator)
    masks = draws < torch.tensor([0.0, 0.1, 0.5, 0.9, 1.1]).view(5, 1, 1, 1)
    expected = []
    for mask in masks[:, 0]:
        active = [tuple(place) for place in mask.nonzero().tolist()]
        needed = set().union(*(read[y, x] for y, x in active))
        per_output = cost.spatial if scope == "conv" else cost.spatial + cost.expand
        expected.append(per_output * len(active) + (scope == "block") * cost.reduce * len(needed))
    assert cost.executed(masks).tolist() == expected
    assert cost.executed(masks.float()).tolist() == expected
    spread = cost.pixel_map(masks)
    assert spread.shape == masks.shape and (spread >= 0).all()
    assert spread.sum((1, 2, 3)).tolist() == pytest.approx(expected)


def test_more_active_pixels_never_cost_less() -> None:
    cost = layer_cost((9, 9), dilation=2)
    rank = torch.randperm(81, generator=torch.Generator().manual_seed(3)).view(1, 1, 9, 9)
    spent = [float(cost.executed(rank < count)) for count in range(82)]
    assert spent[0] == 0 and spent[-1] == cost.dense
    assert all(a < b for a, b in itertools.pairwise(spent))
