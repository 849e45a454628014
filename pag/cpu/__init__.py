"""Sparse execution on a CPU by compiled kernels, where the machine has a C compiler.

`kernels.c` reads the rows of active pixels where they lie, which spares the copies that gathering
and scattering with PyTorch takes, and opens a block's input while it reads it; `winograd.c` takes
2x2 pixels of a 3x3 convolution at once where nearly all of them are active, with fewer
multiplications; `ranking.c` chooses the pixels that a layer keeps. `build` compiles them once, into
the user's cache folder; `launch` calls them. PyTorch's own operations, `pag.sparse` and
`pag.ranking` do the same work where there is no compiler, or where what it made does not run or
gives wrong results (`check`).
"""

from __future__ import annotations

import functools
import logging
import threading
import warnings
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from pag.switch import Switch

if TYPE_CHECKING:
    from pag.cpu.launch import Kernels

CHECK_TOLERANCE = 1e-4
"""Relative. What goes wrong in a kernel is off by far more."""

logger = logging.getLogger(__name__)
_lock = threading.Lock()
_switch = Switch()


def kernels_for(x: Tensor) -> Kernels | None:
    """What takes the map `x`, (B, C, H, W), or None where there are no kernels for it."""
    if x.device.type != "cpu" or x.dtype != torch.float32:
        return None
    return kernels()


def kernels() -> Kernels | None:
    """The compiled kernels, or None; the first call takes a second or two on a new machine."""
    if not _switch.is_on:
        return None
    with _lock:  # so that they are compiled once
        return _kernels()


def switched_off() -> AbstractContextManager[None]:
    """Within this, the whole process goes without kernels, as on a machine without a compiler."""
    return _switch.off()


@functools.cache
def _kernels() -> Kernels | None:
    from pag.cpu.build import NoCompilerError, library
    from pag.cpu.check import deviation
    from pag.cpu.launch import Kernels

    try:
        found = Kernels(library())
        error = deviation(found)
    except NoCompilerError as problem:
        logger.info("Sparse execution goes without its kernels: %s", problem)
        return None
    except Exception as problem:  # compilers, systems and processors fail in many ways
        reason = f"they do not run ({type(problem).__name__}: {problem})"
    else:
        if error <= CHECK_TOLERANCE:  # False where it is NaN, too
            return found
        reason = f"a first result is off by {error:.1e}"
    warnings.warn(
        f"Sparse execution goes without its kernels, which is slower: {reason}.",
        RuntimeWarning,
        stacklevel=2,
    )
    return None
