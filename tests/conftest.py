"""Fixtures shared by all tests: records, an untrained network, a browser, few torch threads."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pag.inference import Inference
from tests.records import build_inference

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from pag.predictor import Predictor

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# A container has no sandbox and no GPU; the rest keeps the browser from calling home.
BROWSER_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TORCH_THREADS = 2


def pytest_configure(config: pytest.Config) -> None:
    """Each process has folders of its own for what visitors upload and for what is measured.

    A server that closes deletes the uploads it knows, and two have the same photo's alike.
    What somebody measured on this machine is nobody's business here.
    """
    folder = tempfile.TemporaryDirectory(prefix="pag-tests-", ignore_cleanup_errors=True)
    os.environ["GRADIO_TEMP_DIR"] = folder.name
    os.environ["XDG_CACHE_HOME"] = os.path.join(folder.name, "cache")
    config.add_cleanup(folder.cleanup)


@pytest.fixture
def make_inference() -> Callable[..., Inference]:
    """The builder of synthetic records; its arguments are those of `build_inference`."""
    return build_inference


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an untrained network that knows all classes; nobody writes there."""
    from tests.checkpoints import write_random_checkpoint  # needs torch, which few tests do

    return write_random_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="session")
def predictor(checkpoint: Path) -> Predictor:
    """The predictor of `checkpoint`."""
    from pag.predictor import Predictor

    return Predictor.from_checkpoint(checkpoint, "cpu")


@pytest.fixture(autouse=True)
def _few_torch_threads() -> None:
    """Keep torch to two threads, as in continuous integration, without importing it."""
    if (torch := sys.modules.get("torch")) and torch.get_num_threads() > TORCH_THREADS:
        torch.set_num_threads(TORCH_THREADS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; skipped without one, except in continuous integration.

    Module scope: while it lives, Playwright keeps an event loop in this thread, which
    would stand in the way of tests elsewhere that start their own.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
        path = path or playwright.chromium.executable_path
        if not os.path.exists(path):
            reason = f"no browser: none of {', '.join(BROWSERS)} on PATH; `make test` installs one"
            if os.environ.get("CI", "").lower() in ("1", "true"):
                pytest.fail(reason)
            pytest.skip(reason)
        running = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGS)
        yield running
        running.close()
