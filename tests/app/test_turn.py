"""Who waits for an answer goes before what runs behind, and everybody in order of arrival."""

from __future__ import annotations

import threading
import time

import pytest

from app.turn import Turn

PATIENCE = 20.0


def queue_up(turn: Turn, log: list[str], names: list[str]) -> list[threading.Thread]:
    """Threads that want the turn, known to be waiting in this order; 's...' are sweeps."""

    def work(name: str) -> None:
        with turn.behind() if name.startswith("s") else turn.now():
            log.append(name)

    threads = []
    for name in names:
        waiting = len(turn._waiting)
        threads.append(threading.Thread(target=work, args=(name,), daemon=True))
        threads[-1].start()
        deadline = time.monotonic() + PATIENCE
        while len(turn._waiting) == waiting and time.monotonic() < deadline:
            time.sleep(0.001)
    return threads


def test_answers_go_before_sweeps_and_in_order() -> None:
    turn, log = Turn(), []
    with turn.now():
        threads = queue_up(turn, log, ["s1", "a1", "s2", "a2", "a3"])
        assert log == []
    for thread in threads:
        thread.join(PATIENCE)
    assert log == ["a1", "a2", "a3", "s1", "s2"]


def test_one_at_a_time() -> None:
    turn, inside, most = Turn(), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with turn.behind():
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert most == 1


def test_a_fault_gives_the_turn_back() -> None:
    turn = Turn()
    with pytest.raises(RuntimeError), turn.now():
        raise RuntimeError
    with turn.behind():
        pass
