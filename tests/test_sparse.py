"""Sparse execution against masked dense execution, and proof that it skips what it says."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pag import cpu, sparse
from pag.backbones import Bottleneck, InvertedResidual, ResidualBlock
from pag.break_even import prepare
from pag.errors import InputError
from pag.execution import DenseExecution
from pag.fused_execution import AutoExecution, SparseExecution
from pag.macs import LayerCost, block_cost, halo, halved
from pag.multipool import MultiPool
from tests.checkpoints import random_net
from tests.counting import multiplied

SCOPES = ("block", "conv")
SIZES = [(1, 1), (1, 9), (8, 1), (2, 3), (7, 5), (6, 8), (17, 20)]
GEOMETRIES = [(1, 1), (1, 2), (1, 4), (2, 1)]
"""Stride and dilation of the 3x3."""
KINDS = ("bottleneck", "inverted")
CASES = [(*geometry, "bottleneck") for geometry in GEOMETRIES]
CASES += [(1, dilation, "inverted") for dilation in (1, 2, 4)]
"""The same and the kind of block. An inverted residual is gated at stride 1 alone."""


def fused_block(
    stride: int = 1, dilation: int = 1, seed: int = 0, kind: str = "bottleneck", width: int = 4
) -> ResidualBlock:
    """A block of 6 channels in, `width` (bottleneck) or 36 (inverted) inside, norms folded."""
    torch.manual_seed(seed)
    if kind == "bottleneck":
        block: ResidualBlock = Bottleneck(6, width, 10, stride, dilation)
    else:
        block = InvertedResidual(6, 36, 6, stride, dilation)
    for _, name in block.folds:
        norm = getattr(block, name)
        # Spread so that a ReLU6 has something to cut; shifted so that conv1 of zero is not zero.
        nn.init.normal_(norm.weight, 1.0 if kind == "bottleneck" else 4.0, 0.2)
        nn.init.normal_(norm.bias, 0.3, 0.3)
        norm.running_mean.normal_(std=0.2)
        norm.running_var.uniform_(0.5, 1.5)
    block.eval().fuse()
    return block


def inputs(size: tuple[int, int], batch: int = 2) -> Tensor:
    return torch.randn(batch, 6, *size).relu()


def blobs(shape: tuple[int, int, int, int]) -> Tensor:
    smooth = F.avg_pool2d(torch.randn(shape), 5, 1, 2, count_include_pad=False)
    return smooth > 0


def first_image(shape: tuple[int, int, int, int]) -> Tensor:
    return torch.arange(shape[0]).view(-1, 1, 1, 1).expand(shape) == 0


def corner(shape: tuple[int, int, int, int], y: int, x: int) -> Tensor:
    """One active pixel, in the last image only."""
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[-1, 0, y, x] = True
    return mask


MASKS: dict[str, Callable[[tuple[int, int, int, int]], Tensor]] = {
    "empty": lambda shape: torch.zeros(shape, dtype=torch.bool),
    "full": lambda shape: torch.ones(shape, dtype=torch.bool),
    "full in one image": lambda shape: corner(shape, 0, 0) | first_image(shape),
    "all but one": lambda shape: ~corner(shape, 0, 0),
    "top left": lambda shape: corner(shape, 0, 0),
    "top right": lambda shape: corner(shape, 0, -1),
    "bottom left": lambda shape: corner(shape, -1, 0),
    "bottom right": lambda shape: corner(shape, -1, -1),
    "sparse": lambda shape: torch.rand(shape) < 0.1,
    "random": lambda shape: torch.rand(shape) < 0.5,
    "blobs": blobs,
}  # fmt: skip


def output_shape(a: Tensor, block: ResidualBlock) -> tuple[int, int, int, int]:
    size = (a.shape[2], a.shape[3])
    return (len(a), 1, *(halved(size) if block.stride == 2 else size))


def assert_close(found: Tensor, expected: Tensor, tolerance: float = 1e-5) -> None:
    assert found.shape == expected.shape
    assert torch.isfinite(found).all()
    error = (found - expected).abs().max()
    assert error <= tolerance * expected.abs().max(), f"{error:.2e}"


@pytest.fixture(params=["kernels", "one span", "many spans"])
def any_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """By compiled kernels, or by PyTorch, where small maps fit into one tail and, with a tiny
    grain, are cut like large ones.
    """
    if request.param == "kernels":
        if cpu.kernels() is None:
            pytest.skip("no C compiler")
        yield
        return
    if request.param == "many spans":
        monkeypatch.setattr(sparse, "GRAIN", 4)
        monkeypatch.setattr(sparse, "SPAN", 64)
        monkeypatch.setattr(sparse, "DEPTHWISE_SPAN", 64)
    with cpu.switched_off():
        yield


# ---------------------------------------------------------------- equal to masked dense


@pytest.mark.usefixtures("any_way")
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("stride", "dilation", "kind"), CASES)
@torch.inference_mode()
def test_equals_masked_dense(stride: int, dilation: int, kind: str, scope: str) -> None:
    block = fused_block(stride, dilation, kind=kind)
    for size in SIZES:
        a = inputs(size)
        for name, draw in MASKS.items():
            mask = draw(output_shape(a, block))
            expected = DenseExecution().residual(block, a, mask, scope)
            for layout in (torch.contiguous_format, torch.channels_last):
                given = a.contiguous(memory_format=layout)
                found = SparseExecution().residual(block, given, mask, scope)
                try:
                    assert_close(found, expected)
                except AssertionError as error:
                    raise AssertionError(f"{name} mask at {size}, {layout}: {error}") from error


@pytest.mark.usefixtures("any_way")
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("stride", "dilation", "kind"), CASES)
@torch.inference_mode()
def test_the_sum_is_that_of_shortcut_and_branch(
    stride: int, dilation: int, kind: str, scope: str, layout: torch.memory_format
) -> None:
    block = fused_block(stride, dilation, kind=kind)
    a = inputs((7, 10))
    for draw in MASKS.values():
        mask = draw(output_shape(a, block))
        branch = DenseExecution().residual(block, a, mask, scope)
        shortcut = torch.randn_like(branch).contiguous(memory_format=layout)
        expected = shortcut + branch
        for execution in (SparseExecution(), AutoExecution(), DenseExecution()):
            assert_close(execution.residual(block, a, mask, scope, shortcut.clone()), expected)
        if block.stride == 1 and branch.shape == a.shape:  # as where the shortcut is the input
            given = a.contiguous(memory_format=layout).clone()
            found = SparseExecution().residual(block, given, mask, scope, given)
            assert_close(found, a + branch)


@pytest.mark.usefixtures("any_way")
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("res3_1", {"gate_scope": "block"}),
        ("res3_1", {"gate_scope": "conv"}),
        ("stage6_2", {"gate_scope": "block", "backbone": "mobilenetv2"}),
    ],
)
def test_equals_masked_dense_on_a_real_layer(name: str, settings: dict) -> None:
    """Large enough for whole spans and a tail, with the network's own channels."""
    net = prepare(random_net(**settings))
    block, scope = dict(net.backbone.blocks)[name], settings["gate_scope"]
    size = (45 * block.stride, 60 * block.stride + 1)
    a = block.preactivation(torch.randn(1, block.conv1.in_channels, *size))
    mask = blobs((1, 1, 45, 61))
    with torch.inference_mode():
        expected = DenseExecution().residual(block, a, mask, scope)
        assert_close(SparseExecution().residual(block, a, mask, scope), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scope", SCOPES)
@torch.inference_mode()
def test_a_full_mask_is_equal_bit_for_bit(scope: str, kind: str) -> None:
    block = fused_block(kind=kind)
    a = inputs((9, 12))
    mask = torch.ones(2, 1, 9, 12, dtype=torch.bool)
    expected = DenseExecution().residual(block, a, mask, scope)
    assert torch.equal(SparseExecution().residual(block, a, mask, scope), expected)


@torch.inference_mode()
def test_takes_float_masks_and_double_precision() -> None:
    block, a = fused_block().double(), inputs((9, 12)).double()
    mask = blobs((2, 1, 9, 12))
    expected = DenseExecution().residual(block, a, mask, "block")
    assert_close(SparseExecution().residual(block, a, mask.double(), "block"), expected, 1e-12)


def test_works_outside_inference_mode_and_gives_no_gradient() -> None:
    block, a = fused_block(), inputs((6, 7)).requires_grad_()
    out = SparseExecution().residual(block, a, blobs((2, 1, 6, 7)), "block")
    assert not out.requires_grad


@pytest.mark.usefixtures("any_way")
@torch.inference_mode()
def test_one_execution_serves_threads_copies_and_changed_weights() -> None:
    execution, a = SparseExecution(), inputs((12, 15))
    mask = blobs((2, 1, 12, 15))
    blocks = [fused_block(seed=seed) for seed in range(3)]
    blocks += [copy.deepcopy(blocks[0])]
    execution.residual(blocks[0], a, mask, "block")
    names = set(blocks[0].state_dict())
    blocks[0].conv2.weight.mul_(-1.5)  # after a first use, as when weights are loaded
    expected = [DenseExecution().residual(block, a, mask, "block") for block in blocks]

    def work(index: int) -> Tensor:
        with torch.inference_mode():
            return execution.residual(blocks[index % 4], a, mask, "block")

    with ThreadPoolExecutor(4) as pool:
        for index, found in enumerate(pool.map(work, range(16))):
            assert_close(found, expected[index % 4])
    assert not torch.allclose(expected[0], expected[3])
    assert set(blocks[0].state_dict()) == names


def test_refuses_a_network_that_is_not_fused() -> None:
    block = Bottleneck(6, 4, 10, 1, 1).eval()
    with pytest.raises(InputError, match="fuse_batchnorm"):
        SparseExecution().residual(block, inputs((3, 3)), torch.ones(2, 1, 3, 3), "block")


# ---------------------------------------------------------------- what is skipped is skipped


@pytest.mark.usefixtures("any_way")
@pytest.mark.parametrize(("stride", "dilation", "kind"), CASES)
@torch.inference_mode()
def test_pixels_outside_the_halo_are_never_read(stride: int, dilation: int, kind: str) -> None:
    block, a = fused_block(stride, dilation, kind=kind), inputs((13, 16))
    mask = blobs(output_shape(a, block)) & blobs(output_shape(a, block))
    expected = DenseExecution().residual(block, a, mask, "block")
    unneeded = halo(mask.float(), stride, dilation, (13, 16)) <= 0
    assert unneeded.any()
    poisoned = a.masked_fill(unneeded, torch.nan)
    assert_close(SparseExecution().residual(block, poisoned, mask, "block"), expected)


def cost_of(block: ResidualBlock, scope: str, a: Tensor) -> LayerCost:
    return block_cost("x", block, scope, (a.shape[2], a.shape[3]), 1)


@pytest.mark.usefixtures("any_way")
@pytest.mark.parametrize(
    "name", ["empty", "bottom right", "random", "blobs", "all but one", "full"]
)
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("stride", "dilation", "kind"), CASES)
def test_multiply_adds_are_those_counted_in_closed_form(
    stride: int, dilation: int, kind: str, scope: str, name: str
) -> None:
    block, a = fused_block(stride, dilation, kind=kind), inputs((13, 16))
    mask = MASKS[name](output_shape(a, block))
    cost = cost_of(block, scope, a)
    expected = cost.executed(mask).sum().item() + len(a) * cost.ungated
    assert multiplied(lambda: SparseExecution().residual(block, a, mask, scope)) == expected


@pytest.mark.parametrize("scope", SCOPES)
def test_an_empty_mask_multiplies_nothing_that_is_switched(scope: str) -> None:
    block, a = fused_block(), inputs((5, 6))
    mask = torch.zeros(2, 1, 5, 6, dtype=torch.bool)
    out = SparseExecution().residual(block, a, mask, scope)
    expected = torch.zeros_like(out) if scope == "block" else block.expand(block.reduce(a))
    assert_close(out, expected.detach())


# ---------------------------------------------------------------- spans


@pytest.mark.parametrize("width", [64, 576, 10**7])
def test_spans_cover_all_rows_once_and_keep_shapes_few(width: int) -> None:
    cpu, seen = torch.device("cpu"), set()
    longest = max(4 * sparse.GRAIN, sparse.SPAN // width)
    for count in (0, 1, *range(sparse.GRAIN - 1, 30_000, 211)):
        cuts = list(sparse.spans(count, cpu, width))
        assert [row for cut in cuts for row in range(count)[cut]] == list(range(count))
        lengths = [cut.stop - cut.start for cut in cuts]
        assert all(0 < length <= longest for length in lengths)
        seen |= {length for length in lengths if length >= sparse.GRAIN}
        assert all(length % sparse.GRAIN == 0 for length in lengths[:-1])
    assert len(seen) <= 4 + longest // (4 * sparse.GRAIN)


def test_other_devices_take_all_rows_at_once() -> None:
    assert list(sparse.spans(10**6, torch.device("cuda"), 576)) == [slice(0, 10**6)]
    assert list(sparse.spans(0, torch.device("cuda"), 576)) == []


# ---------------------------------------------------------------- MultiPool


def pool(dilations: tuple[int, ...], depthwise: bool = False) -> MultiPool:
    torch.manual_seed(1)
    made = MultiPool(8, dilations, depthwise).eval()
    nn.init.normal_(made.selector[6].weight, std=3.0)  # type: ignore[arg-type]
    return made


@pytest.mark.usefixtures("any_way")
@pytest.mark.parametrize("dilations", [(0, 1, 2, 4, 6, 8, 10), (1, 2), (0,), (3,)])
@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("depthwise", [False, True])
@torch.inference_mode()
def test_multipool_equals_choosing_among_all_branches(
    dilations: tuple[int, ...], folded: bool, depthwise: bool
) -> None:
    module = pool(dilations, depthwise)
    if folded:
        norm = nn.BatchNorm2d(8)
        nn.init.normal_(norm.bias)
        norm.running_mean.normal_()  # type: ignore[union-attr]
        module.fold(norm.eval())
    for size in [(1, 1), (1, 7), (5, 1), (9, 13), (24, 31)]:
        x = torch.randn(2, 8, *size)
        branches = torch.stack([module.branch(x, dilation) for dilation in dilations])
        out, choice = SparseExecution().pool(module, x)
        assert torch.equal(choice, module.scores(x).argmax(1))
        expected = branches.gather(0, choice[None, :, None].expand(1, *x.shape))[0]
        assert_close(out, expected)
    assert len(dilations) == 1 or len(choice.unique()) > 1


@pytest.mark.usefixtures("any_way")
@pytest.mark.parametrize("depthwise", [False, True])
@torch.inference_mode()
def test_multipool_multiplies_each_pixel_once(depthwise: bool) -> None:
    module, x = pool((0, 1, 4), depthwise), torch.randn(2, 8, 20, 24)
    choice = module.scores(x).argmax(1)
    points = int((choice == 0).sum())
    selecting = multiplied(lambda: module.scores(x))
    total = multiplied(lambda: SparseExecution().pool(module, x))
    assert 0 < points < choice.numel()
    taps = points + 9 * (choice.numel() - points)
    assert total - selecting == (8 if depthwise else 64) * taps
