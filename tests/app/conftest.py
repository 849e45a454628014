"""The app around a stand-in for the network."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.actions import Desk
from tests.app.fake import FakePredictor
from tests.app.photos import write_photo


@pytest.fixture
def fake() -> FakePredictor:
    return FakePredictor()


@pytest.fixture
def desk(fake: FakePredictor) -> Desk:
    return Desk(fake)


@pytest.fixture
def photo_file(tmp_path: Path) -> Path:
    return write_photo(tmp_path / "photo.png")
