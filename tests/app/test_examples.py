"""Example pictures: those of our own come first and can be made again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app import content, examples
from app.examples import FOLDER, OWN, SHIPPED, find_examples
from tests.benchmarks.examples import HEIGHT, SEEDS, WIDTH, main


def test_our_own_come_first_and_a_few_photographs_follow() -> None:
    found = find_examples()
    assert [path.name for path in found[: len(OWN)]] == list(OWN)
    assert len(OWN) < len(found) <= 6
    assert all(path.is_file() for path in found)
    assert len(set(found)) == len(found)


def test_each_has_a_name_of_its_own() -> None:
    files = {*OWN, *(Path(name).name for _, name in SHIPPED)}
    assert set(content.EXAMPLE_NAMES) == files
    assert len(set(content.EXAMPLE_NAMES.values())) == len(files)


def test_missing_ones_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(examples, "SHIPPED", (("gradio", "none.jpg"), ("no_such_package", "x.jpg")))
    monkeypatch.setattr(examples, "FOLDER", tmp_path)
    assert find_examples() == []
    (tmp_path / OWN[1]).touch()
    assert find_examples() == [tmp_path / OWN[1]]


def test_they_are_small_and_come_from_seeds_that_no_network_was_trained_on() -> None:
    assert {f"{kind}.jpg" for kind in SEEDS} == set(OWN)
    assert all(seed % 10 == 9 for seed in SEEDS.values())
    for name in OWN:
        assert (FOLDER / name).stat().st_size < 400_000


def test_the_command_makes_the_pictures_that_are_there(tmp_path: Path) -> None:
    main(["--out", str(tmp_path)])
    for name in OWN:
        made, kept = (np.asarray(Image.open(f / name), float) for f in (tmp_path, FOLDER))
        assert made.shape == kept.shape == (HEIGHT, WIDTH, 3)
        # Bit for bit on one machine; another one's arithmetic may differ in a last digit.
        assert np.abs(made - kept).mean() < 0.5, f"{name} is not what the command renders"
