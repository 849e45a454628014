"""The kernels against masked dense execution, and proof that nothing waits for them."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from pag import cuda
from pag.backbones import Bottleneck, ResidualBlock
from pag.break_even import prepare
from pag.break_even_tables import BreakEven
from pag.budget import GatePolicy, Pass
from pag.cuda import launch
from pag.execution import DenseExecution
from pag.fused_execution import AutoExecution, SparseExecution, never_dense
from pag.macs import NetworkCost, halo
from tests.checkpoints import random_net
from tests.test_sparse import (
    MASKS,
    SCOPES,
    assert_close,
    blobs,
    fused_block,
    inputs,
    output_shape,
    pool,
)

GEOMETRIES = [(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2)]
"""Stride and dilation of the 3x3."""
SIZE = (7, 5)


def every_mask(height: int, width: int) -> Tensor:
    """(11, 1, h, w): an image for every kind of mask."""
    return torch.cat([draw((1, 1, height, width)) for draw in MASKS.values()])


def expected_of(block: ResidualBlock, a: Tensor, mask: Tensor, scope: str) -> Tensor:
    with cuda.switched_off():
        return DenseExecution().residual(block, a, mask, scope)


# ---------------------------------------------------------------- lists of pixels


def listed(found: launch.Listed) -> list[int]:
    """The positions, sorted; none twice."""
    return sorted(found.positions[: int(found.count)].tolist())


@pytest.mark.parametrize(("stride", "dilation"), GEOMETRIES)
def test_lists_are_the_active_pixels_and_those_that_a_3x3_reads_there(
    stride: int, dilation: int, device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "LIST_BLOCK", 256)  # several blocks, the last one not full
    torch.manual_seed(stride)
    size = (stride * SIZE[0] - stride + 1, stride * SIZE[1])
    mask = every_mask(*SIZE).to(device)
    found = launch.active(mask)
    assert listed(found) == mask.flatten().nonzero().flatten().tolist()
    assert found.positions.numel() == mask.numel() and found.size == SIZE
    read = halo(mask.float(), stride, dilation, size) > 0
    assert listed(launch.needed(mask, stride, dilation, size)) == (
        read.flatten().nonzero().flatten().tolist()
    )
    nothing = torch.zeros_like(mask)
    assert listed(launch.active(nothing)) == []
    assert listed(launch.needed(nothing, stride, dilation, size)) == []


# ---------------------------------------------------------------- equal to masked dense


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("stride", "dilation"), GEOMETRIES)
@torch.inference_mode()
def test_equals_masked_dense(stride: int, dilation: int, scope: str, device: torch.device) -> None:
    block = fused_block(stride, dilation).to(device)
    a = inputs(SIZE, batch=len(MASKS)).to(device)
    mask = every_mask(*output_shape(a, block)[2:]).to(device)
    assert_close(
        SparseExecution().residual(block, a, mask, scope), expected_of(block, a, mask, scope)
    )


@pytest.mark.parametrize("name", ["empty", "full", "bottom right"])
@torch.inference_mode()
def test_equals_masked_dense_with_no_pixel_one_and_all_at_any_size(
    name: str, device: torch.device
) -> None:
    block = fused_block().to(device)
    layouts = (torch.contiguous_format, torch.channels_last)
    for size in ((1, 1), (1, 9), (8, 1), (3, 2)):
        for scope, layout in zip(SCOPES, layouts, strict=True):
            a = inputs(size).to(device).contiguous(memory_format=layout)
            mask = MASKS[name](output_shape(a, block)).to(device)
            found = SparseExecution().residual(block, a, mask, scope)
            assert_close(found, expected_of(block, a, mask, scope))


@pytest.mark.parametrize("scope", SCOPES)
@torch.inference_mode()
def test_more_channels_than_a_block_holds(scope: str, device: torch.device) -> None:
    torch.manual_seed(0)
    block = Bottleneck(300, 140, 280, 1, 2).eval()
    block.fuse()
    block.to(device)
    a = torch.rand(1, 300, 6, 9).to(device)
    mask = blobs((1, 1, 6, 9)).to(device)
    assert 0 < mask.sum() < 54
    assert_close(
        SparseExecution().residual(block, a, mask, scope), expected_of(block, a, mask, scope)
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@torch.inference_mode()
def test_half_precision_sums_in_single_precision(dtype: torch.dtype, device: torch.device) -> None:
    block = fused_block().to(device)
    a = inputs((6, 8)).to(device)
    mask = blobs((2, 1, 6, 8)).to(device)
    narrow = copy.deepcopy(block).to(dtype)
    for scope in SCOPES:
        expected = expected_of(block, a, mask, scope)
        found = SparseExecution().residual(narrow, a.to(dtype), mask, scope)
        assert found.dtype == dtype
        assert_close(found.float(), expected, 0.005 if dtype == torch.float16 else 0.04)


@torch.inference_mode()
def test_a_sum_of_many_products_keeps_what_half_precision_would_lose(
    device: torch.device,
) -> None:
    """4095 products of 1, to which a running sum in float16 adds nothing beyond 2048."""
    source = torch.ones(16, 4095, dtype=torch.float16, device=device)
    weight = torch.ones(16, 4095, 1, 1, dtype=torch.float16, device=device)
    out = source.new_zeros(16, 16)
    everywhere = launch.active(torch.ones(1, 4, 4, dtype=torch.bool, device=device))
    launch.Convolution(weight, None).run(source, (4, 4), out, everywhere)
    assert out.unique().tolist() == [4096]  # 4095 rounded to float16


# ---------------------------------------------------------------- in place, and nothing else


@pytest.mark.parametrize("stride", [1, 2])
@torch.inference_mode()
def test_adds_onto_the_sum_in_place(stride: int, device: torch.device) -> None:
    block = fused_block(stride, 1).to(device)
    a = inputs(SIZE).to(device)
    mask = blobs(output_shape(a, block)).to(device)
    for scope in SCOPES:
        branch = expected_of(block, a, mask, scope)
        before = torch.randn_like(branch).contiguous(memory_format=torch.channels_last)
        onto = before.clone()
        found = SparseExecution().residual(block, a, mask, scope, onto)
        assert_close(found, before + branch)
        assert found.data_ptr() == onto.data_ptr()
        if scope == "block":
            off = ~mask.expand_as(found)
            assert torch.equal(found[off], before[off])
        plain = before.contiguous()
        assert_close(SparseExecution().residual(block, a, mask, scope, plain), before + branch)


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (1, 3), (2, 1)])
@torch.inference_mode()
def test_pixels_outside_the_halo_are_never_read(
    stride: int, dilation: int, device: torch.device
) -> None:
    block, a = fused_block(stride, dilation).to(device), inputs((13, 11)).to(device)
    mask = torch.zeros(output_shape(a, block), dtype=torch.bool, device=device)
    mask[0, 0, 1, 2] = mask[1, 0, -1, -1] = True
    expected = expected_of(block, a, mask, "block")
    unneeded = halo(mask.float(), stride, dilation, (13, 11)) <= 0
    poisoned = a.masked_fill(unneeded, torch.nan)
    found = SparseExecution().residual(block, poisoned, mask, "block")
    assert_close(found, expected)


# ---------------------------------------------------------------- MultiPool


@pytest.mark.parametrize(
    ("dilations", "folded"), [((0, 1, 2, 4, 6, 8, 10), True), ((1, 2), False), ((0,), True)]
)
@torch.inference_mode()
def test_multipool_equals_choosing_among_all_branches(
    dilations: tuple[int, ...], folded: bool, device: torch.device
) -> None:
    module = pool(dilations)
    if folded:
        norm = nn.BatchNorm2d(8).eval()
        nn.init.normal_(norm.bias)
        module.fold(norm)
    module.to(device)
    for size in ((1, 7), (9, 13)):
        x = torch.randn(2, 8, *size).to(device)
        branches = torch.stack([module.branch(x, dilation) for dilation in dilations])
        out, choice = SparseExecution().pool(module, x)
        expected = branches.gather(0, choice[None, :, None].expand(1, *x.shape))[0]
        assert torch.equal(choice, module.scores(x).argmax(1))
        assert_close(out, expected)
    assert len(dilations) == 1 or len(choice.unique()) > 1


# ---------------------------------------------------------------- the network, and waiting


class NoWaiting(TorchDispatchMode):
    """Fails on what copies a value or a shape from the GPU, or data to it, as it goes."""

    forbidden = ("_local_scalar_dense", "nonzero", "masked_select", "lift_fresh", "unique")

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        assert not any(part in name for part in self.forbidden), name
        return func(*args, **(kwargs or {}))


def test_what_waits_is_noticed() -> None:
    x = torch.rand(3)
    for wait in (lambda: bool(x.all()), lambda: x.nonzero(), lambda: torch.tensor([1, 2])):
        with pytest.raises(AssertionError), NoWaiting():
            wait()


class AboveTheMean(GatePolicy, Pass):
    """Keeps what is above a layer's mean logit, without asking how much that is."""

    def begin(self, cost: NetworkCost, budget: Tensor) -> AboveTheMean:
        return self

    def decide(self, layer: int, logits: Tensor) -> Tensor:
        return logits > logits.mean()


@pytest.fixture
def launches(monkeypatch: pytest.MonkeyPatch) -> list[ResidualBlock]:
    """The blocks that the kernels have run."""
    seen: list[ResidualBlock] = []
    original = launch.run_active

    def spy(block: ResidualBlock, *rest) -> Tensor:
        seen.append(block)
        return original(block, *rest)

    monkeypatch.setattr(launch, "run_active", spy)
    return seen


@torch.inference_mode()
def test_the_network_gives_the_same_answers_and_never_waits(
    device: torch.device, launches: list[ResidualBlock]
) -> None:
    net = prepare(random_net()).to(device)
    torch.manual_seed(2)
    image, budget = torch.rand(1, 3, 33, 48).to(device), torch.ones(1).to(device)
    assert cuda.serves(image)  # the first check, which waits
    with cuda.switched_off():
        expected, reference = net(image, budget, AboveTheMean(), execution=DenseExecution())
    assert not launches
    with NoWaiting():
        outputs, trace = net(image, budget, AboveTheMean(), execution=SparseExecution())
    assert launches == [block for _, block in net.backbone.blocks if block.gated]
    assert all(0 < gate.mask.float().mean() < 1 for gate in trace.gates)
    for task, values in outputs.items():
        assert_close(values, expected[task], 1e-4)
    for gate, dense in zip(trace.gates, reference.gates, strict=True):
        assert torch.equal(gate.mask, dense.mask)
    assert torch.equal(trace.dilation, reference.dilation)


@torch.inference_mode()
@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("measured", ["here", "elsewhere"])
def test_auto_uses_the_kernels_whatever_a_table_says(
    device: torch.device, launches: list[ResidualBlock], share: float, measured: str
) -> None:
    block, a = fused_block().to(device), inputs((16, 20)).to(device)
    mask = blobs((2, 1, 16, 20)).to(device)
    table = (BreakEven("block", 4, 1, share, 0.0),)
    auto = AutoExecution(table, device.type if measured == "here" else measured)
    assert_close(auto.residual(block, a, mask, "block"), expected_of(block, a, mask, "block"))
    assert launches == [block]
    assert never_dense(block, a, "block")


# ---------------------------------------------------------------- when they are used


def test_serves_plain_blocks_in_the_precisions_that_kernels_have(device: torch.device) -> None:
    for dtype in cuda.DTYPES:
        assert cuda.serves(torch.rand(1, 2, 3, 4, device=device, dtype=dtype))
    assert not cuda.serves(torch.rand(1, 2, 3, 4, device=device, dtype=torch.float64))
    assert not cuda.serves(torch.rand(1, 2, 3, 4, device=device), depthwise=True)


def test_precision_follows_that_of_dense_convolutions() -> None:
    assert launch.precision() == "ieee"
    torch.backends.cudnn.allow_tf32 = True  # a fixture sets it back
    assert launch.precision() == "tf32"
