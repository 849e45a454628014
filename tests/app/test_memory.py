"""What is remembered for a visitor, how much, and for how long."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

from app.look import UPLOAD_LIMIT, VISITORS
from app.memory import LIMIT, Memory, size_of
from app.session import Session
from pag import Inference


def test_the_least_recently_used_is_forgotten_first(
    make_inference: Callable[..., Inference],
) -> None:
    answer = make_inference()
    memory = Memory(limit=3 * size_of(answer))
    for name in "abc":
        memory.remember(name, answer)
    assert memory.recall("a") is answer
    memory.remember("d", answer)
    assert memory.recall("b") is None
    assert [memory.recall(name) is answer for name in "acd"] == [True] * 3
    assert len(memory) == 3


def test_the_newest_answer_is_kept_whatever_its_size(
    make_inference: Callable[..., Inference],
) -> None:
    memory = Memory(limit=1)
    memory.remember("a", make_inference())
    memory.remember("b", make_inference())
    assert memory.recall("a") is None
    assert memory.recall("b") is not None


def test_the_time_of_what_is_forgotten_is_forgotten_as_well(
    make_inference: Callable[..., Inference],
) -> None:
    answer = make_inference()
    memory = Memory(limit=2 * size_of(answer))
    for name in "abc":
        memory.remember(name, answer, in_quiet=True)
    assert [memory.timed_in_quiet(name) for name in "abc"] == [False, True, True]


def test_sizes_count_all_large_maps(make_inference: Callable[..., Inference]) -> None:
    record = make_inference(96, 128)
    per_pixel = 3 + 1 + 4 + 4 + 12 + 1 + 4
    grids = sum(g.mask.nbytes + g.probability.nbytes for g in record.gates)
    assert size_of(record) == 96 * 128 * per_pixel + grids
    assert size_of(make_inference(96, 128, tasks=["depth"])) < size_of(record)


def test_what_left_for_the_browser_is_noted_once() -> None:
    memory = Memory()
    assert not memory.was_sent("a")
    assert [memory.first_time("a"), memory.first_time("a")] == [True, False]
    assert memory.was_sent("a")
    memory.browser_cleared()
    assert not memory.was_sent("a")
    assert memory.first_time("a")


def test_the_sweep_stands_back_while_a_request_runs() -> None:
    memory = Memory()
    with memory.interrupt():
        with memory.interrupt():
            assert memory.interrupted
        assert memory.interrupted
    assert not memory.interrupted


def test_every_visitor_gets_a_memory_of_their_own(
    make_inference: Callable[..., Inference],
) -> None:
    first = Session()
    first.memory.remember("a", make_inference())
    other = copy.deepcopy(first)
    assert other.memory.recall("a") is None
    first.memory.forget()
    assert len(first.memory) == 0


def test_what_visitors_can_hold_is_told_to_whoever_deploys() -> None:
    told = (Path(__file__).parents[2] / "DEPLOY.md").read_text(encoding="utf-8")
    answers, file = LIMIT // 10**6, int(UPLOAD_LIMIT.removesuffix("mb"))
    assert f"at most {answers} MB a visitor and {VISITORS} visitors" in told
    assert f"{VISITORS * answers / 1000:.1f} GB" in told
    assert f"the file as it came, at most {file} MB" in told
    pixels = 3 * 40  # of the largest image that is opened, MB
    assert f"its pixels, at most {pixels} MB" in told
    assert f"{VISITORS * (file + pixels) / 1000:.0f} GB" in told
