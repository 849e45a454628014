"""Quality against compute: this photo's curves grow with the sweep, held-out ones are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.actions import Desk
from app.agreement import agreement
from app.examples import find_examples
from app.heldout import read_heldout
from app.session import Session
from app.wish import Wish
from pag import TASKS
from tests.app.fake import Brake, FakePredictor
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser

DRAWN = """() => Object.fromEntries(
    [...document.querySelectorAll('#quality-here .pag-plot')].map(plot =>
        [plot.dataset.task, plot.data.map(trace => [[...trace.x], [...trace.y]])]))"""
# What was drawn for another budget, before the tab was opened, has been drawn again.
RINGED = """() => [...document.querySelectorAll('#quality-here .pag-plot, #quality-time .pag-plot')]
    .every(plot => plot.data?.[1]?.x[0] === window.pagExplorer.page.shown.budget)"""


DRAWN_AT_ITS_WIDTH = """selector => [...document.querySelectorAll(selector)].every(plot => {
    const drawn = plot.querySelector('.main-svg')?.getBoundingClientRect().width;
    return plot.offsetParent && Math.abs(drawn - plot.getBoundingClientRect().width) < 2;
})"""


def open_quality(visitor: Visitor) -> None:
    visitor.open_tab("quality")
    visitor.page.wait_for_selector("#quality-here .pag-plot .scatterlayer >> nth=3")
    visitor.page.wait_for_function(RINGED)


def drawn(visitor: Visitor) -> dict[str, Any]:
    visitor.page.wait_for_timeout(200)
    return visitor.page.evaluate(DRAWN)


def test_the_curves_are_this_photos_agreement(settled: Visitor, fake: FakePredictor) -> None:
    open_quality(settled)
    settled.page.wait_for_selector("#quality-here .js-line >> nth=3")
    desk = Desk(fake)
    session = desk.open(Session(), find_examples()[0], Wish())
    full = desk.answer_at(session, 1.0)
    budgets = settled.answered()
    assert {*settled.budgets(), 0.6} <= set(budgets)
    found = [agreement(desk.answer_at(session, budget), full) for budget in budgets]
    charts = drawn(settled)
    assert set(charts) == set(TASKS)
    for task, (curve, ring) in charts.items():
        assert curve[0] == pytest.approx(budgets)
        assert curve[1] == pytest.approx([getattr(pair, task)[0] for pair in found])
        assert ring == [[0.6], [curve[1][budgets.index(0.6)]]]
    assert len({tuple(curve[1]) for curve, _ in charts.values()}) == 4
    settled.move_slider(budgets[0])
    settled.until_numbers(r"Requested 0\.20")
    assert drawn(settled)["depth"][1][0] == pytest.approx([budgets[0]])
    said = " ".join(settled.page.locator("#quality-here .pag-hint").all_inner_texts())
    for words in ("Share of pixels", "harmonic mean", "full budget's", "angle"):
        assert words in said


def test_the_curves_grow_with_the_sweep(guest: Visitor, brake: Brake, tmp_path: Path) -> None:
    guest.until_swept()
    open_quality(guest)
    brake.hold(0.6)
    guest.choose_own(tmp_path)
    for points, steps in ((0, 0), (2, 1), (4, 2), (7, 3)):
        brake.let(steps)  # the first one is full budget, with which all are compared
        guest.page.wait_for_function(
            "points => document.querySelector('#quality-here .pag-plot').data[0].x.length"
            " === points",
            arg=points,
        )
        assert {len(curve[0]) for curve, _ in drawn(guest).values()} == {points}


def test_a_point_of_the_curve_is_a_budget_to_go_to(settled: Visitor) -> None:
    open_quality(settled)
    point = settled.page.locator("#quality-here .pag-plot").first.locator(".points path")
    point.first.scroll_into_view_if_needed()
    box = point.first.bounding_box()
    assert box is not None
    at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    settled.page.mouse.move(*at)
    settled.page.wait_for_timeout(300)
    settled.page.mouse.click(*at)
    settled.until_numbers(r"Requested 0\.20")


def test_the_time_of_every_budget_is_said_and_drawn(settled: Visitor, fake: FakePredictor) -> None:
    desk = Desk(fake)
    session = desk.open(Session(), find_examples()[0], Wish())
    budgets = settled.answered()
    assert {*settled.budgets(), 0.6} <= set(budgets)
    times = [1000 * desk.answer_at(session, budget).seconds["network"] for budget in budgets]
    open_quality(settled)
    settled.page.wait_for_selector("#quality-time .js-line")
    curve, ring = settled.page.locator("#quality-time .pag-plot").evaluate(
        "plot => plot.data.map(trace => [[...trace.x], [...trace.y]])"
    )
    assert curve == [pytest.approx(budgets), pytest.approx(times)]
    assert ring == [[0.6], [pytest.approx(times[budgets.index(0.6)])]]
    here, full = (f"{round(ms)} ms" for ms in (times[budgets.index(0.6)], times[-1]))
    said = f"{here} here, {full} at full budget: 60% of its time"
    assert said in settled.numbers()
    settled.move_slider(1.0)
    settled.until_numbers(r"Requested 1\.00.* others' time is compared")


def test_passes_are_timed_again_once_the_page_rests(
    guest: Visitor,
    fake: FakePredictor,
    brake: Brake,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guest.until_swept()
    monkeypatch.setattr(fake, "device", "cpu")
    monkeypatch.setattr(fake, "seconds", 0.5)
    brake.hold()
    brake.let(len({*guest.budgets(), 0.6}))
    guest.choose_own(tmp_path)
    guest.until_swept()
    guest.until_numbers("500 ms here, 500 ms at full budget")
    fake.seconds = 0.25
    brake.release()
    guest.until_numbers("250 ms here, 250 ms at full budget")
    assert guest.page.evaluate("document.body.dataset.timed") == guest.scene()


def test_charts_fit_a_page_that_has_changed_behind_another_tab(settled: Visitor) -> None:
    page = settled.page
    charts = {
        "ponder": "#ponder-plot",
        "cost": "#cost-plot",
        "quality": "#quality-here .pag-plot, #quality-time .pag-plot, #quality-heldout .pag-plot",
    }
    for name, selector in charts.items():
        settled.open_tab(name)
        page.wait_for_function(DRAWN_AT_ITS_WIDTH, arg=selector)
    settled.open_tab("gates")
    page.set_viewport_size({"width": 1100, "height": 900})
    page.wait_for_timeout(300)  # charts that are seen have heard of it by then
    for name, selector in charts.items():
        settled.open_tab(name)
        page.wait_for_function(DRAWN_AT_ITS_WIDTH, arg=selector)
    page.set_viewport_size({"width": 1440, "height": 900})


def test_held_out_curves_are_drawn_with_their_legend(settled: Visitor) -> None:
    open_quality(settled)
    known = read_heldout()
    assert known is not None
    page = settled.page
    plots = page.locator("#quality-heldout .pag-plot")
    assert plots.count() == len(known.panels)
    page.wait_for_selector(f"#quality-heldout .scatterlayer >> nth={len(known.panels) - 1}")
    for place, panel in enumerate(known.panels):
        traces = plots.nth(place).evaluate(
            "plot => plot.data.map(trace => [[...trace.x], [...trace.y]])"
        )
        assert traces[-1] == [list(panel.curves[0].macs), list(panel.curves[0].scores)]
        assert plots.nth(place).locator(".scatterlayer .trace").count() == len(panel.curves)
    legend = page.inner_text("#quality-heldout .pag-methods")
    assert "pixel-wise gating" in legend and "random" in legend
    # The stand-in is no network that was ever scored.
    assert "another one: checkpoint 0123456789ab" in page.inner_text("#quality-heldout")
