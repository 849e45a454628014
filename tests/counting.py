"""Counting the multiply-adds that really run, in PyTorch and in compiled kernels."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch.utils.flop_counter import FlopCounterMode

from pag import cpu


class Counting:
    """The functions of `pag.cpu`, each of which counts before it runs."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self.macs = 0

    def __getattr__(self, name: str) -> Callable[..., object]:
        run = getattr(self._library, name)
        count = COUNTED.get(name)
        if count is None:
            return run

        def counted(*arguments: Any) -> object:
            self.macs += count(*arguments)
            return run(*arguments)

        return counted


def _per_pixel(convolution: Any) -> int:
    made = convolution._obj  # what ctypes.byref points at
    return made.taps * made.channels * (1 if made.depthwise else made.outputs)


def _active(tiles: int, count: int) -> int:
    """Active pixels of tiles, which count as if they were computed one by one."""
    bits = (ctypes.c_int32 * (2 * count)).from_address(tiles)[1::2] if count else []
    return sum(each.bit_count() for each in bits)


def _spatial(by: Any, *arguments: Any) -> int:
    tiles, some, _, _, count = arguments[5:10]
    return (_active(tiles, some) + count) * _per_pixel(by)


def _finish(by: Any, tiled: Any, expand: Any, *arguments: Any) -> int:
    tiles, some, _, count = arguments[4:8]
    return (_active(tiles, some) + count) * (_per_pixel(by) + _per_pixel(expand))


COUNTED: dict[str, Callable[..., int]] = {
    "pag_pointwise": lambda by, source, positions, count, *_: count * _per_pixel(by),
    "pag_spatial": _spatial,
    "pag_finish": _finish,
    "pag_project": lambda source, clamp, weight, bias, count, channels, *_: count * channels,
}


class Count:
    """Multiply-adds so far."""

    def __init__(self, counter: FlopCounterMode, counting: Counting | None) -> None:
        self._counter, self._counting = counter, counting

    @property
    def macs(self) -> float:
        own = 0 if self._counting is None else self._counting.macs
        return self._counter.get_total_flops() / 2 + own


@contextmanager
def counted() -> Iterator[Count]:
    """Counts the multiply-adds of all convolutions and products that run within it."""
    kernels = cpu.kernels()
    library = None if kernels is None else kernels.library
    counting = None if library is None else Counting(library)
    if kernels is not None:
        kernels.library = counting  # type: ignore[assignment]
    try:
        with FlopCounterMode(display=False) as counter:
            yield Count(counter, counting)
    finally:
        if kernels is not None:
            assert library is not None
            kernels.library = library


def multiplied(run: Callable[[], object]) -> float:
    """Multiply-adds of `run`."""
    with counted() as count:
        run()
    return count.macs
