"""Convolutions and blocks by kernels at every pixel, against what PyTorch makes of them."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from pag import cpu, cuda
from pag.backbones import BlockInput, Bottleneck
from pag.benchmark.network import ByPyTorch
from pag.break_even import prepare
from pag.budget import numbers_on
from pag.cuda import launch
from pag.execution import DenseExecution
from pag.fused_execution import AutoExecution, Everywhere, SparseExecution
from pag.fusion import ConvNormReLU, Fused, Window, fused_sequence
from pag.heads import read
from pag.network import PAGNet
from tests.checkpoints import random_net
from tests.kernels.test_launch import NoWaiting, expected_of
from tests.test_sparse import assert_close, fused_block, inputs, output_shape, pool

TOLERANCES = {torch.float32: 1e-5, torch.bfloat16: 0.02}
SIZES = [(1, 9), (7, 5)]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The functions of `pag.cuda.launch` that have run, by name."""
    seen: list[str] = []

    def noted(name: str) -> Callable[..., object]:
        original = getattr(launch, name)

        def spy(*given: object) -> object:
            seen.append(name)
            return original(*given)

        return spy

    for name in ("convolution", "run_everywhere", "run_active", "pool"):
        monkeypatch.setattr(launch, name, noted(name))
    return seen


def as_on(device: torch.device, dtype: torch.dtype, *size: int) -> Tensor:
    x = torch.randn(*size).to(device, dtype)
    return x.contiguous(memory_format=torch.channels_last)


def window(channels: int) -> Window:
    """Open below, open above, open on both sides, one point, and proper windows."""
    low, high = -torch.rand(channels), torch.rand(channels)
    low[0], high[1] = -torch.inf, torch.inf
    low[2], high[2] = -torch.inf, torch.inf
    low[3] = high[3] = 0.25
    return Window(low, high)


def opening_block(stride: int) -> Bottleneck:
    """A fused block whose window has infinite ends on both sides and a point."""
    torch.manual_seed(stride)
    block = Bottleneck(6, 4, 10, stride, 1).eval()
    with torch.no_grad():
        assert isinstance(block.bn1, nn.BatchNorm2d)
        block.bn1.weight.copy_(torch.tensor([1.5, -0.7, 0.0, 0.0, 0.4, 2.0]))
        block.bn1.bias.copy_(torch.tensor([0.3, 0.4, 0.5, -0.5, 0.2, -1.0]))
    block.fuse()
    ends = block.window
    assert ends is not None and ends.low.isinf().any() and ends.high.isinf().any()
    return block


# ---------------------------------------------------------------- one convolution


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "bias"),
    [(1, 1, 1, True), (1, 2, 1, False), (3, 1, 1, False), (3, 1, 2, True), (3, 2, 1, True)],
)
@torch.inference_mode()
def test_a_convolution_and_its_relu(
    kernel: int, stride: int, dilation: int, bias: bool, dtype: torch.dtype, device: torch.device
) -> None:
    torch.manual_seed(kernel)
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(5, 7, kernel, stride, padding, dilation, bias=bias).to(device, dtype)
    for size in SIZES:
        x = as_on(device, dtype, 2, 5, *size)
        assert cuda.convolves(conv, x)
        expected = conv(x)
        found = cuda.convolution(conv, x)
        assert found.dtype == dtype and found.is_contiguous(memory_format=torch.channels_last)
        assert_close(found.float(), expected.float(), TOLERANCES[dtype])
        assert (found < 0).any()
        assert torch.equal(cuda.convolution(conv, x.contiguous(), True), found.relu())


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("stride", [1, 2, 3])
@torch.inference_mode()
def test_a_1x1_of_what_a_window_leaves(
    stride: int, dtype: torch.dtype, device: torch.device
) -> None:
    torch.manual_seed(stride)
    conv, opening = nn.Conv2d(6, 9, 1, stride).to(device, dtype), window(6).to(device, dtype)
    for size in SIZES:
        x = as_on(device, dtype, 2, 6, *size)
        found = cuda.convolution(conv, x, window=opening)
        assert_close(found.float(), conv(opening(x)).float(), TOLERANCES[dtype])


@torch.inference_mode()
def test_more_channels_and_pixels_than_a_block_holds(device: torch.device) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(270, 140, 3, padding=2, dilation=2).to(device)
    x = as_on(device, torch.float32, 1, 270, 9, 11)
    assert_close(cuda.convolution(conv, x), conv(x))


def test_what_has_no_kernel_is_left_to_pytorch(device: torch.device) -> None:
    x = torch.rand(1, 4, 6, 6, device=device)
    others = [
        nn.Conv2d(4, 4, 5, padding=2), nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 1, padding=1),
        nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 4, 3, padding="same"),
        nn.Conv2d(4, 4, (1, 3), padding=(0, 1)), nn.Conv2d(4, 4, 3, (1, 2), padding=1),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(4, 4, 1, dtype=torch.bfloat16), nn.ReLU(),
    ]  # fmt: skip
    conv = nn.Conv2d(4, 4, 1)
    assert not cuda.convolves(conv, x)  # somebody may want a gradient
    with torch.no_grad():
        assert cuda.convolves(conv, x)
        assert [other for other in others if cuda.convolves(other, x)] == []
        assert not cuda.convolves(conv.double(), x.double())


def test_switched_off_within_a_block_alone(device: torch.device, calls: list[str]) -> None:
    x, conv = torch.rand(1, 6, 4, 4, device=device), nn.Conv2d(6, 4, 1).to(device)
    with torch.no_grad():
        with pytest.raises(ZeroDivisionError), cuda.switched_off():
            assert not cuda.serves(x) and not cuda.convolves(conv, x) and cuda.runs(x)
            Everywhere().residual(fused_block().to(device), x, torch.ones_like(x[:, :1]), "block")
            raise ZeroDivisionError
        assert calls == []
        assert cuda.serves(x) and cuda.convolves(conv, x)


# ---------------------------------------------------------------- parts of the network


@torch.no_grad()
def test_convolutions_with_their_relus_in_one_launch_each(
    device: torch.device, calls: list[str]
) -> None:
    torch.manual_seed(1)
    norms = ConvNormReLU(6, 5, 3), ConvNormReLU(6, 5, 3, separable=True)
    sequences = [fused_sequence(norm.eval()) for norm in norms]
    sequences += [Fused(nn.Conv2d(6, 4, 1), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1))]
    x = as_on(device, torch.float32, 2, 6, 7, 9)
    # Of a separable one the 1x1 alone: what is before it is depthwise.
    for sequence, launches in zip(sequences, (1, 1, 2), strict=True):
        with cuda.switched_off(), cpu.switched_off():
            expected = sequence.to(device)(x)
        assert calls == []
        assert_close(sequence(x), expected)
        assert calls == ["convolution"] * launches
        calls.clear()
    with torch.enable_grad():
        assert sequences[0](x).requires_grad and calls == []


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("stride", [1, 2])
@torch.inference_mode()
def test_what_reads_a_block_opens_it(
    stride: int, dtype: torch.dtype, device: torch.device, calls: list[str]
) -> None:
    """The decoder, and the block's own shortcut."""
    block = opening_block(stride).to(device, dtype)
    conv = nn.Conv2d(6, 3, 1).to(device, dtype)
    x = 3 * as_on(device, dtype, 2, 6, 9, 7)
    a = BlockInput(block, x)
    with cuda.switched_off(), cpu.switched_off():
        plain = BlockInput(block, x)
        shortcut, decoded = block.shortcut(plain), read(conv, plain)
    assert calls == []
    assert_close(block.shortcut(a).float(), shortcut.float(), TOLERANCES[dtype])
    assert_close(read(conv, a).float(), decoded.float(), TOLERANCES[dtype])
    assert calls == ["convolution"] * 2 and not a.is_opened
    assert torch.equal(read(conv, a.opened), conv(a.opened)) and len(calls) == 2


# ---------------------------------------------------------------- a block without gates


@pytest.mark.parametrize(
    ("stride", "dilation", "scope"),
    [(1, 1, "block"), (1, 3, "block"), (2, 1, "block"), (2, 2, "conv")],
)
@torch.inference_mode()
def test_a_block_everywhere_lists_nothing(
    stride: int,
    dilation: int,
    scope: str,
    device: torch.device,
    calls: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(launch, "list_active", None)
    block = fused_block(stride, dilation).to(device)
    for size in ((1, 1), *SIZES):
        a = inputs(size).to(device)
        mask = torch.ones(output_shape(a, block), dtype=torch.bool, device=device)
        expected = expected_of(block, a, mask, scope)
        before = torch.randn_like(expected).contiguous(memory_format=torch.channels_last)
        onto = before.clone()
        found = Everywhere().residual(block, a, mask, scope, onto)
        assert found.data_ptr() == onto.data_ptr()
        assert_close(found, before + expected)
    assert_close(Everywhere().residual(block, a, mask, scope), expected)
    assert calls == ["run_everywhere"] * 4


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("stride", [1, 2])
@torch.inference_mode()
def test_a_block_everywhere_is_what_it_is_under_a_mask_that_is_full(
    stride: int, dtype: torch.dtype, device: torch.device
) -> None:
    block = opening_block(stride).to(device, dtype)
    a = BlockInput(block, 3 * as_on(device, dtype, 2, 6, 9, 7))
    mask = torch.ones(output_shape(a.x, block), dtype=torch.bool, device=device)
    found = Everywhere().residual(block, a, mask, "block")
    assert torch.equal(found, SparseExecution().residual(block, a, mask, "block"))
    assert not a.is_opened
    expected = expected_of(copy.deepcopy(block).float(), a.opened.float(), mask, "block")
    assert_close(found.float(), expected, 0.04 if dtype == torch.bfloat16 else 1e-5)


@torch.inference_mode()
def test_a_depthwise_block_is_left_to_pytorch(device: torch.device, calls: list[str]) -> None:
    block, a = fused_block(kind="inverted").to(device), inputs((6, 7)).to(device)
    mask = torch.ones(2, 1, 6, 7, dtype=torch.bool, device=device)
    assert_close(Everywhere().residual(block, a, mask, "block"), block.branch(a))
    assert calls == []


# ---------------------------------------------------------------- the network without gates


def network_and_image(device: torch.device) -> tuple[PAGNet, Tensor]:
    net = prepare(random_net()).to(device)
    torch.manual_seed(2)
    image = torch.rand(1, 3, 33, 48).to(device).contiguous(memory_format=torch.channels_last)
    assert cuda.serves(image)  # the first check, which waits
    return net, image


@torch.inference_mode()
def test_the_open_network_equals_masked_dense_and_never_waits(
    device: torch.device, calls: list[str]
) -> None:
    net, image = network_and_image(device)
    budget = torch.ones(1)
    numbers_on(device, (1.0,))  # copied there once
    with cuda.switched_off(), cpu.switched_off():
        expected, reference = net(image, budget, execution=DenseExecution())
    assert calls == []
    with NoWaiting():
        outputs, trace = net(image, budget, execution=AutoExecution())
    gated = [block for _, block in net.backbone.blocks if block.gated]
    assert calls.count("run_everywhere") == len(gated) and calls.count("pool") == 1
    assert "run_active" not in calls and calls.count("convolution") > 10
    for task, values in outputs.items():
        assert_close(values, expected[task], 1e-4)
    assert torch.equal(trace.dilation, reference.dilation)


@torch.inference_mode()
def test_what_is_compared_with_has_no_kernels_but_multipools(
    device: torch.device, calls: list[str]
) -> None:
    net, image = network_and_image(device)
    with cuda.switched_off(), cpu.switched_off():
        expected, _ = net(image, torch.ones(1), execution=DenseExecution())
        with NoWaiting():
            outputs, _ = net(image, torch.ones(1), execution=ByPyTorch())
    assert calls == ["pool"]
    for task, values in outputs.items():
        assert_close(values, expected[task], 1e-4)


@torch.inference_mode()
def test_multipool_by_pytorch_where_kernels_do_not_run(
    calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda, "runs", lambda x, depthwise: False)
    module, x = pool((0, 1, 2)), torch.randn(2, 8, 5, 7)
    with cuda.switched_off(), cpu.switched_off():
        found, choice = ByPyTorch().pool(module, x)
        expected, chosen = module(x)
    assert torch.equal(found, expected) and torch.equal(choice, chosen) and calls == []
