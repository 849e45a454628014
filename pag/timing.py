"""The contract of all time measurements, and the machine that they were made on.

What is compared runs in turn, in one process, after a warm-up; medians and quartiles are
reported, ratios are medians of pairwise ratios, and the machine's load is written down.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import torch

WARMUP = 2
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}
"""``cpu`` is the processor time of all threads: for a busy machine, and then with one thread."""

BUSY = 0.5
"""Load average above which a machine counts as doing something else."""

Timings = dict[str, list[float]]


def time_in_turn(
    runs: dict[str, Callable[[int], object]], repeats: int, clock: Callable[[], float]
) -> Timings:
    """Seconds of each run in each repeat; all take turns, every other repeat in reverse.

    Args:
        runs: by name; called with the number of the repeat, negative while warming up.
        repeats: measured calls of each.
        clock: in seconds.
    """
    timings: Timings = {name: [] for name in runs}
    for repeat, name in turns(runs, repeats):
        started = clock()
        runs[name](repeat)
        if repeat >= 0:
            timings[name].append(clock() - started)
    return timings


def turns(names: Iterable[str], repeats: int, warmup: int = WARMUP) -> Iterator[tuple[int, str]]:
    """(repeat, name) in the order of runs, every other repeat in reverse; negative: warming up."""
    ordered = list(names)
    for repeat in range(-warmup, repeats):
        for name in ordered[:: -1 if repeat % 2 else 1]:
            yield repeat, name


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """Median and quartiles in milliseconds."""
    low, middle, high = statistics.quantiles(seconds, n=4, method="inclusive")
    named = {"median": middle, "lower_quartile": low, "upper_quartile": high}
    return {name: round(1000 * value, 3) for name, value in named.items()}


def ratio(timings: Timings, name: str, base: str) -> float:
    """Median of the pairwise ratios of two runs' times."""
    pairs = zip(timings[name], timings[base], strict=True)
    return round(statistics.median(a / b for a, b in pairs), 3)


def processor() -> str:
    """The model of this machine's processor."""
    name = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        names = [x for x in info.read_text().splitlines() if x.startswith("model name")]
        name = names[0].partition(":")[2].strip() if names else name
    return name


def synchronised(clock: Callable[[], float], device: torch.device) -> Callable[[], float]:
    """A clock that first waits until a GPU has done what it was given; on the CPU the same."""
    if device.type != "cuda":
        return clock

    def waiting() -> float:
        torch.cuda.synchronize(device)
        return clock()

    return waiting


def machine(device: torch.device | None = None) -> dict[str, object]:
    """What runs the measurement, with `device` if that is a GPU, and whether it is busy."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    gpu = {}
    if device is not None and device.type == "cuda":
        gpu = {"gpu": torch.cuda.get_device_name(device), "cuda": torch.version.cuda}
    return {
        **gpu,
        "processor": processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "threads_limit": os.environ.get("OMP_THREAD_LIMIT"),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load_average": load,
        "busy": load is not None and load > BUSY,
    }
