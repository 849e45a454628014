"""Every network loads and runs in one thread, whoever asks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app import zerogpu
from app.one_thread import OneThreadPredictor, predictor_class
from pag import InputError, Predictor, WeightsError
from pag import network as pag_network
from tests.checkpoints import write_random_checkpoint


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The threads in which networks were made and run, in order."""
    seen: list[int] = []
    for name in ("__init__", "forward"):
        original = getattr(pag_network.PAGNet, name)

        def noted(*given: Any, original: Any = original, **options: Any) -> Any:
            seen.append(threading.get_ident())
            return original(*given, **options)

        monkeypatch.setattr(pag_network.PAGNet, name, noted)
    return seen


def test_passes_of_all_networks_run_in_one_thread(
    threads: list[int], tmp_path: Path, photo_file: Path
) -> None:
    folder = write_random_checkpoint(tmp_path)
    threads.clear()
    first, second = (OneThreadPredictor.from_checkpoint(folder, "cpu") for _ in range(2))
    with ThreadPoolExecutor(3) as visitors:
        asked = [
            visitors.submit(predictor, photo_file, budget, size=96)
            for predictor in (first, second)
            for budget in (0.8, 1.0)
        ]
        answers = [question.result() for question in asked]
    assert [answer.budget_requested for answer in answers] == [0.8, 1.0, 0.8, 1.0]
    assert len(threads) == 6
    assert len(set(threads)) == 1 and threading.get_ident() not in threads


def test_errors_reach_the_caller(tmp_path: Path, photo_file: Path) -> None:
    with pytest.raises(WeightsError):
        OneThreadPredictor.from_checkpoint(tmp_path, "cpu")
    predictor = OneThreadPredictor.from_checkpoint(write_random_checkpoint(tmp_path), "cpu")
    with pytest.raises(InputError, match="execution"):
        predictor(photo_file, execution="quick")


def test_a_borrowed_pass_stays_in_its_own_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert predictor_class() is OneThreadPredictor
    monkeypatch.setattr(zerogpu, "spaces", object())
    assert predictor_class() is Predictor
