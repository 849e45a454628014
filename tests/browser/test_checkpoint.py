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
from pag import Predictor
from tests.app.photos import write_photo
from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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
    browser: Browser, url: str, predictor: Predictor, tmp_path: Path
) -> None:
    visitor = Visitor(browser, url)
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
