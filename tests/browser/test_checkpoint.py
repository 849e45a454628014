"""The page around the committed checkpoint, once through from the photo to the download."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.look import launch_options
from app.ui import build_app
from pag import Predictor, steering_at
from tests.app.photos import write_photo
from tests.browser.test_steering import CANVAS, MARKS, grid_of, paint
from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

ROOT = Path(__file__).resolve().parent.parent.parent
WEIGHTS = ROOT / "assets/checkpoints/default/model.safetensors"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not WEIGHTS.exists(), reason="no checkpoint has been committed"),
]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.from_checkpoint()


@pytest.fixture(scope="module")
def url(predictor: Predictor) -> Iterator[str]:
    blocks = build_app(predictor)
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    yield address
    blocks.close()


def test_from_the_photo_over_the_sweep_to_the_download(
    context: BrowserContext, url: str, predictor: Predictor, tmp_path: Path
) -> None:
    visitor = Visitor(context, url)
    photo = write_photo(tmp_path / "mine.png", 120, 160, seed=5)
    visitor.choose(photo)
    visitor.until_numbers("160 × 120")
    visitor.until_swept()
    budgets = visitor.budgets()
    assert (budgets[0], budgets[-1]) == (predictor.floor, 1.0)
    for budget in budgets:
        visitor.move_slider(budget)
        numbers = visitor.until_numbers(rf"Requested {budget:.2f}")
        achieved = re.search(r"Achieved ([\d.]+)", numbers)
        assert achieved is not None
        assert float(achieved[1]) == pytest.approx(budget, abs=0.0055)
    visitor.move_slider(budgets[4])
    visitor.until_numbers(rf"Requested {budgets[4]:.2f}")
    visitor.page.wait_for_function("!document.querySelector('#numbers .pending')")
    with visitor.page.expect_download() as download:
        visitor.page.click("#download")
    expected = predictor(photo, budgets[4])
    with zipfile.ZipFile(download.value.path()) as archive:
        result = json.loads(archive.read("pag-explorer/result.json"))
        with archive.open("pag-explorer/depth.npy") as file:
            depth = np.load(io.BytesIO(file.read()))
        with archive.open("pag-explorer/gates.npz") as file:
            masks = np.load(io.BytesIO(file.read()))
            for gate in expected.gates:
                assert np.array_equal(masks[gate.name], gate.mask)
    assert result["budget_requested"] == pytest.approx(budgets[4])
    assert expected.depth is not None
    assert depth.shape == (120, 160)
    assert np.allclose(depth, expected.depth, rtol=1e-4)
    visitor.leave()


def test_steering_gives_what_the_predictor_gives(
    context: BrowserContext, url: str, predictor: Predictor, tmp_path: Path
) -> None:
    visitor = Visitor(context, url)
    photo = write_photo(tmp_path / "mine.png", 120, 160, seed=5)
    visitor.choose(photo)
    visitor.until_numbers("160 × 120")
    visitor.open_tab("steer")
    visitor.page.wait_for_selector(CANVAS)
    before, plain = visitor.outputs(), visitor.scene()
    paint(visitor, "spend", (0.2, 0.2), (0.2, 0.8), size=24)
    visitor.until_scene(plain)
    visitor.page.wait_for_function(
        "document.querySelector('#steer-change').innerText.includes('achieved')"
    )
    marks = grid_of(visitor, MARKS)
    steer = marks[::4, ::4].astype(np.float32)  # four canvas pixels along a cell
    plain_answer, expected = predictor(photo, 0.6), predictor(photo, 0.6, steer=steer)
    inside = steering_at(steer, (120, 160)) > 0
    words = re.sub(r"\s+", " ", visitor.page.inner_text("#steer-change"))
    layers = [float(answer.ponder_layers[inside].mean()) for answer in (expected, plain_answer)]
    assert f"{layers[0]:.1f} of 15 layers ran" in words
    assert f"without your marks {layers[1]:.1f}." in words
    assert layers[0] > layers[1]
    achieved = re.search(r"Achieved ([\d.]+)", visitor.numbers())
    assert achieved is not None
    assert float(achieved[1]) == pytest.approx(expected.budget_achieved, abs=0.0006)
    after = visitor.outputs()
    assert all((after[name] != before[name]).any() for name in before)
    assert expected.boundary is not None
    assert np.abs((255 - after["boundary"][..., 0]) / 255 - expected.boundary).max() < 0.01
    visitor.leave()
