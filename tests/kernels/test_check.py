"""The first check finds the kernels right, and each of them wrong where it is; on which GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from pag import cuda
from pag.cuda import check, gate_launch, launch

Ran = Callable[[launch.Convolution, launch.Listed | launch.Whole, Tensor | None], bool]
WAYS: dict[str, Ran] = {
    "at listed pixels": lambda by, at, reach: isinstance(at, launch.Listed),
    "everywhere": lambda by, at, reach: isinstance(at, launch.Whole),
    "1x1 as it opens": lambda by, at, reach: by.window is not None,
    "strided 1x1": lambda by, at, reach: by.stride == 2 and by.weight.shape[-1] == 1,
    "strided 3x3 at listed pixels": lambda by, at, reach: (
        by.stride == 2 and by.weight.shape[-1] == 3 and isinstance(at, launch.Listed)
    ),
    "strided 3x3 everywhere": lambda by, at, reach: (
        by.stride == 2 and by.weight.shape[-1] == 3 and isinstance(at, launch.Whole)
    ),
    "each pixel's own dilation": lambda by, at, reach: reach is not None,
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Maps on which the interpreter is quick."""
    monkeypatch.setattr(check, "SIZE", (5, 7))
    monkeypatch.setattr(check, "CHANNELS", 20)
    monkeypatch.setattr(check, "WIDTH", 12)


def test_it_finds_the_kernels_right(device: torch.device) -> None:
    assert check.deviation(device, torch.float32) < 1e-5
    assert check.deviation(device, torch.bfloat16) < cuda.CHECK_TOLERANCE


@pytest.mark.usefixtures("small")
def test_it_keeps_random_numbers_and_is_exact_in_training(device: torch.device) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    with torch.autocast(device.type, torch.bfloat16):
        assert check.deviation(device, torch.float32) < 1e-5
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.usefixtures("small")
def test_it_finds_that_nothing_is_computed(
    device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(mask: Tensor) -> launch.Listed:
        found = original(mask)
        found.count.zero_()
        return found

    original = launch.active
    monkeypatch.setattr(launch, "active", nothing)
    assert not check.deviation(device, torch.float32) < 1


@pytest.mark.usefixtures("small")
def test_it_asks_nobody_who_waits_for_it(
    device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*given: object) -> bool:
        raise AssertionError("the answer is the check itself")

    monkeypatch.setattr(cuda, "serves", asked)
    assert check.deviation(device, torch.float32) < 1e-5


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("module", "name"),
    [
        (launch, "run_active"),
        (launch, "run_everywhere"),
        (launch, "convolution"),
        (launch, "pool"),
        (gate_launch, "project"),
        (gate_launch, "keep_highest"),
    ],
)
def test_it_runs_whatever_the_network_may_ask_for(
    module: Any, name: str, device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = getattr(module, name)

    def off(*given: Any) -> Any:
        found = usual(*given)
        if isinstance(found, Tensor):
            return found * 1.1
        first, second = found
        return (~first if first.dtype == torch.bool else first * 1.1), second

    monkeypatch.setattr(module, name, off)
    assert check.deviation(device, torch.float32) > cuda.CHECK_TOLERANCE


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("way", "wrong"), [*((way, 1.1) for way in WAYS), ("everywhere", torch.nan)]
)
def test_it_runs_convolutions_in_every_way(
    way: str, wrong: float, device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = launch.Convolution.run

    def off(
        self: launch.Convolution,
        source: Tensor,
        source_size: tuple[int, int],
        out: Tensor,
        at: launch.Listed | launch.Whole,
        add: bool = False,
        reach: Tensor | None = None,
    ) -> None:
        usual(self, source, source_size, out, at, add, reach)
        if WAYS[way](self, at, reach):
            out.mul_(wrong)

    monkeypatch.setattr(launch.Convolution, "run", off)
    assert not check.deviation(device, torch.float32) <= cuda.CHECK_TOLERANCE


# ---------------------------------------------------------------- more than one GPU


@pytest.mark.usefixtures("small")
def test_kernels_are_launched_on_the_gpu_of_their_tensors(
    device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check goes through all that `pag.cuda` offers."""
    current: list[Tensor] = []
    launched: set[str] = set()

    class Current(torch.cuda.device_of):
        def __init__(self, x: Tensor) -> None:
            super().__init__(x)
            self.x = x

        def __enter__(self) -> None:
            super().__enter__()
            current.append(self.x)

        def __exit__(self, *given: Any) -> Any:
            current.pop()
            return super().__exit__(*given)

    class Watched:
        def __init__(self, name: str, kernel: Any) -> None:
            self.name, self.kernel = name, kernel

        def __getitem__(self, grid: Any) -> Callable[..., Any]:
            launched.add(self.name)
            assert [x.device.type for x in current] == [device.type], self.name
            return self.kernel[grid]

    monkeypatch.setattr(torch.cuda, "device_of", Current)
    kernels = {
        launch: ("list_active", "convolve"),
        gate_launch: ("projecting", "count_digits", "keep"),
    }
    for module, names in kernels.items():
        for name in names:
            monkeypatch.setattr(module, name, Watched(name, getattr(module, name)))
    assert check.deviation(device, torch.float32) < 1e-5
    assert launched == {name for names in kernels.values() for name in names}
    assert not current
