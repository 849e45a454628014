"""Times asked for: every pass is compared with what was asked, by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pag import Predictor
from pag.benchmark import __main__ as benchmark
from pag.benchmark import times
from pag.benchmark.subject import Recipe
from pag.errors import InputError
from pag.latency import Latency
from tests.checkpoints import write_random_checkpoint
from tests.latencies import made_up

SIZE = (64, 96)


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    settings = {"backbone": "mobilenetv2", "head_channels": 8}
    return Recipe(write_random_checkpoint(tmp_path / "checkpoint", **settings))


@pytest.fixture
def photo(tmp_path: Path) -> str:
    pixels = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


def measured(predictor: Predictor) -> Latency:
    """A table made up, and a clock that makes each part of a pass take a millisecond."""
    ticks = iter(range(10**9))
    predictor.clock = lambda: next(ticks) / 1000
    return made_up(predictor.net)


def test_what_passes_took_is_a_share_of_what_was_asked(
    recipe: Recipe, photo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "measure", measured)
    met = list(times.measure_times(recipe, [photo, photo], [SIZE], [0.9, 0.7], 2))
    assert [(row.size, row.budget) for row in met] == [(SIZE, 0.9), (SIZE, 0.7)]
    for row in met:
        # By this clock the network takes a millisecond at any budget.
        assert row.unpaced == pytest.approx(1 / row.asked, abs=1e-3)
        assert row.taken["lowest"] == row.taken["highest"] == row.unpaced
        assert row.met == float(abs(1 / row.asked - 1) <= times.NEAR)
        assert 0 < row.budgets[0] <= row.budgets[1] <= 1
    assert met[0].asked > met[1].asked


def test_the_command_writes_times(
    recipe: Recipe, photo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "measure", measured)
    out = tmp_path / "times.json"
    arguments = ["--times", "--checkpoint", str(recipe.checkpoint), "--image", photo]
    arguments += ["--sizes", "64x96", "--budgets", "0.8", "--repeats", "2", "--out", str(out)]
    assert benchmark.main(arguments) == 0
    (row,) = json.loads(out.read_text())["times"]
    assert row["budget"] == 0.8 and set(row["taken"]) == {"median", "lowest", "highest"}


def test_without_a_checkpoint_or_photographs_there_is_nothing_to_time(recipe: Recipe) -> None:
    for given in ((Recipe(), ["photo.png"]), (recipe, [])):
        with pytest.raises(InputError, match="expected both"):
            next(times.measure_times(*given, [SIZE], [0.8], 2))
