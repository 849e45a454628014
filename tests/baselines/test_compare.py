"""The report that grows, curves and tables by hand, the chart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pag.baselines.chart import NOTE, STYLES, draw, panels, save_chart
from pag.baselines.compare import MEASURES, Curve, at_equal_time, curves, format_report
from pag.baselines.methods import DEFAULT_METHODS, FULL, METHODS
from pag.baselines.report import Report
from pag.baselines.tally import tallies, tally
from pag.errors import InputError

HEADER = {"checkpoint": "0123", "settings": {"size": 480, "images": None}}
MIOU = next(m for m in MEASURES if m.name == "mIoU")
ABSREL = next(m for m in MEASURES if m.name == "absrel")


def cell(dataset: str, method: str, budget: float, **scores: Any) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "method": method,
        "budget": budget,
        "images": 2,
        "achieved_mean": budget,
        **scores,
    }


def block(dataset: str, budget: float, **milliseconds: float) -> dict[str, Any]:
    named = {name: {"median": ms} for name, ms in milliseconds.items()}
    return {"dataset": dataset, "budget": budget, "milliseconds": named}


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """Street at two budgets, timed; the kitchen at one, not timed."""
    made = Report(tmp_path / "report.json", HEADER)
    made.results += [
        cell("camvid", FULL, 1.0, segmentation={"miou": 0.70}),
        cell("camvid", "learned", 0.8, segmentation={"miou": 0.69}),
        cell("camvid", "learned", 0.6, segmentation={"miou": 0.66}),
        cell("camvid", "lower_resolution", 0.8, segmentation={"miou": 0.60}),
        cell("camvid", "lower_resolution", 0.6, segmentation={"miou": 0.67}),
    ]
    depth = {"absrel": 0.10, "delta1": 0.9}
    normals = {"median": 15.0, "mean": 20.0}
    made.results += [
        cell("sevenscenes", FULL, 1.0, depth=depth, normals=normals),
        cell("sevenscenes", "learned", 0.6, depth=depth, normals=normals),
        cell("sevenscenes", "grid", 0.6, depth=depth | {"absrel": 0.09}, normals=normals),
    ]
    made.timing += [
        block("camvid", 0.8, full=200, learned=190, lower_resolution=160),
        block("camvid", 0.6, full=204, learned=170, lower_resolution=120),
    ]
    return made


# ---------------------------------------------------------------- the file


def test_a_report_is_continued_under_the_same_header_alone(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    first = Report(path, HEADER)
    assert first.results == [] and not path.exists()
    first.add("results", cell("camvid", "learned", 0.8))
    first.write(versions={"torch": "2"})
    again = Report(path, HEADER, {"network": {"a setting": "that came later"}})
    assert again.results == first.results
    assert list(tmp_path.iterdir()) == [path]  # no draft is left behind
    before = path.read_text()
    with pytest.raises(InputError, match=r"holds results of other settings \(checkpoint\)"):
        Report(path, HEADER | {"checkpoint": "4567"})
    assert path.read_text() == before


@pytest.mark.parametrize("text", ["{", "[]", '{"results": []}', "null"])
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"report\.json is there and holds something else"):
        Report(path, HEADER)
    assert path.read_text() == text


def test_cells_are_found_by_what_they_are(report: Report) -> None:
    found = report.cell("camvid", "learned", 0.6)
    assert found is not None and found["segmentation"]["miou"] == 0.66
    assert report.cell("camvid", "learned", 0.5) is None
    assert report.cell("camvid", "grid", 1.0) is report.results[0]  # at 1 all are the full one
    assert report.milliseconds("camvid", "learned", 0.6) == 170
    assert report.milliseconds("camvid", FULL, 1.0) == 202  # the median of both blocks'
    assert report.milliseconds("sevenscenes", "learned", 0.6) is None


def test_a_block_takes_the_place_of_the_old_one(report: Report) -> None:
    old = report.times("camvid", 0.6)
    report.add("timing", block("camvid", 0.6, full=1.0), replacing=old)
    assert len(report.timing) == 2
    found = report.times("camvid", 0.6)
    assert found is not None and found["milliseconds"]["full"]["median"] == 1.0


# ---------------------------------------------------------------- curves and tables


def test_a_curve_between_its_points() -> None:
    curve = Curve("learned", (0.5, 0.8, 1.0), (100.0, 160.0, 200.0), (0.6, 0.66, 0.7))
    assert curve.at_time(130) == pytest.approx(0.63)
    assert curve.at_time(190) == pytest.approx(0.69)
    assert curve.at_time(99) is None
    assert curve.at_time(500) == 0.7  # with time to spare it is the full network
    assert Curve("learned", (0.5,), (None,), (0.6,)).at_time(100) is None


def test_curves_hold_the_full_network(report: Report) -> None:
    learned, small = curves(report, "camvid", MIOU)
    assert (learned.method, learned.macs) == ("learned", (0.6, 0.8, 1.0))
    assert learned.scores == (0.66, 0.69, 0.70)
    assert learned.milliseconds == (170, 190, 202)
    assert small.scores == (0.67, 0.60, 0.70)
    assert curves(report, "camvid", ABSREL) == []


def test_baselines_in_the_time_of_the_gates(report: Report) -> None:
    rows = {row["budget"]: row for row in at_equal_time(report)}
    assert set(rows) == {0.8, 0.6}
    assert rows[0.6]["milliseconds"] == 170 and rows[0.6]["scores"]["learned"] == 0.66
    # Between 160 ms at 0.60 and 202 ms, the full network's, at 0.70.
    expected = 0.60 + 0.10 * (170 - 160) / (202 - 160)
    assert rows[0.6]["scores"]["lower_resolution"] == pytest.approx(expected)


def test_tables_mark_what_is_better_than_the_gates(report: Report) -> None:
    text = format_report(report)
    equal_macs, equal_time, kitchen = text.split("\n\n")[:3]
    lines = [line.split() for line in equal_macs.splitlines()]
    assert lines[1] == ["budget", "method", "executed", "ms", "mIoU"]
    assert lines[2][:3] == ["1", "full", "1.0000"] and lines[2][4] == "0.700"
    assert lines[3] == ["0.8", "learned", "0.8000", "190", "0.690"]
    assert lines[4] == ["0.8", "lower_resolution", "0.8000", "160", "0.600"]
    assert lines[6] == ["0.6", "lower_resolution", "0.6000", "120", "0.670!"]
    assert "at equal milliseconds" in equal_time and "190" in equal_time
    # Of errors the smaller one is better.
    grid = kitchen.splitlines()[-1].split()
    assert grid == ["0.6", "grid", "0.6000", "-", "0.090!", "0.900", "15.000", "20.000"]
    assert "sevenscenes: at equal milliseconds" not in text


def test_gating_is_ahead_where_no_baseline_is_as_good(report: Report) -> None:
    found = {(count.method, what): count for what, count in tallies(report)}
    macs, time = found["learned", "multiply-adds"], found["learned", "time"]
    # Street: ahead at 0.8, not at 0.6. Kitchen: a better absrel, and the same normals.
    assert (macs.comparisons, macs.ahead) == (4, 1)
    assert {name: n for name, n in macs.better.items() if n} == {"grid": 2, "lower_resolution": 1}
    assert (time.comparisons, time.ahead) == (2, 2)  # the kitchen was not timed
    assert macs.sentence("multiply-adds") == (
        "At equal multiply-adds pixel-wise gating is ahead of all in 1 of 4 headline comparisons; "
        f"not behind it: {METHODS['grid']} 2, {METHODS['lower_resolution']} 1"
    )
    assert time.sentence("time").endswith("not behind it: none")
    assert found["scaled", "time"].comparisons == 0  # nobody measured it


def test_the_gatings_are_no_rivals_of_each_other() -> None:
    rows = [
        {"measure": "mIoU", "scores": {"learned": 0.6, "scaled": 0.7, "grid": 0.65}},
        {"measure": "absrel", "scores": {"learned": 0.1, "scaled": 0.2, "grid": 0.3}},
    ]
    learned, scaled = tally(rows), tally(rows, "scaled")
    assert (learned.comparisons, learned.ahead, learned.better["grid"]) == (2, 1, 1)
    assert (scaled.comparisons, scaled.ahead, scaled.better["grid"]) == (2, 2, 0)
    assert scaled.sentence("time").startswith(f"At equal time {METHODS['scaled']} is ahead")


# ---------------------------------------------------------------- the chart


def test_a_panel_per_task_over_both_axes(report: Report) -> None:
    assert [(m.task, name) for found in panels(report).values() for name, m, _ in found] == [
        ("segmentation", "camvid"),
        ("depth", "sevenscenes"),
        ("normals", "sevenscenes"),
    ]
    axes = draw(report).axes
    assert len(axes) == 6
    assert [ax.get_title() for ax in axes[:3]] == [
        "segmentation, camvid",
        "depth, sevenscenes",
        "normals, sevenscenes",
    ]
    assert [ax.get_ylabel() for ax in axes[:2]] == [
        "mIoU (higher is better)",
        "absrel (lower is better)",
    ]
    assert {ax.get_xlabel() for ax in axes[:3]} == {"executed multiply-adds, share of full"}
    assert {ax.get_xlabel() for ax in axes[3:]} == {"milliseconds, median"}
    learned = axes[0].lines[0]
    assert np.asarray(learned.get_xdata()).tolist() == [0.6, 0.8, 1.0]
    assert np.asarray(axes[3].lines[0].get_xdata())[:2].tolist() == [170, 190]
    assert [text.get_text() for text in axes[4].texts] == ["not timed"]


def test_panels_are_scaled_to_the_methods_that_come_near(report: Report) -> None:
    report.results.append(cell("camvid", "truncated", 0.6, segmentation={"miou": 0.1}))
    figure = draw(report)
    low, high = figure.axes[0].get_ylim()
    assert 0.55 < low < 0.60 and 0.70 < high < 0.75
    assert figure.legends[0].get_title().get_text() == NOTE


def test_rendered_scenes_stand_below_the_photographs(report: Report) -> None:
    scores = {"segmentation": {"miou": 0.5}, "depth": {"absrel": 0.2, "delta1": 0.7}}
    rendered = [cell("scenes", name, b, **scores) for name, b in ((FULL, 1.0), ("learned", 0.6))]
    report.results[:0] = rendered  # whatever was measured first
    assert [name for name, _, _ in panels(report)["depth"]] == ["sevenscenes", "scenes"]
    figure = draw(report)
    assert len(figure.axes) == 9
    first, second, third = ([ax.get_title() for ax in figure.axes[i : i + 3]] for i in (0, 3, 6))
    assert first[0] == "segmentation, camvid" and second == [""] * 3
    assert third == ["segmentation, scenes", "depth, scenes", ""]
    below = figure.axes[6]
    assert below.get_xlabel() == "executed multiply-adds, share of full" and below.axison
    assert not figure.axes[8].axison  # no normals of scenes here


def test_the_legend_names_every_method_once(report: Report) -> None:
    (legend,) = draw(report).legends
    assert [text.get_text() for text in legend.get_texts()] == [
        METHODS[name] for name in ("learned", "grid", "lower_resolution")
    ]


def test_curves_differ_by_more_than_colour() -> None:
    assert set(STYLES) == set(METHODS) and set(DEFAULT_METHODS) < set(METHODS)
    assert len({style.colour for style in STYLES.values()}) == len(METHODS)
    assert len({style.marker for style in STYLES.values()}) == len(METHODS)


def test_the_chart_is_a_png(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "chart"
    save_chart(report, path)
    with Image.open(path) as image:
        assert image.format == "PNG" and min(image.size) > 500
        assert len(image.convert("RGB").getcolors(10**6) or ()) > 20


def test_without_a_curve_there_is_no_chart(tmp_path: Path) -> None:
    empty = Report(tmp_path / "report.json", HEADER)
    with pytest.raises(InputError, match="no curve to draw"):
        draw(empty)
    empty.results.append(cell("camvid", FULL, 1.0, segmentation={"miou": 0.7}))
    with pytest.raises(InputError, match="no curve to draw"):
        draw(empty)
