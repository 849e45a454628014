"""Sparse execution on a GPU: kernels that gather, multiply and scatter in one launch.

`kernels` and `gate_kernels` have what runs there, written in Triton; `launch` runs a gated block,
MultiPool, or a convolution at every pixel with it, and `gate_launch` a gate: its logits, and which
pixels a budget keeps. A convolution at every pixel is here for what is around it: PyTorch takes
another pass over the map for a bias, for a ReLU, for what opens a block and for a sum.
Triton comes with PyTorch where that is built for CUDA. It is imported when the first feature map
on a GPU asks for it, and PyTorch's own operations and `pag.sparse` do the same work where it is
missing, does not run, or gives wrong results (`check`).

Nothing waits for the GPU, and no shape depends on a mask: how many pixels are active is known
on the GPU alone, kernels are launched for all pixels, and blocks beyond the active ones return
at once. That is what a CUDA graph asks for, after a first pass that compiles and chooses block
sizes, and with a budget that is given on the CPU.

Triton launches on the current GPU, which is the first one in every new thread: what is called
here makes that of its tensors the current one, for as long as it takes.

Tested through Triton's interpreter, which runs the kernels on a CPU where the environment has
``TRITON_INTERPRET=1``, and measured on an NVIDIA H100 (`assets/results/latency_gpu.json`).
"""

from __future__ import annotations

import functools
import importlib.util
import os
import warnings
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeGuard

import torch
from torch import Tensor, nn

from pag.switch import Switch

if TYPE_CHECKING:
    from pag.backbones import BlockInput, ResidualBlock
    from pag.fusion import Window
    from pag.gate import Projection
    from pag.macs import LayerCost
    from pag.multipool import MultiPool

DTYPES = (torch.float32, torch.float16, torch.bfloat16)
CHECK_TOLERANCE = 0.03
"""Relative; allows for bfloat16 and TF32. What goes wrong in a kernel is off by far more."""
_switch = Switch()


def serves(x: Tensor, depthwise: bool = False) -> bool:
    """Whether kernels run a block whose input is `x`; where not, PyTorch's operations do.

    Args:
        x: (B, C, H, W).
        depthwise: whether the block's 3x3 is; for these there is no kernel.
    """
    return _switch.is_on and runs(x, depthwise)


def switched_off() -> AbstractContextManager[None]:
    """Within this, `serves` is false in the whole process, as if Triton were missing."""
    return _switch.off()


def runs(x: Tensor, depthwise: bool = False) -> bool:
    """What `serves` says while nothing is switched off."""
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

    with torch.cuda.device_of(mask):
        return launch.run_active(block, a, mask, scope, onto)


def run_everywhere(
    block: ResidualBlock, a: Tensor | BlockInput, onto: Tensor | None = None
) -> Tensor:
    """See `pag.cuda.launch.run_everywhere`."""
    from pag.cuda import launch

    with torch.cuda.device_of(block.conv1.weight):
        return launch.run_everywhere(block, a, onto)


def convolves(conv: nn.Module, x: Tensor) -> TypeGuard[nn.Conv2d]:
    """Whether `convolution` takes a module and its input: a 1x1 or 3x3 that keeps the size.

    Or divides it by a stride. Where a gradient is wanted, it takes none.

    Args:
        x: (B, C, H, W).
    """
    return (
        serves(x)
        and not torch.is_grad_enabled()
        and isinstance(conv, nn.Conv2d)
        and conv.kernel_size in ((1, 1), (3, 3))
        and conv.stride[0] == conv.stride[1]
        and conv.dilation[0] == conv.dilation[1]
        and conv.padding == ((0, 0) if conv.kernel_size == (1, 1) else conv.dilation)
        and conv.padding_mode == "zeros"
        and conv.groups == 1
        and conv.weight.dtype == x.dtype
    )


def convolution(
    conv: nn.Conv2d, x: Tensor, relu: bool = False, window: Window | None = None
) -> Tensor:
    """See `pag.cuda.launch.convolution`."""
    from pag.cuda import launch

    with torch.cuda.device_of(x):
        return launch.convolution(conv, x, relu, window)


def pool(module: MultiPool, x: Tensor) -> tuple[Tensor, Tensor]:
    """See `pag.cuda.launch.pool`."""
    from pag.cuda import launch

    with torch.cuda.device_of(x):
        return launch.pool(module, x)


def selects(logits: Tensor) -> bool:
    """Whether `keep_highest` takes these logits."""
    return logits.dtype == torch.float32 and serves(logits)


def keep_highest(cost: LayerCost, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """See `pag.cuda.gate_launch.keep_highest`."""
    from pag.cuda import gate_launch

    with torch.cuda.device_of(logits):
        return gate_launch.keep_highest(cost, logits, targets)


def project(conv: Projection, x: Tensor, window: Window | None) -> Tensor:
    """See `pag.cuda.gate_launch.project`."""
    from pag.cuda import gate_launch

    with torch.cuda.device_of(x):
        return gate_launch.project(conv, x, window)


@functools.cache
def reliable(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether every kernel gives what PyTorch gives; found out once, and if not, with a warning."""
    try:
        from pag.cuda import check

        error = check.deviation(device, dtype)
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
