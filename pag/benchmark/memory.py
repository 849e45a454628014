"""Memory that a pass of the network needs, by execution: read from the system (Linux).

Every pass is made in a process of its own, in which nothing was freed that it could use again.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import statistics
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch

from pag import cpu
from pag.benchmark.network import FULL, answer
from pag.benchmark.subject import Recipe, load_images
from pag.budget import ExactPolicy, OpenPolicy, check_budget
from pag.errors import InputError
from pag.fused_execution import EXECUTIONS, build_execution
from pag.inference import TASKS
from pag.macs import Size, network_cost

PASSES = 2
"""In each process: the first one also fills the caches of PyTorch."""
PROCESSES = 3
KB = 1024
"""In an MB."""


@dataclass(frozen=True)
class MemoryUse:
    """The network's need at one size and budget.

    Attributes:
        size: (H, W) of the images.
        batch: images at once.
        budget: of the executions; ``full`` has every gate open.
        megabytes: most resident memory in a pass, less what was resident before it with
            network and images loaded, by run: median, lowest and highest of several processes.
        before: that is, the median over all processes.
        to_full: memory / memory with every gate open.
    """

    size: Size
    batch: int
    budget: float
    megabytes: dict[str, dict[str, float]]
    before: float
    to_full: dict[str, float]


def resident(process: int) -> dict[str, int]:
    """MB that a process has in memory now, and the most so far.

    Raises:
        InputError: the system does not say so in /proc.
    """
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError as error:
        raise InputError("Resident memory is read from /proc; expected a Linux system.") from error
    found = dict(re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", text))
    return {"now": int(found["VmRSS"]) // KB, "peak": int(found["VmHWM"]) // KB}


def forget_peak() -> None:
    """Let this process's peak begin at what is resident now.

    Raises:
        InputError: the system does not allow it.
    """
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError as error:
        raise InputError(
            "Peak memory is measured by /proc/self/clear_refs; expected a Linux system that "
            "lets a process write there."
        ) from error


@torch.inference_mode()
def use_memory(
    recipe: Recipe,
    paths: Sequence[str],
    size: Size,
    batch: int,
    budget: float,
    run: str,
    threads: int,
    uncompiled: bool,
) -> tuple[int, int]:
    """MB resident before, and the most during, `PASSES` passes in this process.

    The C library gives back what is freed, as it usually does: what it kept of loading
    (`pag.allocator`) would hide what a pass needs.

    Args:
        recipe: of the network.
        paths, size, batch: see `pag.benchmark.subject.load_images`.
        budget: of the executions.
        run: ``full`` or an execution.
        threads: of PyTorch.
        uncompiled: without the kernels of `pag.cpu`.

    Raises:
        BudgetError: a budget out of the network's reach.
        InputError: the system does not tell.
    """
    torch.set_num_threads(threads)
    subject = recipe.make()
    image = load_images(paths, size, batch)
    value = check_budget(budget, network_cost(subject.net, size, TASKS).floor)
    policy = OpenPolicy() if run == FULL else ExactPolicy(subject.table)
    # Building an execution asks for the kernels, too: its table is of them or of doing without.
    with cpu.switched_off() if uncompiled else nullcontext():
        execution = build_execution("auto" if run == FULL else run)
        forget_peak()
        before = resident(os.getpid())["now"]
        for _ in range(PASSES):
            answer(subject.net, image, 1.0 if run == FULL else value, policy, execution)
    return before, resident(os.getpid())["peak"]


def measure_memory(
    recipe: Recipe,
    paths: Sequence[str],
    sizes: Sequence[Size],
    batches: Sequence[int],
    budget: float,
    uncompiled: bool = False,
    processes: int = PROCESSES,
) -> Iterator[MemoryUse]:
    """Every execution at one budget, and the whole network, on images of each size and batch.

    Args:
        recipe, paths, budget, uncompiled: see `use_memory`.
        sizes, batches: of the images.
        processes: for each run, one after another.

    Raises:
        BudgetError: a budget out of the network's reach.
        InputError: the system does not tell.
    """
    threads = torch.get_num_threads()
    for size in sizes:
        for batch in batches:
            found: dict[str, list[tuple[int, int]]] = {name: [] for name in (FULL, *EXECUTIONS)}
            for _ in range(processes):
                for run, uses in found.items():
                    given = (recipe, paths, size, batch, budget, run, threads, uncompiled)
                    uses.append(_alone(*given))
            yield _summed(size, batch, budget, found)


def _alone(*given: object) -> tuple[int, int]:
    """`use_memory` in a new process, which shares nothing with this one."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            return pool.submit(use_memory, *given).result()  # pyright: ignore[reportArgumentType]
        except BrokenProcessPool as error:
            raise InputError(
                "A pass was ended by the system, most likely for lack of memory; "
                "expected smaller images or batches."
            ) from error


def _summed(
    size: Size, batch: int, budget: float, found: dict[str, list[tuple[int, int]]]
) -> MemoryUse:
    grown = {run: [peak - before for before, peak in uses] for run, uses in found.items()}
    middle = {run: statistics.median(values) for run, values in grown.items()}
    return MemoryUse(
        size=size,
        batch=batch,
        budget=budget,
        megabytes={
            run: {"median": middle[run], "lowest": min(values), "highest": max(values)}
            for run, values in grown.items()
        },
        before=statistics.median(before for uses in found.values() for before, _ in uses),
        to_full={run: round(middle[run] / max(1, middle[FULL]), 3) for run in EXECUTIONS},
    )
