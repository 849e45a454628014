"""Memory of a pass: what the system says, and how it is summed up."""

from __future__ import annotations

import mmap
import os
import sys
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import pytest
import torch

from pag import cpu
from pag.benchmark import memory
from pag.benchmark.memory import forget_peak, measure_memory, resident, use_memory
from pag.benchmark.subject import Recipe
from pag.break_even_tables import COMPILED, UNCOMPILED
from pag.errors import BudgetError, InputError
from pag.fused_execution import AutoExecution

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
SIZE = (64, 96)


def hold(megabytes: int) -> None:
    """Use memory of the system's, whatever the C library keeps, and give it back."""
    with mmap.mmap(-1, megabytes << 20) as block:
        for _ in range(megabytes):
            block.write(b"x" * (1 << 20))


@LINUX
def test_the_peak_is_what_was_allocated_since_it_was_forgotten() -> None:
    hold(64)
    forget_peak()
    before = resident(os.getpid())
    assert before["peak"] - before["now"] <= 1
    hold(128)
    after = resident(os.getpid())
    assert 120 <= after["peak"] - before["now"] <= 160
    assert after["now"] < after["peak"] - 100


def test_a_process_that_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match="Linux"):
        resident(2**30)


@LINUX
def test_every_execution_is_measured_in_processes_of_its_own() -> None:
    (use,) = measure_memory(Recipe(), [], [SIZE], [1], 0.6, processes=1)
    assert (use.size, use.batch, use.budget) == (SIZE, 1, 0.6)
    assert set(use.megabytes) == {"full", "auto", "sparse", "dense"}
    assert all(values["median"] > 0 for values in use.megabytes.values())
    assert use.before > 50  # torch and the network
    assert set(use.to_full) == {"auto", "sparse", "dense"}


@pytest.mark.parametrize("uncompiled", [False, True])
def test_a_pass_goes_without_the_kernels_where_that_is_asked(
    monkeypatch: pytest.MonkeyPatch, uncompiled: bool
) -> None:
    seen: list[tuple[bool, object]] = []

    def answer(*given: object) -> None:
        execution = given[-1]
        assert isinstance(execution, AutoExecution)
        seen.append((cpu.kernels() is None, execution.table))

    monkeypatch.setattr(cpu, "_kernels", object)  # as if this machine had a C compiler
    monkeypatch.setattr(memory, "answer", answer)
    monkeypatch.setattr(memory, "forget_peak", lambda: None)
    monkeypatch.setattr(memory, "resident", lambda _: {"now": 1, "peak": 2})
    recipe = Recipe(backbone="mobilenetv2")
    threads = torch.get_num_threads()
    assert use_memory(recipe, [], SIZE, 1, 0.6, "auto", threads, uncompiled) == (1, 2)
    table = UNCOMPILED if uncompiled else COMPILED
    assert seen == [(uncompiled, table)] * memory.PASSES
    assert cpu.kernels() is not None  # only there


@pytest.mark.parametrize("uncompiled", [False, True])
def test_the_other_process_is_told_to_go_without_the_kernels(
    monkeypatch: pytest.MonkeyPatch, uncompiled: bool
) -> None:
    asked: list[tuple[object, ...]] = []

    def alone(*given: object) -> tuple[int, int]:
        asked.append(given)
        return 1, 2

    monkeypatch.setattr(memory, "_alone", alone)
    list(measure_memory(Recipe(), [], [SIZE], [1], 0.6, uncompiled, processes=1))
    assert [given[-1] for given in asked] == [uncompiled] * 4


def test_runs_are_summed_up_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def alone(*given: object) -> tuple[int, int]:
        asked.append(given[2:6])
        need = {"full": 80, "auto": 40, "sparse": 30, "dense": 80}[str(given[5])]
        return 100, 100 + need + len(asked) % 4  # 1, 2, 3, 0 for the runs of a process

    monkeypatch.setattr(memory, "_alone", alone)
    uses = list(measure_memory(Recipe(), [], [SIZE, (96, 128)], [1, 2], 0.5, processes=3))
    assert [(use.size, use.batch) for use in uses] == [
        (SIZE, 1), (SIZE, 2), ((96, 128), 1), ((96, 128), 2)
    ]  # fmt: skip
    assert asked[:4] == [(SIZE, 1, 0.5, run) for run in ("full", "auto", "sparse", "dense")]
    assert len(asked) == 4 * 3 * 4
    assert uses[0].megabytes["full"] == {"median": 81, "lowest": 81, "highest": 81}
    assert uses[0].to_full == {"auto": 0.519, "sparse": 0.407, "dense": 0.988}
    assert uses[0].before == 100


@LINUX
def test_a_bad_budget_comes_back_from_the_other_process() -> None:
    with pytest.raises(BudgetError, match="ask for"):
        next(measure_memory(Recipe(), [], [SIZE], [1], 0.01, processes=1))


def test_a_pass_that_was_killed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pool:
        def __init__(self, *_: object, **__: object) -> None: ...
        def __enter__(self) -> Pool:
            return self

        def __exit__(self, *_: object) -> None: ...
        def submit(self, *_: object) -> Future[object]:
            future: Future[object] = Future()
            future.set_exception(BrokenProcessPool("gone"))
            return future

    monkeypatch.setattr(memory, "ProcessPoolExecutor", Pool)
    with pytest.raises(InputError, match="memory"):
        next(measure_memory(Recipe(), [], [SIZE], [1], 0.6))
