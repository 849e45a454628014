"""The kernels' tests run where kernels do: on a GPU, or in Triton's interpreter.

Triton chooses when it is imported, so that the interpreter needs a process of its own, which
`tests/test_cuda.py` starts. By hand: ``TRITON_INTERPRET=1 python -m pytest tests/kernels``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from pag.cuda import installed, interpreted

collect_ignore_glob: list[str] = []
if not (installed() and (interpreted() or torch.cuda.is_available())):
    collect_ignore_glob.append("test_*.py")


@pytest.fixture(scope="session")
def device() -> torch.device:
    return torch.device("cpu" if interpreted() else "cuda")


@pytest.fixture(autouse=True)
def _full_precision() -> Iterator[None]:
    """No TF32, so that results can be compared closely on a GPU, too."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before
