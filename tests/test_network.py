"""PAGNet as a whole: shapes, names, what a closed gate switches, folding BatchNorm."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pag.backbones import (
    CLASSES,
    BlockInput,
    Bottleneck,
    InvertedResidual,
    ResidualBlock,
    build_backbone,
)
from pag.budget import BudgetTable, ExactPolicy, OpenPolicy, Pass
from pag.config import BACKBONES, PAGConfig
from pag.errors import InputError
from pag.execution import DenseExecution
from pag.gate import PixelGate
from pag.inference import TASKS
from pag.macs import NetworkCost, network_cost
from pag.network import PAGNet, Sampling, Trace, fuse_batchnorm
from pag.relaxation import RankedPolicy, StochasticPolicy, budget_loss, layer_budget_loss
from tests.backbones import GATES, POINT_SAVING, POOL_BLOCKS, gate_stride, variants
from tests.checkpoints import random_net


@pytest.fixture(scope="module", params=variants())
def net(request: pytest.FixtureRequest) -> PAGNet:
    return random_net(**request.param)


class Masks(Pass):
    """A policy of given masks: ``open``, ``closed`` or ``random``."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def begin(self, cost: NetworkCost, budget: Tensor) -> Masks:
        self.generator = torch.Generator().manual_seed(0)
        return self

    def decide(self, layer: int, logits: Tensor) -> Tensor:
        share = {"open": 1.0, "closed": 0.0, "random": 0.5}[self.kind]
        return torch.rand(logits.shape, generator=self.generator) < share

    def note_pool(self, saved: Tensor) -> None:
        pass


def image(height: int, width: int, batch: int = 1) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(3))


@torch.inference_mode()
def run(net: PAGNet, pixels: Tensor, *args, **kwargs) -> tuple[dict[str, Tensor], Trace]:  # type: ignore[no-untyped-def]
    return net(pixels, torch.full((len(pixels),), 0.7), *args, **kwargs)


@pytest.mark.parametrize("size", [(64, 96), (65, 33)])
def test_outputs_have_the_size_of_the_image(net: PAGNet, size: tuple[int, int]) -> None:
    outputs, trace = run(net, image(*size, batch=2))
    assert list(outputs) == list(TASKS)
    shapes = {task: tuple(output.shape) for task, output in outputs.items()}
    assert shapes == {
        "segmentation": (2, len(net.config.classes), *size),
        "boundary": (2, 1, *size),
        "depth": (2, 1, *size),
        "normals": (2, 3, *size),
    }
    assert all(output.isfinite().all() for output in outputs.values())
    coarse = net.config.output_stride
    assert trace.dilation_stride == coarse
    assert trace.dilation.shape == (2, *(-(-n // coarse) for n in size))
    assert trace.dilation.min() >= 0 and trace.dilation.max() < len(net.config.dilations)


def test_gates_are_the_blocks_with_a_shortcut_and_without_multipool(net: PAGNet) -> None:
    _, trace = run(net, image(65, 33))
    names = GATES[net.config.backbone]
    assert tuple(gate.cost.name for gate in trace.gates) == names == tuple(net.gates)
    for gate in trace.gates:
        stride = gate_stride(gate.cost.name, net.config.output_stride)
        assert gate.cost.stride == stride
        assert gate.mask.shape == gate.logits.shape == (1, 1, -(-65 // stride), -(-33 // stride))
    pooling = [name for name, block in net.backbone.blocks if block.pools]
    assert pooling == [POOL_BLOCKS[net.config.backbone]]
    for name, block in net.backbone.blocks:
        x = torch.rand(1, block.conv1.in_channels, 8, 8)
        kept = block.shortcut(BlockInput(block, x))
        assert (name in names) == (kept is not None and not block.pools)


def test_trace_adds_up(net: PAGNet) -> None:
    _, trace = run(net, image(64, 96, batch=2), Masks("random"))
    executed = torch.stack([gate.executed for gate in trace.gates]).sum(0)
    assert torch.equal(trace.gated_executed, executed)
    assert torch.equal(trace.macs_executed, trace.cost.fixed + executed - trace.pool_saved)
    dense = sum(gate.cost.dense for gate in trace.gates)
    assert torch.equal(trace.macs_dense, trace.cost.fixed + dense - trace.pool_saved)
    assert (trace.macs_executed < trace.macs_dense).all()
    chosen = (trace.dilation == net.config.dilations.index(0)).sum((1, 2))
    assert trace.pool_saved.tolist() == (chosen * POINT_SAVING[net.config.backbone]).tolist()


def test_costs_are_counted_once_for_each_size(monkeypatch: pytest.MonkeyPatch) -> None:
    net = random_net()
    asked = [((64, 96), TASKS), ((64, 96), ("depth",)), ((96, 64), TASKS)]
    expected = [network_cost(net, *question) for question in asked]
    assert [net.cost(*question) for question in asked] == expected
    assert len(set(map(id, expected))) == 3
    monkeypatch.setattr("pag.network.network_cost", lambda *_: pytest.fail("counted again"))
    assert [net.cost(*question) for question in asked] == expected
    monkeypatch.undo()
    monkeypatch.setattr("pag.network.MOST_COSTS", 2)
    assert net.cost((32, 32)) == network_cost(net, (32, 32), TASKS)
    assert len(net._costs) == 1


def test_a_task_alone_is_what_it_is_among_all(net: PAGNet) -> None:
    pixels = image(64, 96)
    everything, _ = run(net, pixels)
    for tasks in (("boundary",), ("normals", "segmentation")):
        some, _ = run(net, pixels, tasks=tasks)
        assert list(some) == [task for task in TASKS if task in tasks]
        assert all(torch.equal(some[task], everything[task]) for task in tasks)
    nothing, trace = run(net, pixels, tasks=())
    assert nothing == {} and len(trace.gates) == len(net.gates)


def test_images_of_a_batch_do_not_mix(net: PAGNet) -> None:
    pixels = image(64, 64, batch=2)
    table = BudgetTable.uniform(tuple(net.gates))
    pair, _ = run(net, pixels, ExactPolicy(table))
    for index in (0, 1):
        alone, _ = run(net, pixels[index : index + 1], ExactPolicy(table))
        for task in TASKS:
            assert torch.allclose(pair[task][index], alone[task][0], rtol=1e-3, atol=1e-4)


def input_of(net: PAGNet, block: torch.nn.Module, pixels: Tensor, kind: str) -> Tensor:
    """What a block, or its opening BatchNorm, is given under masks of one kind."""
    seen: list[Tensor] = []
    first = getattr(block, "bn1" if isinstance(block, Bottleneck) else "conv1")
    hook = first.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    run(net, pixels, Masks(kind))
    hook.remove()
    return seen[0]


@pytest.mark.parametrize("scope", ["block", "conv"])
@torch.inference_mode()
def test_closed_gates_skip_what_their_scope_says(scope: str) -> None:
    net = random_net(gate_scope=scope)
    pixels = image(64, 64)
    _, trace = run(net, pixels, Masks("closed"))
    assert float(trace.gated_executed) == 0
    assert float(trace.macs_executed) == trace.cost.fixed - float(trace.pool_saved)

    # Up to the first strided block, by hand: the shortcut, and with conv scope the two 1x1.
    _, x = net.backbone.stem(pixels)
    for _, block in net.backbone.blocks[:3]:
        assert isinstance(block, Bottleneck)
        a = F.relu(block.bn1(x))
        x = x if block.downsample is None else block.downsample(a)
        if scope == "conv":
            x = x + block.conv3(F.relu(block.bn2(block.conv1(a))))
    seen = input_of(net, net.backbone.blocks[3][1], pixels, "closed")
    assert torch.allclose(seen, x, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scope", ["block", "conv"])
@torch.inference_mode()
def test_closed_gates_of_inverted_residuals(scope: str) -> None:
    """stage2_1 has no shortcut and always runs; the closed stage2_2 passes its input on."""
    net = random_net(backbone="mobilenetv2", gate_scope=scope)
    pixels = image(64, 64)
    _, x = net.backbone.stem(pixels)
    for name, block in net.backbone.blocks[:3]:
        assert isinstance(block, InvertedResidual)
        r = F.relu6(block.bn1(block.conv1(x)))
        if name != "stage2_2":
            x = block.bn3(block.conv3(F.relu6(block.bn2(block.conv2(r)))))
        elif scope == "conv":
            x = x + block.bn3(block.conv3(r))
    seen = input_of(net, net.backbone.blocks[3][1], pixels, "closed")
    assert torch.allclose(seen, x, rtol=1e-4, atol=1e-4)


def made_up_block(kind: str) -> ResidualBlock:
    torch.manual_seed(0)
    if kind == "bottleneck":
        return Bottleneck(8, 4, 8, stride=2, dilation=1).eval()
    return InvertedResidual(8, 24, 8, stride=1, dilation=2).eval()


@pytest.mark.parametrize("kind", ["bottleneck", "inverted"])
@pytest.mark.parametrize("scope", ["block", "conv"])
@torch.inference_mode()
def test_an_open_pixel_is_computed_and_a_closed_one_skipped(scope: str, kind: str) -> None:
    block = made_up_block(kind)
    a = torch.rand(1, 8, 7, 9)
    step = block.stride
    reduced = block.reduce(a)
    opened = block.expand(block.spatial(reduced))
    mask = torch.rand(1, 1, *opened.shape[2:]) < 0.5
    residual = DenseExecution().residual(block, a, mask, scope)
    skipped = block.expand(reduced[:, :, ::step, ::step])
    closed = torch.zeros_like(opened) if scope == "block" else skipped
    assert torch.allclose(residual, torch.where(mask, opened, closed), atol=1e-6)


@pytest.mark.parametrize("backbone", GATES)
@torch.inference_mode()
def test_pixels_skipped_everywhere_change_nothing_there(backbone: str) -> None:
    """With block scope a closed pixel of the first gated layer is its shortcut."""
    net = random_net(backbone=backbone)
    pixels = image(64, 64)
    names = [name for name, _ in net.backbone.blocks]
    after = net.backbone.blocks[names.index(GATES[backbone][0]) + 1][1]
    seen = {kind: input_of(net, after, pixels, kind) for kind in ("open", "random")}
    mask = run(net, pixels, Masks("random"))[1].gates[0].mask
    same = torch.isclose(seen["open"], seen["random"], rtol=1e-4, atol=1e-5).all(1, keepdim=True)
    assert same[mask].all() and not same[~mask].all()


@torch.inference_mode()
def test_folding_batchnorm_keeps_the_outputs(net: PAGNet) -> None:
    pixels = image(65, 97)
    expected, before = run(net, pixels, Masks("random"))
    fused = fuse_batchnorm(random_net(**asdict(net.config)))
    outputs, after = run(fused, pixels, Masks("random"))
    same = before.dilation == after.dilation
    assert same.float().mean() > 0.99
    for task in TASKS:
        scale = expected[task].abs().max()
        assert (outputs[task] - expected[task]).abs().max() < 2e-3 * scale
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fused.modules())


def test_training_draws_multipools_choice_from_the_generator() -> None:
    net = random_net()
    pixels = image(64, 64)

    def choice(seed: int, temperature: float = 1.0) -> Tensor:
        sampling = Sampling(temperature, torch.Generator().manual_seed(seed))
        return run(net, pixels, OpenPolicy(), tasks=(), sampling=sampling)[1].dilation

    assert torch.equal(choice(0), choice(0))
    assert not torch.equal(choice(0), choice(1))


@pytest.mark.parametrize("backbone", GATES)
@pytest.mark.parametrize("masks", ["sampled", "ranked"])
def test_every_parameter_learns_from_the_tasks_and_the_budget(masks: str, backbone: str) -> None:
    net = random_net(backbone=backbone, guided=True)
    assert net.upsampling is not None
    torch.nn.init.normal_(net.upsampling.project.weight, std=0.1)  # from 0, what is below waits
    generator = torch.Generator().manual_seed(0)
    budget = (1 + network_cost(net, (64, 64), TASKS).floor) / 2
    levels = torch.zeros(len(net.gates), requires_grad=True)
    policies = {
        "sampled": StochasticPolicy(1.0, generator),
        "ranked": RankedPolicy(1.0, generator, levels),
    }
    outputs, trace = net(
        image(64, 64, batch=2),
        torch.full((2,), budget),
        policies[masks],
        sampling=Sampling(1.0, generator),
    )
    loss = sum(output.square().mean() for output in outputs.values())
    pull = budget_loss(trace.gated_executed, trace.cost, 0.4)
    shares = torch.full((len(net.gates),), 0.4)
    thresholds = layer_budget_loss(
        [gate.logits for gate in trace.gates], shares[None], [len(trace.dilation)]
    )
    (loss + pull + thresholds).backward()
    untouched = [
        name
        for name, parameter in net.named_parameters()
        if parameter.grad is None or not (parameter.grad != 0).any()
    ]
    # The average over 3x3 and the halo pass gradients on; nothing is cut off.
    assert untouched == []
    if masks == "ranked":
        assert levels.grad is not None and (levels.grad != 0).all()


def test_gates_look_at_the_blocks_own_input(net: PAGNet) -> None:
    for name, block in net.backbone.blocks:
        if block.gated:
            gate = net.gates[name]
            assert isinstance(gate, PixelGate)
            assert gate.stride == block.stride and gate.smoothing == net.config.gate_smoothing
            assert gate.project.in_channels == block.conv1.in_channels


def test_every_backbone_of_the_settings_can_be_built() -> None:
    assert tuple(CLASSES) == BACKBONES == tuple(GATES)
    for name in BACKBONES:
        assert type(build_backbone(PAGConfig(backbone=name))) is CLASSES[name]
    with pytest.raises(InputError, match="'vgg'; expected one of: resnet50, mobilenetv2"):
        replace(PAGConfig(), backbone="vgg")
