"""What a visitor takes away: files as the endpoints give them, a report, a link that restores."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from app.figures.files import PICTURES
from app.words import takeaway as words
from pag import Inference, at_image_size
from tests.app.fake import FakePredictor
from tests.app.photos import write_photo
from tests.app.test_takeaway import read_png16
from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

pytestmark = pytest.mark.browser

BUDGET = 0.6
OF_THE_ENDPOINT = ("segmentation", "boundary", "depth", "normals", "ponder")


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photo(tmp_path_factory.mktemp("photo") / "mine.png", 120, 160, seed=5)


@pytest.fixture(scope="module")
def record(photo: Path) -> Inference:
    return FakePredictor()(photo, BUDGET)


@pytest.fixture(scope="module")
def taker(context: BrowserContext, url: str, photo: Path) -> Iterator[Visitor]:
    """Somebody with their own photo in the tab where things are taken away."""
    someone = Visitor(context, url)
    someone.choose(photo)
    someone.until_numbers("160 × 120")
    someone.until_swept()
    someone.open_tab("take")
    someone.page.wait_for_selector("#take-panel .pag-take", state="visible")
    yield someone
    someone.leave()


PAUSE = 150
"""Milliseconds between files: Chromium drops what a page downloads beyond ten in a second."""


def take(visitor: Visitor, what: str, kind: str = "") -> tuple[str, bytes]:
    """(name, contents) of the file that a press of a button brings."""
    visitor.page.wait_for_timeout(PAUSE)
    with visitor.page.expect_download() as download:
        visitor.page.click(f"#take-panel [data-take={what}][data-format='{kind}']")
    visitor.page.wait_for_selector(f"#take-words:has-text('{words.SCRIPT['made']}')")
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))


def test_coloured_pictures_are_those_of_the_endpoint(taker: Visitor, url: str, photo: Path) -> None:
    client = Client(url, verbose=False)
    _, *files = client.predict(image=handle_file(photo), budget=BUDGET, api_name="/analyze")
    client.close()
    for name, file in zip(OF_THE_ENDPOINT, files, strict=True):
        taken, data = take(taker, name, "coloured")
        assert taken == f"pag-explorer-{name}-coloured-0.60.png"
        assert np.array_equal(pixels(data), pixels(Path(file).read_bytes()))
        if name in ("boundary", "depth", "normals"):  # shown as they are, not over the photo
            assert np.array_equal(pixels(data), taker.picture(name))


def test_raw_files_are_the_values(taker: Visitor, record: Inference) -> None:
    maps = at_image_size(record)
    for name in ("boundary", "depth", "normals", "segmentation", "ponder", "dilation"):
        taken, data = take(taker, name, "npy")
        assert taken == f"pag-explorer-{name}-raw-0.60.npy"
        assert np.array_equal(np.load(io.BytesIO(data)), maps[name])
    millimetres = read_png16(take(taker, "depth", "png")[1])
    assert np.abs(millimetres / 1000 - maps["depth"]).max() <= 0.00051
    normals = read_png16(take(taker, "normals", "png")[1])
    assert np.abs(normals / 32767.5 - 1 - maps["normals"]).max() < 2e-5


def test_gates_come_as_a_sheet_and_as_masks(taker: Visitor, record: Inference) -> None:
    _, data = take(taker, "gates", "coloured")
    assert pixels(data).shape[1] > 5 * 150
    name, data = take(taker, "gates", "npy")
    assert name.endswith(".npz")
    masks = np.load(io.BytesIO(data))
    for gate in record.gates:
        assert np.array_equal(masks[gate.name], gate.mask)
    with zipfile.ZipFile(io.BytesIO(take(taker, "gates", "png")[1])) as archive:
        assert len(archive.namelist()) == 15


def test_everything_is_the_folder_of_the_command(taker: Visitor, record: Inference) -> None:
    name, data = take(taker, "zip")
    assert name == "pag-explorer.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        result = json.loads(archive.read("pag-explorer/result.json"))
    assert result["budget_achieved"] == record.budget_achieved


def test_files_follow_the_slider(taker: Visitor, photo: Path) -> None:
    low = taker.budgets()[2]
    taker.move_slider(low)
    taker.until_numbers(f"Requested {low:.2f}")
    name, data = take(taker, "depth", "npy")
    assert name == f"pag-explorer-depth-raw-{low:.2f}.npy"
    expected = at_image_size(FakePredictor()(photo, low))["depth"]
    assert np.array_equal(np.load(io.BytesIO(data)), expected)
    taker.move_slider(BUDGET)
    taker.until_numbers(r"Requested 0\.60")


def test_every_button_says_what_it_brings(taker: Visitor) -> None:
    labels = taker.page.eval_on_selector_all(
        "#take-panel [data-take]", "all => all.map(button => button.getAttribute('aria-label'))"
    )
    assert len(labels) == len(set(labels)) == 3 * len(PICTURES) + 2


def test_the_report_opens_from_disk_and_shows_the_numbers(
    taker: Visitor, browser: Browser, record: Inference, tmp_path: Path
) -> None:
    name, data = take(taker, "report")
    assert name == "pag-explorer-report.html"
    path = tmp_path / name
    path.write_bytes(data)
    page = browser.new_page(viewport={"width": 390, "height": 800})
    noted: list[str] = []
    page.on("request", lambda request: noted.append(request.url))
    page.on("console", lambda message: noted.append(message.text))
    page.on("pageerror", lambda error: noted.append(str(error)))
    page.goto(path.as_uri())
    assert [note for note in noted if not note.startswith(("file:", "data:"))] == []
    text = page.inner_text("body")
    assert f"{record.budget_achieved:.3f}" in text
    assert words.BUDGETS in text
    widths = page.eval_on_selector_all("img", "all => all.map(image => image.naturalWidth)")
    assert len(widths) == 9
    assert min(widths) > 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()


# ---------------------------------------------------------------- the link


def test_a_link_brings_the_settings_and_never_the_photo(
    taker: Visitor, context: BrowserContext, url: str
) -> None:
    page = taker.page
    page.click("#more button")
    page.click("#policy label:has-text('Adaptive')")
    taker.until_numbers("adaptive policy")
    page.click("#labels span:text-is('Indoor')")
    page.wait_for_function("window.pagExplorer.page.scene.settings.labels === 'indoor'")
    page.click("#size label:has-text('320')")
    page.wait_for_function("window.pagExplorer.page.scene.settings.size === 320")
    taker.move_slider(0.45)
    taker.until_numbers(r"Requested 0\.45")
    page.click("#copy-link")
    page.wait_for_function("document.querySelector('#take-words').innerText.length > 5")
    link = page.input_value("#settings-link")
    query = {name: value[0] for name, value in parse_qs(urlsplit(link).query).items()}
    assert query == {
        "budget": "0.45", "policy": "adaptive", "size": "320", "labels": "indoor",
        "execution": "auto",
    }  # fmt: skip

    other = Visitor(context, url, query=query)
    numbers = other.until_numbers(r"Requested 0\.45 .*adaptive policy")
    assert "seen at 320 ×" in numbers
    assert "160 × 120" not in numbers  # an example, and not the photo
    assert slider(other) == "0.45"
    other.page.click("#more button")
    for control, choice in (("policy", "Adaptive"), ("size", "320"), ("labels", "Indoor")):
        assert other.page.locator(f"#{control} label.selected").inner_text().strip() == choice
    assert other.page.locator("#numbers [role=alert]").count() == 0
    other.move_slider(0.8)
    other.until_numbers(r"Requested 0\.80 .*adaptive policy")
    other.leave()


def test_bad_values_in_a_link_are_left_out_with_a_word(context: BrowserContext, url: str) -> None:
    bad: dict[str, Any] = {
        "budget": "7", "policy": "<img src=x onerror=alert(1)>", "size": "640", "labels": "moon",
    }  # fmt: skip
    visitor = Visitor(context, url, query=bad)
    visitor.until_numbers(r"Requested 0\.60 .*exact policy .*seen at 640 ×")
    notice = visitor.page.inner_text("#numbers [role=alert]")
    assert re.search(r"budget is 7.*policy is .*label set is 'moon'", notice, re.DOTALL)
    assert visitor.page.locator("#numbers img[src=x], [data-testid=toast-body] img").count() == 0
    assert slider(visitor) == "0.6"
    visitor.leave()


def slider(visitor: Visitor) -> str:
    return visitor.page.input_value("#budget input[type=range]")
