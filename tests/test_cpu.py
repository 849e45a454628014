"""The compiled kernels: how they come to be, and what happens where they do not."""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pag import cpu
from pag.backbones import BlockInput, Bottleneck, opened
from pag.break_even import prepare
from pag.break_even_tables import COMPILED, UNCOMPILED
from pag.cache import cache_folder, write_whole
from pag.cpu import build, check
from pag.cpu.launch import Kernels
from pag.cpu.structures import Geometry
from pag.execution import DenseExecution
from pag.fused_execution import AutoExecution, SparseExecution
from pag.gate import PixelGate
from pag.heads import read
from pag.macs import halo
from pag.network import PAGNet
from tests.backbones import multipool
from tests.checkpoints import random_net
from tests.test_sparse import assert_close, blobs, fused_block, inputs, pool

compiled = pytest.mark.skipif(build.compiler() is None, reason="no C compiler")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Kernels found anew in every test, in a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    cpu._kernels.cache_clear()
    yield
    cpu._kernels.cache_clear()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> bytes | None:
    """The kernels, compiled once for all tests that are about something else."""
    if build.compiler() is None:
        return None
    target = tmp_path_factory.mktemp("kernels") / "kernels.so"
    build.compile_kernels(target)
    return target.read_bytes()


@pytest.fixture
def found_in_cache(library: bytes | None) -> None:
    """As on a machine that has compiled them before."""
    if library is not None:
        write_whole(cache_folder() / f"kernels-{build.fingerprint()}.so", library)


def never(target: Path) -> None:
    raise AssertionError("compiled once more")


# ---------------------------------------------------------------- compiled once, and kept


@compiled
def test_they_are_compiled_once_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cpu.kernels() is not None
    kept = [path.name for path in cache_folder().iterdir()]
    assert kept == [f"kernels-{build.fingerprint()}.so"]
    monkeypatch.setattr(build, "compile_kernels", never)
    cpu._kernels.cache_clear()
    assert cpu.kernels() is not None


@compiled
@pytest.mark.usefixtures("found_in_cache")
def test_training_may_be_the_first_to_ask() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert cpu.kernels() is not None


@compiled
def test_a_damaged_library_is_compiled_anew() -> None:
    path = cache_folder() / f"kernels-{build.fingerprint()}.so"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a library")
    assert cpu.kernels() is not None
    ctypes.CDLL(str(path))  # it is one now


@compiled
def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cpu.kernels() is not None
    assert "were not kept" in caplog.text


@compiled
def test_another_source_or_processor_has_its_own_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build.fingerprint()
    monkeypatch.setattr(build, "processor", lambda: "another one")
    second = build.fingerprint()
    changed = tmp_path / "kernels.c"
    (source,) = (path for path in build.SOURCES if path.name == "kernels.c")
    changed.write_text(source.read_text() + "\n")
    monkeypatch.setattr(build, "SOURCES", (changed, *set(build.SOURCES) - {source}))
    assert len({first, second, build.fingerprint()}) == 3


@compiled
@pytest.mark.skipif(not build.WIDE, reason="these flags are of x86")
@pytest.mark.parametrize("flag", ["-mno-avx512f", "-mno-avx"])
def test_processors_with_narrower_vectors_get_the_same(
    flag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = cpu.kernels()
    monkeypatch.setattr(build, "WIDE", (flag,))
    cpu._kernels.cache_clear()
    narrow = cpu.kernels()
    assert usual is not None and narrow is not None
    assert narrow.library.pag_panel() == {"-mno-avx512f": 16, "-mno-avx": 8}[flag]
    assert usual.library.pag_panel() >= 16
    assert check.deviation(narrow) < 1e-5


# ---------------------------------------------------------------- where there are none


def works_without() -> None:
    block, a, mask = fused_block(), inputs((6, 7)), blobs((2, 1, 6, 7))
    with torch.inference_mode():
        expected = DenseExecution().residual(block, a, mask, "block")
        assert_close(SparseExecution().residual(block, a, mask, "block"), expected)
        module, x = pool((0, 1, 2)), torch.rand(1, 8, 5, 6)
        assert torch.equal(SparseExecution().pool(module, x)[0], module(x)[0])
    assert AutoExecution().table is UNCOMPILED


def test_without_a_compiler_pytorch_does_it(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    assert cpu.kernels() is None
    works_without()
    assert not [w for w in recwarn if "kernels" in str(w.message)]  # nothing is wrong


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for the compiler")
def test_a_compiler_that_fails_is_reported_and_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "broken"
    script.write_text("#!/bin/sh\necho 'omp.h: No such file' >&2\nexit 1\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CC", str(script))
    with pytest.warns(RuntimeWarning, match=r"do not run .*omp\.h: No such file"):
        assert cpu.kernels() is None
    works_without()
    assert cpu.kernels() is None  # and asked once only


@compiled
@pytest.mark.usefixtures("found_in_cache")
@pytest.mark.parametrize("error", [0.5, float("nan")])
def test_kernels_that_fail_a_first_check_are_not_used(
    error: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "deviation", lambda kernels: error)
    with pytest.warns(RuntimeWarning, match="a first result is off by"):
        assert cpu.kernels() is None


@compiled
@pytest.mark.usefixtures("found_in_cache")
def test_they_can_be_switched_off_for_a_while() -> None:
    assert AutoExecution().table is COMPILED
    with cpu.switched_off():
        assert cpu.kernels() is None
        works_without()
    assert cpu.kernels() is not None


@compiled
@pytest.mark.usefixtures("found_in_cache")
def test_other_devices_and_types_are_not_theirs() -> None:
    x = torch.rand(1, 2, 3, 4)
    assert cpu.kernels_for(x) is not None
    assert cpu.kernels_for(x.double()) is None
    assert cpu.kernels_for(x.to("meta")) is None


# ---------------------------------------------------------------- what they compute


@pytest.fixture
def kernels(found_in_cache: None) -> Kernels:
    found = cpu.kernels()
    if found is None:
        pytest.skip("no C compiler")
    return found


@pytest.fixture(scope="module")
def net() -> PAGNet:
    return prepare(random_net())


def channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("input_size", [(9, 12), (1, 1), (8, 5)])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (1, 3), (2, 1)])
def test_listed_pixels_are_the_mask_and_its_halo(
    kernels: Kernels, stride: int, dilation: int, input_size: tuple[int, int]
) -> None:
    block = fused_block(stride, dilation)
    size = tuple(-(-side // stride) for side in input_size)
    mask = torch.rand(2, 1, *size) < 0.3
    found = kernels.list_pixels(mask, block, "block", input_size)
    needed = halo(mask.float(), stride, dilation, input_size).flatten() > 0
    assert found.outputs.tolist() == mask.flatten().nonzero().flatten().tolist()
    assert found.inputs is not None
    assert found.inputs.tolist() == needed.nonzero().flatten().tolist()
    numbers = found.numbers.flatten()
    assert numbers[needed].tolist() == list(range(len(found.inputs)))
    assert (numbers[~needed] == -1).all()
    assert kernels.list_pixels(mask, block, "conv", input_size).inputs is None


@pytest.mark.parametrize("size", [(9, 12), (1, 1), (8, 5), (2, 2), (30, 41)])
@pytest.mark.parametrize("dilation", [1, 2, 5])
def test_every_active_pixel_is_in_a_tile_or_alone(
    kernels: Kernels, dilation: int, size: tuple[int, int]
) -> None:
    height, width = size
    for mask in (torch.rand(2, 1, *size) < 0.7, torch.ones(2, 1, *size, dtype=torch.bool)):
        geometry = Geometry(2, *size, *size, 1, dilation)
        singles, tiles = kernels._part(mask, geometry)
        members = []
        for corner, active in tiles.tolist():
            assert active.bit_count() >= 3
            y, x = divmod(corner % (height * width), width)
            for member in (i for i in range(4) if active >> i & 1):
                down, right = member // 2 * dilation, member % 2 * dilation
                assert y + down < height and x + right < width
                members.append(corner + down * width + right)
        expected = mask.flatten().nonzero().flatten().tolist()
        assert sorted(members + singles.tolist()) == expected
        # Of a full mask, all but what the map's end cuts off.
        if mask.all() and height % (2 * dilation) == width % (2 * dilation) == 0:
            assert len(singles) == 0


@pytest.mark.parametrize("size", [(9, 12), (1, 1), (8, 5), (37, 50)])
@pytest.mark.parametrize(("channels", "outputs", "dilation"), [(32, 24, 1), (64, 70, 3)])
@torch.inference_mode()
def test_tiles_give_what_pytorchs_convolution_gives(
    kernels: Kernels, channels: int, outputs: int, dilation: int, size: tuple[int, int]
) -> None:
    conv = nn.Conv2d(channels, outputs, 3, padding=dilation, dilation=dilation)
    x = channels_last(torch.randn(3, channels, *size))
    assert kernels.tiles(conv)
    assert_close(kernels.convolution(conv, x), conv(x))
    assert_close(kernels.convolution(conv, x, low=0.1), conv(x).clamp_min(0.1))
    conv.weight.mul_(-2)  # is arranged anew
    assert_close(kernels.convolution(conv, x), conv(x))


def test_what_tiles_do_not_take(kernels: Kernels) -> None:
    assert kernels.tiles(nn.Conv2d(64, 8, 3, padding=1))
    assert not kernels.tiles(nn.Conv2d(64, 8, 3, padding=1, stride=2))
    assert not kernels.tiles(nn.Conv2d(64, 8, 3, padding=1, groups=2))
    assert not kernels.tiles(nn.Conv2d(64, 8, 3))
    assert not kernels.tiles(nn.Conv2d(64, 8, 1))
    assert not kernels.tiles(nn.Conv2d(16, 8, 3, padding=1)), "too few to be worth it"
    assert not kernels.tiles(nn.Conv2d(33, 8, 3, padding=1)), "not whole vectors"
    assert not kernels.tiles(nn.ReLU())


@pytest.mark.parametrize("dilation", [1, 2])
@torch.inference_mode()
def test_a_block_in_tiles_reads_and_writes_nothing_else(kernels: Kernels, dilation: int) -> None:
    block, size = fused_block(1, dilation, width=64), (23, 30)
    a, mask = channels_last(torch.randn(2, block.conv1.in_channels, *size)), blobs((2, 1, *size))
    pixels = kernels.list_pixels(mask, block, "block", size)
    assert len(pixels.tiles) and len(pixels.outputs)
    expected = DenseExecution().residual(block, a, mask, "block")
    unneeded = halo(mask.float(), 1, dilation, size) <= 0
    read = channels_last(a.masked_fill(unneeded, torch.nan))
    found = SparseExecution().residual(block, read, mask, "block")
    assert_close(found, expected)
    assert (found.masked_select(~mask) == 0).all()
    full = torch.ones_like(mask)
    assert_close(
        SparseExecution().residual(block, a, full, "block"),
        DenseExecution().residual(block, a, full, "block"),
    )


@pytest.mark.parametrize("batch", [1, 3])
@torch.inference_mode()
def test_a_gate_reads_a_block_that_is_not_opened_yet(
    kernels: Kernels, net: PAGNet, batch: int
) -> None:
    blocks = dict(net.backbone.blocks)
    for name, size in (("res2_2", (7, 9)), ("res4_3", (1, 5))):
        block, gate = blocks[name], net.gates[name]
        assert isinstance(gate, PixelGate)
        x = channels_last(torch.randn(batch, block.conv1.in_channels, *size))
        budget = torch.full((batch,), 0.6)
        read = BlockInput(block, x)
        found = gate(read, budget)
        assert not read.is_opened
        assert_close(found, gate(block.preactivation(x), budget), 1e-5)
        assert gate(BlockInput(block, x.double().float()), budget).shape == found.shape


@torch.inference_mode()
def test_a_block_that_is_not_opened_gives_what_an_opened_one_gives(
    kernels: Kernels, net: PAGNet
) -> None:
    block = dict(net.backbone.blocks)["res3_2"]
    x = channels_last(torch.randn(2, block.conv1.in_channels, 21, 30))
    mask = blobs((2, 1, 21, 30))
    assert block.window is not None and torch.isfinite(block.window.low).any()
    expected = x + DenseExecution().residual(block, block.preactivation(x), mask, "block")
    unneeded = halo(mask.float(), 1, 1, (21, 30)) <= 0
    for execution in (SparseExecution(), AutoExecution()):
        read = BlockInput(block, x.masked_fill(unneeded, torch.nan))
        onto = x.clone(memory_format=torch.channels_last)
        assert_close(execution.residual(block, read, mask, "block", onto), expected)
        assert not read.is_opened
        again = x.clone(memory_format=torch.channels_last)  # as in the network: onto itself
        assert_close(
            execution.residual(block, BlockInput(block, again), mask, "block", again), expected
        )


@pytest.mark.parametrize("batch", [1, 3])
@torch.inference_mode()
def test_the_decoder_and_strided_readers_leave_a_block_unopened(
    kernels: Kernels, net: PAGNet, batch: int
) -> None:
    """The decoder joins what `res3_1` reads; its shortcut and gate need every second pixel."""
    block, gate = dict(net.backbone.blocks)["res3_1"], net.gates["res3_1"]
    assert isinstance(block, Bottleneck)
    x = channels_last(torch.randn(batch, block.conv1.in_channels, 15, 22))
    budget = torch.full((batch,), 0.6)
    unread, is_open = BlockInput(block, x), BlockInput(block, x)
    whole = is_open.opened
    for reads in (
        lambda a: read(net.decoder.from_fine, a),
        lambda a: gate(a, budget),
        block.shortcut,
    ):
        assert_close(reads(unread), reads(is_open), 1e-5)
    assert not unread.is_opened
    assert_close(unread.opened_at_outputs, whole[:, :, ::2, ::2], 0)
    assert unread.opened_at_outputs is unread.opened_at_outputs


def test_an_input_is_opened_once(net: PAGNet) -> None:
    block = dict(net.backbone.blocks)["res2_2"]
    read = BlockInput(block, torch.randn(1, block.conv1.in_channels, 4, 5))
    assert not read.is_opened
    first = opened(read)
    assert read.is_opened and opened(read) is first
    assert torch.equal(first, block.preactivation(read.x))


@pytest.mark.parametrize("threads", [1, 2, 3])
@torch.inference_mode()
def test_any_number_of_threads_gives_the_same(kernels: Kernels, net: PAGNet, threads: int) -> None:
    block = dict(net.backbone.blocks)["res3_2"]
    a = channels_last(torch.rand(1, block.conv1.in_channels, 40, 50))
    mask = blobs((1, 1, 40, 50))
    pixels = kernels.list_pixels(mask, block, "block", (40, 50))
    module = multipool(net.backbone)
    x, before = channels_last(torch.rand(1, 256, 40, 50)), torch.get_num_threads()
    expected = kernels.run_active(block, a, mask, pixels), kernels.pool(module, x)[0]
    try:
        torch.set_num_threads(threads)
        found = kernels.run_active(block, a, mask, pixels), kernels.pool(module, x)[0]
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found[0], expected[0]) and torch.equal(found[1], expected[1])


@torch.inference_mode()
def test_dilations_that_reach_off_the_map_read_zeros_there(kernels: Kernels, net: PAGNet) -> None:
    module = multipool(net.backbone)
    for size in ((3, 4), (30, 5), (5, 60)):  # whole groups of pixels read nothing at some taps
        x = channels_last(torch.randn(1, 256, *size))
        assert_close(kernels.pool(module, x)[0], module(x)[0])
