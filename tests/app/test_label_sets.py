"""Choosing among street and indoor classes, with a network that knows both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app import content
from app.actions import Desk
from app.figures.outputs import class_legend
from app.session import Session
from app.ui import build_app
from app.wish import Wish
from pag import LABEL_SETS, PAGConfig, Predictor
from tests.app.fake import FakePredictor


def control(fake: FakePredictor) -> dict[str, Any]:
    """The properties of the label set's control on the page."""
    components = build_app(fake).get_config_file()["components"]
    (found,) = [c["props"] for c in components if c["props"].get("elem_id") == "labels"]
    return found


def test_the_page_offers_the_label_sets(fake: FakePredictor) -> None:
    shown = control(fake)
    assert shown["visible"] is True
    assert shown["label"] == content.LABELS
    assert {value for _, value in shown["choices"]} == set(LABEL_SETS)
    assert shown["value"] == "all"
    names = [name for name, _ in shown["choices"]]
    assert names == ["Street and indoor", "Street", "Indoor"]


def test_there_is_nothing_to_choose_for_a_network_of_one_set(fake: FakePredictor) -> None:
    fake.config = PAGConfig(classes=LABEL_SETS["street"])
    assert control(fake)["visible"] is False


@pytest.mark.parametrize("labels", ["street", "indoor"])
def test_a_real_network_names_only_classes_of_the_set(
    predictor: Predictor, photo_file: Path, labels: str
) -> None:
    desk = Desk(predictor)
    assert set(desk.label_sets) == set(LABEL_SETS)
    after = desk.open(Session(), photo_file, Wish(budget=1.0, labels=labels))
    assert after.message == "" and after.answer is not None
    assert after.answer.classes == LABEL_SETS["all"]  # ids mean the same in every set
    legend = class_legend(after.answer)
    assert legend and {item.name for item in legend} <= set(LABEL_SETS[labels])
    assert all(item.share > 0 for item in legend)
