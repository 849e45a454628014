"""A GPU is borrowed for each pass where `spaces` is installed; elsewhere nothing changes."""

from __future__ import annotations

import pickle
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import app
from app import zerogpu
from app.actions import Desk
from app.wish import Wish
from app.zerogpu import on_borrowed_gpu
from pag import summary
from tests.app.fake import FakePredictor

ROOT = Path(app.__file__).resolve().parent.parent


class FakeSpaces(types.ModuleType):
    """Does what the package does: what goes in and out of the function is pickled."""

    def __init__(self) -> None:
        super().__init__("spaces")
        self.durations: list[float] = []
        self.calls = 0

    def GPU(self, *, duration: float) -> Callable[..., Any]:  # noqa: N802
        self.durations.append(duration)

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            def borrowed(*given: Any) -> Any:
                self.calls += 1
                given = pickle.loads(pickle.dumps(given))
                return pickle.loads(pickle.dumps(function(*given)))

            return borrowed

        return decorate


@pytest.fixture
def spaces(monkeypatch: pytest.MonkeyPatch) -> FakeSpaces:
    module = FakeSpaces()
    monkeypatch.setattr(zerogpu, "spaces", module)
    return module


def test_elsewhere_nothing_changes(fake: FakePredictor) -> None:
    assert zerogpu.spaces is None
    assert on_borrowed_gpu(fake) is fake


def test_a_pass_borrows_the_gpu_and_brings_everything_back(
    spaces: FakeSpaces, fake: FakePredictor, photo_file: Path
) -> None:
    desk = Desk(on_borrowed_gpu(fake))
    assert spaces.durations == [zerogpu.SECONDS]
    wish = Wish(0.5, "adaptive", "dense", 320, "street")
    got, expected = desk.analyse(photo_file, wish), Desk(fake).analyse(photo_file, wish)
    assert spaces.calls == 1
    assert fake.calls == [(0.5, "adaptive", "dense", 320, "street")] * 2
    assert summary(got) == summary(expected)
    for name in ("image", "depth", "normals", "segmentation", "boundary", "ponder_macs"):
        assert np.array_equal(getattr(got, name), getattr(expected, name))
    assert np.array_equal(got.gates[3].mask, expected.gates[3].mask)
    with pytest.raises(ValueError, match="read-only"):
        got.image[0, 0] = 0
    with pytest.raises(TypeError):
        got.seconds["network"] = 0.0  # pyright: ignore[reportIndexIssue]


def test_the_package_comes_before_torch() -> None:
    # It takes hold of torch while torch is being imported.
    order = "import runpy, sys; runpy.run_path('app.py'); print(*sys.modules)"
    command = [sys.executable, "-c", order]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    modules = loaded.stdout.split()
    assert modules.index("app.zerogpu") < modules.index("torch")
