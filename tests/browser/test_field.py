"""The pooling field where the network saw a smaller picture than is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.actions import Desk
from app.examples import find_examples
from app.session import Session
from app.wish import Wish
from tests.app.fake import FakePredictor
from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = pytest.mark.browser

BOXES = """boxes => boxes.map(box => ['x', 'y', 'width', 'height'].map(
    name => Number(box.getAttribute(name))))"""


def test_the_field_is_drawn_at_the_scale_of_what_the_network_saw(
    context: BrowserContext, url: str, fake: FakePredictor
) -> None:
    wish = Wish(0.5, "scaled")
    record = Desk(fake).open(Session(), find_examples()[0], wish).answer
    assert record is not None
    stride = record.dilation_stride
    shown, seen = np.array(record.image.shape[:2]), np.array(record.network_size)
    assert (seen < shown).all()
    visitor = Visitor(context, url, query={"policy": "scaled", "budget": "0.5"})
    page = visitor.page
    visitor.open_tab("pooling")
    page.wait_for_selector("#dilation-map .pag-stack")
    drawn = set()
    for x in (0.2, 0.4, 0.6, 0.8):
        visitor.point("#dilation-map", x, 0.5)
        page.wait_for_timeout(300)
        words = page.inner_text("#field-words")
        place = re.search(r"x (\d+), y (\d+)", words)
        assert place is not None
        share = (np.array([int(place[2]), int(place[1])]) + 0.5) / record.image_size
        cell = (share * shown).astype(int) // stride
        dilation = record.dilations[record.dilation[cell[0], cell[1]]]
        # The cell of the network's own grid that lies below the middle of the map's.
        middle = np.minimum((cell + 0.5) * stride, shown - 0.5)
        row, column = (middle * seen / shown).astype(int) // stride
        side = stride * shown[1] / seen[1]
        steps = (0,) if dilation == 0 else (-1, 0, 1)
        boxes = page.eval_on_selector_all("#dilation-map svg rect", BOXES)
        expected = [
            [(column + i * dilation) * side, (row + j * dilation) * side, side, side]
            for j in steps
            for i in steps
        ]
        assert [v for box in boxes for v in box] == pytest.approx([v for b in expected for v in b])
        if dilation:
            span = round((2 * dilation + 1) * side)
            assert f"{round(dilation * side)} pixels apart, over {span} × {span} pixels" in words
        drawn.add(dilation)
    assert max(drawn) > 0
    visitor.leave()
