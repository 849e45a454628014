"""Sparse execution on a GPU: kernels that gather, multiply and scatter in one launch.

`kernels` and `gate_kernels` have what runs there, written in Triton; `launch` runs a gated block,
or MultiPool, with it, and `gate_launch` a gate: its logits, and which pixels a budget keeps.
Triton comes with PyTorch where that is built for CUDA. It is imported when the first feature map
on a GPU asks for it, and `pag.sparse` does the same work where it is missing, does not run, or
gives wrong results.

Nothing waits for the GPU, and no shape depends on a mask: how many pixels are active is known
on the GPU alone, kernels are launched for all pixels, and blocks beyond the active ones return
at once. That is what a CUDA graph asks for, after a first pass that compiles and chooses block
sizes, and with a budget that is given on the CPU. `AutoExecution` with a table for GPUs waits, to
count active pixels.

Tested through Triton's interpreter, which runs the kernels on a CPU where the environment has
``TRITON_INTERPRET=1``, and measured on an NVIDIA H100 (`assets/results/latency_gpu.json`).
"""

from __future__ import annotations

import functools
import importlib.util
import os
import warnings
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from pag.backbones import BlockInput, ResidualBlock
    from pag.fusion import Window
    from pag.gate import Projection
    from pag.macs import LayerCost
    from pag.multipool import MultiPool

DTYPES = (torch.float32, torch.float16, torch.bfloat16)
CHECK_TOLERANCE = 0.03
"""Relative; allows for bfloat16 and TF32. What goes wrong in a kernel is off by far more."""


def serves(x: Tensor, depthwise: bool = False) -> bool:
    """Whether kernels run a block whose input is `x`; where not, `pag.sparse` does.

    Args:
        x: (B, C, H, W).
        depthwise: whether the block's 3x3 is; for these there is no kernel.
    """
    if depthwise or x.dtype not in DTYPES or not installed():
        return False
    if x.device.type == "cuda":
        return reliable(x.device, x.dtype)
    return x.device.type == "cpu" and interpreted()


def interpreted() -> bool:
    """Whether Triton runs kernels in its interpreter, on tensors of the CPU."""
    return os.environ.get("TRITON_INTERPRET") == "1"


@functools.cache
def installed() -> bool:
    """Whether Triton can be imported."""
    return importlib.util.find_spec("triton") is not None


def run_active(
    block: ResidualBlock,
    a: Tensor | BlockInput,
    mask: Tensor,
    scope: str,
    onto: Tensor | None = None,
) -> Tensor:
    """See `pag.cuda.launch.run_active`."""
    from pag.cuda import launch

    return launch.run_active(block, a, mask, scope, onto)


def pool(module: MultiPool, x: Tensor) -> tuple[Tensor, Tensor]:
    """See `pag.cuda.launch.pool`."""
    from pag.cuda import launch

    return launch.pool(module, x)


def selects(logits: Tensor) -> bool:
    """Whether `keep_highest` takes these logits."""
    return logits.dtype == torch.float32 and serves(logits)


def keep_highest(cost: LayerCost, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """See `pag.cuda.gate_launch.keep_highest`."""
    from pag.cuda import gate_launch

    return gate_launch.keep_highest(cost, logits, targets)


def project(conv: Projection, x: Tensor, window: Window | None) -> Tensor:
    """See `pag.cuda.gate_launch.project`."""
    from pag.cuda import gate_launch

    return gate_launch.project(conv, x, window)


@functools.cache
def reliable(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether a small block comes out as `pag.sparse` has it; found out once, with a warning."""
    try:
        from pag.cuda import launch

        error = launch.deviation(device, dtype)
    except Exception as problem:  # a missing compiler, an old GPU or driver: all are different
        reason = f"they do not run ({type(problem).__name__}: {problem})"
    else:
        if error <= CHECK_TOLERANCE:  # False where it is NaN, too
            return True
        reason = f"a first result is off by {error:.1e}"
    warnings.warn(
        f"Sparse execution on {device} goes without its kernels, which is slower: {reason}.",
        RuntimeWarning,
        stacklevel=2,
    )
    return False
