"""The GPU path from outside: when it is taken, and its kernels where there is no GPU."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pag import cuda
from pag.break_even_tables import BreakEven
from pag.fused_execution import AutoExecution, SparseExecution
from tests.test_sparse import assert_close, blobs, fused_block, inputs, pool

ROOT = Path(__file__).resolve().parent.parent
CPU = torch.device("cpu")


def test_kernels_in_the_interpreter() -> None:
    """All of tests/kernels, in a process where Triton interprets."""
    pytest.importorskip("triton")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/kernels"]
    environment = os.environ | {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}
    # Blocks are small: more threads take half as much processor time again, and save none.
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) >= 40 and "skipped" not in done.stdout, done.stdout


# ---------------------------------------------------------------- compiling for a GPU


def compile_convolution(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    dtype: str,
    capability: int = 80,
    blocks_at: int = 0,
    **settings: object,
) -> str:
    """The kernel compiled for a compute capability, as PTX; ``bias=None`` leaves that out."""
    pytest.importorskip("triton")
    from triton import compile as compile_for  # pyright: ignore[reportMissingImports]
    from triton.backends.compiler import GPUTarget  # pyright: ignore[reportMissingImports]
    from triton.compiler import ASTSource  # pyright: ignore[reportMissingImports]

    from pag.cuda.kernels import CONFIGS, NARROW, convolve

    monkeypatch.setenv("TRITON_CACHE_DIR", str(folder))
    kernel, blocks = convolve.fn, (*CONFIGS, *NARROW)[blocks_at]
    constants = {
        "taps": 1, "every": False, "activation": True, "ceiling": None, "add": False,
        "precision": "ieee", "widen": False, **blocks.kwargs, **settings,
    }  # fmt: skip
    pointers = dict.fromkeys(("source", "kernel", "bias", "low", "high", "out"), f"*{dtype}")
    pointers |= {"positions": "*i32", "count": "*i32", "reach": "*i64"}
    signature = {name: pointers.get(name, "i32") for name in kernel.arg_names}
    signature |= dict.fromkeys(constants, "constexpr")
    # As PyTorch allocates, and for widths that 16 divides.
    even = [*pointers, "channels_in", "channels_out"]
    places = [i for i, name in enumerate(kernel.arg_names) if name in even]
    source = ASTSource(
        kernel, signature, constants, {(i,): [["tt.divisibility", 16]] for i in places}
    )
    options = {"num_warps": blocks.num_warps, "num_stages": blocks.num_stages}
    compiled = compile_for(source, target=GPUTarget("cuda", capability, 32), options=options)
    assert len(compiled.asm["cubin"]) > 0
    return compiled.asm["ptx"]


def test_compiles_for_a_gpu_with_sums_in_single_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = compile_convolution(tmp_path, monkeypatch, "bf16", taps=9)
    products = set(re.findall(r"mma\.sync\S+", code))
    assert products and all(".f32.bf16.bf16.f32" in product for product in products)


def test_single_precision_is_multiplied_as_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"bias": None, "reach": None, "add": True}
    exact = compile_convolution(tmp_path, monkeypatch, "fp32", **settings)
    assert "fma.rn" in exact and "tf32" not in exact
    rounded = compile_convolution(tmp_path, monkeypatch, "fp32", precision="tf32", **settings)
    assert ".f32.tf32.tf32.f32" in rounded


EVERYWHERE = {"every": True, "positions": None, "count": None, "reach": None}
"""Of a convolution at every pixel."""


@pytest.mark.parametrize("taps", [1, 9])
def test_at_every_pixel_no_list_is_read(
    taps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = {} if taps == 1 else {"low": None, "high": None}
    settings = {"taps": taps, **window, **EVERYWHERE}
    code = compile_convolution(tmp_path, monkeypatch, "bf16", 90, **settings)
    assert "wgmma.mma_async" in code
    parameters = re.findall(r"\.param \.u64 \.ptr \.global", code)
    listed = compile_convolution(tmp_path, monkeypatch, "bf16", 90, **{"taps": taps, **window})
    assert len(re.findall(r"\.param \.u64 \.ptr \.global", listed)) == len(parameters) + 3


@pytest.mark.parametrize("settings", [{}, EVERYWHERE], ids=["listed", "everywhere"])
@pytest.mark.parametrize("blocks_at", range(6))
def test_every_block_size_multiplies_groups_of_warps_on_hopper(
    blocks_at: int, settings: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = compile_convolution(tmp_path, monkeypatch, "bf16", 90, blocks_at, **settings)
    assert "wgmma.mma_async" in code
    copied = re.findall(r"cp\.async\.cg\.shared\.global \[.*?\], \[.*?\], 0x10", code)
    assert copied  # 16 bytes at a time, while the products before are made


@pytest.mark.parametrize("step", [0, 3])
def test_counting_digits_compiles_for_a_gpu(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("triton")
    from triton import compile as compile_for  # pyright: ignore[reportMissingImports]
    from triton.backends.compiler import GPUTarget  # pyright: ignore[reportMissingImports]
    from triton.compiler import ASTSource  # pyright: ignore[reportMissingImports]

    from pag.cuda.gate_kernels import count_digits, keep, project
    from pag.cuda.gate_launch import COUNT_BLOCK, DEPTH, ROWS

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    kinds = {"logits": "*fp32", "keys": "*i32", "counts": "*i32", "state": "*i64"}
    kinds |= {"targets": "*fp64", "mask": "*u8", "spent": "*fp64"}
    read = dict.fromkeys(("source", "low", "high", "weight", "bias"), "*bf16") | {"out": "*fp32"}
    for kernel, named, constants in (
        (count_digits, kinds, {"step": step, "block": COUNT_BLOCK}),
        (keep, kinds, {"block": COUNT_BLOCK}),
        (project, read, {"rows": ROWS, "depth": DEPTH}),
    ):
        signature = {name: named.get(name, "i32") for name in kernel.arg_names}
        signature |= dict.fromkeys(constants, "constexpr")
        source = ASTSource(kernel, signature, constants)
        assert compile_for(source, target=GPUTarget("cuda", 90, 32)).asm["cubin"]


@pytest.mark.parametrize("halo", [False, True])
def test_lists_compile_for_a_gpu(
    halo: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("triton")
    from triton import compile as compile_for  # pyright: ignore[reportMissingImports]
    from triton.backends.compiler import GPUTarget  # pyright: ignore[reportMissingImports]
    from triton.compiler import ASTSource  # pyright: ignore[reportMissingImports]

    from pag.cuda.kernels import LIST_BLOCK, list_active

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    kinds = {"mask": "*u8", "positions": "*i32", "count": "*i32"}
    kinds |= {"halo": "constexpr", "block": "constexpr"}
    signature = {name: kinds.get(name, "i32") for name in list_active.arg_names}
    source = ASTSource(list_active, signature, {"halo": halo, "block": LIST_BLOCK})
    compiled = compile_for(source, target=GPUTarget("cuda", 80, 32))
    assert "atom" in compiled.asm["ptx"] and len(compiled.asm["cubin"]) > 0


# ---------------------------------------------------------------- when kernels are used


def test_a_cpu_does_without_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    assert not cuda.serves(torch.rand(1, 2, 3, 4))
    code = (
        "import sys; from tests.test_sparse import *; from pag.fused_execution import *\n"
        "block, a = fused_block(), inputs((6, 7))\n"
        "SparseExecution().residual(block, a, blobs((2, 1, 6, 7)), 'block')\n"
        "SparseExecution().pool(pool((0, 1)), torch.rand(1, 8, 4, 4))\n"
        "assert 'pag.cuda.kernels' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_without_triton_nothing_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setattr(cuda, "installed", lambda: False)
    assert not cuda.serves(torch.rand(1, 2, 3, 4))
    block, a, mask = fused_block(), inputs((6, 7)), blobs((2, 1, 6, 7))
    with torch.inference_mode():
        expected = block.branch(a) * mask
        assert_close(SparseExecution().residual(block, a, mask, "block"), expected)
        module, x = pool((0, 1)), torch.rand(1, 8, 3, 3)
        assert_close(SparseExecution().pool(module, x)[0], module(x)[0])


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (RuntimeError("Failed to find C compiler"), "do not run .*Failed to find C compiler"),
        (0.5, r"off by 5\.0e-01"),
        (float("nan"), "off by nan"),
        (0.001, None),
    ],
)
def test_kernels_that_fail_a_first_check_are_not_used(
    outcome: float | Exception, message: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("triton")
    from pag.cuda import check

    def deviation(device: torch.device, dtype: torch.dtype) -> float:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(check, "deviation", deviation)
    reliable = cuda.reliable.__wrapped__  # not the cached one
    if message is None:
        assert reliable(CPU, torch.float32)
        return
    with pytest.warns(RuntimeWarning, match=message):
        assert not reliable(CPU, torch.float32)


class Unseen(torch.Tensor):
    """A mask that must not be counted: that would wait for a GPU."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        assert func not in (torch.Tensor.sum, torch.Tensor.all, torch.Tensor.__int__)
        return super().__torch_function__(func, types, args, kwargs or {})


@pytest.mark.parametrize("scope", ["block", "conv"])
def test_auto_is_dense_and_never_looks_at_the_mask_where_nothing_was_measured(scope: str) -> None:
    always = (BreakEven("block", 4, 1, 1.0, 0.0), BreakEven("conv", 4, 1, 1.0, 0.0))
    block, a, mask = fused_block(), inputs((6, 7)), blobs((2, 1, 6, 7))
    with torch.inference_mode():
        expected = AutoExecution(()).residual(block, a, mask, scope)
        elsewhere = AutoExecution(always, device="cuda")
        found = elsewhere.residual(block, a, mask.as_subclass(Unseen), scope)
        assert torch.equal(found.as_subclass(torch.Tensor), expected)
        full = torch.ones_like(mask)
        assert torch.equal(elsewhere.residual(block, a, full, scope), block.branch(a))
    with pytest.raises(AssertionError):
        AutoExecution(always).residual(block, a, mask.as_subclass(Unseen), scope)


def test_block_sizes_are_timed_where_that_can_pay() -> None:
    pytest.importorskip("triton")
    from pag.cuda.kernels import CONFIGS, NARROW, worth_timing

    def timed(dtype: torch.dtype, channels: int = 64, **settings: object) -> int:
        named = {"source": torch.empty(0, dtype=dtype), "channels_out": channels}
        return len(worth_timing(CONFIGS, named, **settings))

    assert timed(torch.bfloat16, precision="ieee", tuned=1) == len(CONFIGS) > 1
    assert timed(torch.float32, precision="tf32", tuned=1) == len(CONFIGS)
    assert timed(torch.float32, precision="ieee", tuned=1) == 1
    assert timed(torch.bfloat16, precision="ieee", tuned=0) == 1
    both = len(CONFIGS) + len(NARROW)
    assert timed(torch.bfloat16, 32, precision="ieee", tuned=1) == both
    assert timed(torch.bfloat16, 16, precision="ieee", tuned=0) == 1
