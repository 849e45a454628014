"""The compiled kernels' first check: each of them, and each way to ask for it, is looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from inspect import signature
from typing import Any

import pytest
import torch
from torch import Tensor

from pag import cpu
from pag.cpu import build, check
from pag.cpu.launch import NO_PIXELS, Kernels, Listed

pytestmark = pytest.mark.skipif(build.compiler() is None, reason="no C compiler")

OFFERED = sorted(name for name in vars(Kernels) if not name.startswith("_") and name != "tiles")
"""What `Kernels` computes."""

Given = dict[str, Any]
WAYS: dict[str, tuple[str, Callable[[Given], bool]]] = {
    "a depthwise block": ("run_active", lambda given: given["block"].depthwise),
    "a strided block": ("run_active", lambda given: given["block"].stride == 2),
    "the 3x3 alone": ("run_active", lambda given: given["pixels"].inputs is None),
    "tiles of a block": ("run_active", lambda given: len(given["pixels"].tiles) > 0),
    "depthwise pixels": ("_spatial", lambda given: given["by"].depthwise),
    "strided pixels": ("_spatial", lambda given: given["geometry"].stride == 2),
    "each pixel's own dilation": ("_spatial", lambda given: given["reach"] is not None),
    "rows of active pixels": ("_spatial", lambda given: given["places"] is not None),
    "tiles of a field": ("_spatial", lambda given: given["outputs"] is NO_PIXELS),
    "points of a map": ("_pointwise", lambda given: given["spread"]),
    "points as they open": ("_pointwise", lambda given: given["opening"] is not None),
}
"""The method that takes each way, and whether it does with what it is given."""


@pytest.fixture
def kernels() -> Kernels:
    found = cpu.kernels()
    assert found is not None and check.deviation(found) < 1e-5
    return found


def test_every_kernel_is_checked_before_it_is_used(
    kernels: Kernels, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(OFFERED) >= 8
    for name in OFFERED:
        usual = getattr(Kernels, name)

        def off(*given: Any, usual: Callable[..., Any] = usual, **options: Any) -> Any:
            found = usual(*given, **options)
            if isinstance(found, Listed):
                return replace(found, outputs=found.outputs[1:])
            if isinstance(found, Tensor):
                return found * 1.01
            first, second = found
            return (~first if first.dtype == torch.bool else first * 1.01), second

        with monkeypatch.context() as patched:
            patched.setattr(Kernels, name, off)
            assert check.deviation(kernels) > cpu.CHECK_TOLERANCE, name


@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_checked_before_it_is_taken(
    way: str, kernels: Kernels, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, takes = WAYS[way]
    usual = getattr(Kernels, name)
    for wrong in (1.01, torch.nan):

        def off(*given: Any, wrong: float = wrong, **options: Any) -> Any:
            found = usual(*given, **options)
            named = signature(usual).bind(*given, **options)
            named.apply_defaults()
            if takes(named.arguments):
                (named.arguments["out"] if found is None else found).mul_(wrong)
            return found

        monkeypatch.setattr(Kernels, name, off)
        assert not check.deviation(kernels) <= cpu.CHECK_TOLERANCE


def test_it_asks_nobody_who_waits_for_it(kernels: Kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked() -> None:
        raise AssertionError("the answer is the check itself")

    monkeypatch.setattr(cpu, "kernels", asked)
    assert check.deviation(kernels) < 1e-5
