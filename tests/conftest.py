"""Fixtures shared by all tests: records, an untrained network, few torch threads."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pag.inference import Inference
from tests.records import build_inference

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

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
BROWSER_TESTS = "tests/browser/"


def pytest_configure(config: pytest.Config) -> None:
    """Each process has folders of its own for what visitors upload and for what is measured.

    A server that closes deletes the uploads it knows, and two have the same photo's alike.
    What somebody measured on this machine is nobody's business here.
    """
    # Tests run in several processes, and threads that wait must leave the cores to others.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    folder = tempfile.TemporaryDirectory(prefix="pag-tests-", ignore_cleanup_errors=True)
    os.environ["GRADIO_TEMP_DIR"] = folder.name
    os.environ["XDG_CACHE_HOME"] = os.path.join(folder.name, "cache")
    config.add_cleanup(folder.cleanup)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Deals out tests to processes: those of a file to one, and so all that share the browser."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return BROWSER_TESTS if file.startswith(BROWSER_TESTS) else file

    return Together(config, log)


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
