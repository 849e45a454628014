"""Quality against compute: results that are read, charts that show them, points in space."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.figures.cloud import FOCAL, POINTS, cloud_grid, cloud_scene
from app.figures.quality import agreement_figure, heldout_figure
from app.heldout import FOLDER, METHODS, Curve, read_heldout
from app.palette import METHOD_STYLES
from app.views import quality
from pag import TASKS, Inference
from pag.baselines import methods as baselines
from pag.baselines.compare import MEASURES, curves
from pag.baselines.report import Report
from pag.data.canonical import FOCAL as LEARNED_FOCAL

HEADER = {"checkpoint": "0123456789ab", "settings": {"size": 480}}
FIGURE = re.compile(r'data-figure="([^"]+)"')


def cell(dataset: str, method: str, budget: float, **scores: Any) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "method": method,
        "budget": budget,
        "images": 7,
        "achieved_mean": budget + 0.001 * (budget < 1),
        **scores,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A comparison as `pag.baselines` writes it: rendered scenes first, in no order."""
    report = Report(tmp_path / "baselines.json", HEADER)
    street = {"segmentation": {"miou": 0.5}, "depth": {"absrel": 0.2}}
    report.results += [
        cell("scenes", "full", 1.0, **street),
        cell("scenes", "learned", 0.6, **street),
        cell("camvid", "learned", 0.5, segmentation={"miou": 0.61}),
        cell("camvid", "full", 1.0, segmentation={"miou": 0.7}),
        cell("camvid", "learned", 0.8, segmentation={"miou": 0.69}),
        cell("camvid", "grid", 0.5, segmentation={"miou": 0.4}),
        cell("sevenscenes", "full", 1.0, depth={"absrel": 0.07}, normals={"median": 15.0}),
        cell("sevenscenes", "grid", 0.5, depth={"absrel": 0.1}, normals={"median": 17.0}),
    ]
    report.write()
    return tmp_path


def evaluation(folder: Path) -> None:
    rows = [
        {"dataset": "camvid", "budget": budget, "masks": masks, "images": 3,
         "achieved_mean": spent, "segmentation": {"miou": miou}}
        for budget, masks, spent, miou in (
            (1.0, "learned", 1.0, 0.7), (0.6, "learned", 0.6, 0.65),
            (0.6, "random", 0.655, 0.61), (0.6, "random_equal_macs", 0.6, 0.59),
        )
    ]  # fmt: skip
    rows += [
        rows[1] | {"policy": policy, "segmentation": {"miou": miou}}
        for policy, miou in (("scaled", 0.68), ("adaptive", 0.64))
    ]
    text = json.dumps({"checkpoint": "abc", "results": rows})
    (folder / "evaluation.json").write_text(text)


# ---------------------------------------------------------------- reading


def test_the_comparison_is_read_as_its_own_code_reads_it(folder: Path) -> None:
    known = read_heldout(folder)
    assert known is not None
    assert (known.source, known.checkpoint) == ("baselines.json", HEADER["checkpoint"])
    assert [(panel.task, panel.dataset) for panel in known.panels] == [
        ("segmentation", "camvid"),
        ("segmentation", "scenes"),
        ("depth", "sevenscenes"),
        ("depth", "scenes"),
        ("normals", "sevenscenes"),
    ]
    report = Report(folder / "baselines.json", HEADER)
    headlines = {measure.task: measure for measure in reversed(MEASURES)}
    for panel in known.panels:
        expected = curves(report, panel.dataset, headlines[panel.task])
        assert [(c.method, c.macs, c.scores) for c in panel.curves] == [
            (c.method, c.macs, c.scores) for c in expected
        ]
        assert panel.images == 7
    first = known.panels[0].curves[0]
    assert first == Curve("learned", (0.501, 0.801, 1.0), (0.61, 0.69, 0.7))


def test_every_method_of_the_comparison_has_a_name_and_a_look() -> None:
    from app.content import outputs as words

    assert set(baselines.METHODS) <= set(METHODS)
    for method, title in baselines.METHODS.items():
        assert words.HELDOUT_METHODS[method] == title
    looks = [(style.marker, style.dash) for style in METHOD_STYLES.values()]
    assert set(METHOD_STYLES) == set(METHODS)
    assert len({marker for marker, _ in looks}) == len(looks)  # told apart without colour
    assert {marker for marker, _ in looks} <= set(quality.MARKERS)


def test_without_a_comparison_the_evaluation_is_shown(tmp_path: Path) -> None:
    evaluation(tmp_path)
    known = read_heldout(tmp_path)
    assert known is not None and known.source == "evaluation.json"
    (panel,) = known.panels
    assert {curve.method: (curve.macs, curve.scores) for curve in panel.curves} == {
        "learned": ((0.6, 1.0), (0.65, 0.7)),
        "scaled": ((0.6, 1.0), (0.68, 0.7)),
        "random": ((0.6, 1.0), (0.59, 0.7)),
        "random_shares": ((0.655, 1.0), (0.61, 0.7)),
    }


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"results": [{}]}', '{"checkpoint": "a", "results": [1]}']
)
def test_a_broken_file_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "baselines.json").write_text(text)
    assert read_heldout(tmp_path) is None
    evaluation(tmp_path)
    known = read_heldout(tmp_path)
    assert known is not None and known.source == "evaluation.json"


def test_the_files_are_read_once(
    monkeypatch: pytest.MonkeyPatch, make_inference: Callable[..., Inference]
) -> None:
    reads = []
    monkeypatch.setattr(quality, "read_heldout", lambda: reads.append(1))
    quality._heldout_here.cache_clear()
    for seed in range(2):
        quality.scene(make_inference(seed=seed))
    quality._heldout_here.cache_clear()
    assert len(reads) == 1


def test_rivals_are_explained_where_they_are_named() -> None:
    html = quality.heldout(read_heldout())
    for term in ("grid perforation", "truncated backbone"):
        assert f'data-term="{term}"' in html


def test_without_results_one_line_says_so(tmp_path: Path) -> None:
    assert read_heldout(tmp_path) is None
    html = quality.heldout(None)
    assert "no results on held-out photographs" in html
    assert "pag-plot" not in html


def test_the_results_of_the_repository_are_shown() -> None:
    known = read_heldout()
    assert known is not None
    html = quality.heldout(known)
    figures = [json.loads(unescape(text)) for text in FIGURE.findall(html)]
    assert len(figures) == len(known.panels)
    assert {panel.task for panel in known.panels} == set(TASKS)
    stored = json.loads((FOLDER / known.source).read_text())
    assert known.checkpoint == stored["checkpoint"] and known.checkpoint in html
    for figure, panel in zip(figures, known.panels, strict=True):
        learned = figure["data"][-1]
        assert learned["name"] == "pixel-wise gating"
        assert tuple(learned["y"]) == panel.curves[0].scores


# ---------------------------------------------------------------- charts


@pytest.mark.parametrize("task", TASKS)
def test_up_is_better_in_every_chart(task: str) -> None:
    down = task in ("depth", "normals")
    axis = json.loads(agreement_figure(task).to_json() or "")["layout"]["yaxis"]
    assert (axis["autorange"] == "reversed") == down
    heldout = heldout_figure(task, [Curve("learned", (0.5, 1.0), (0.1, 0.2))])
    bottom, top = heldout.layout.yaxis.range
    assert (bottom > top) == down


def test_the_chart_of_time_begins_at_nothing() -> None:
    figure = json.loads(agreement_figure("time").to_json() or "")
    axis = figure["layout"]["yaxis"]
    assert axis["rangemode"] == "tozero" and axis["autorange"] is True
    assert axis["title"]["text"] == "milliseconds"
    assert "ms" in figure["data"][0]["hovertemplate"]


@pytest.mark.parametrize(("task", "sign"), [("segmentation", 1), ("depth", -1)])
def test_the_scale_is_for_what_is_near(task: str, sign: int) -> None:
    def curve(method: str, low: float) -> Curve:
        return Curve(method, (0.5, 1.0), (1 + sign * (low - 1), 1.0))

    near, far, better = curve("random", 0.8), curve("truncated", 0.1), curve("grid", 1.3)
    ends = heldout_figure(task, [curve("learned", 0.9), near, far, better]).layout.yaxis.range
    worst, best = (sign * (end - 1) + 1 for end in ends)
    assert 0.7 < worst < 0.8 and 1.3 < best < 1.4
    alone = heldout_figure(task, [Curve("learned", (1.0,), (0.5,))]).layout.yaxis.range
    assert sorted(alone)[0] < 0.5 < sorted(alone)[1]


def test_the_gates_are_drawn_last_and_heaviest() -> None:
    lines = [Curve(name, (0.5, 1.0), (0.1, 0.2)) for name in METHODS]
    drawn = json.loads(heldout_figure("segmentation", lines).to_json() or "")["data"]
    assert [len(trace["x"]) for trace in drawn] == [2] * len(METHODS)
    widths = [trace["line"]["width"] for trace in drawn]
    assert widths[-1] == max(widths) > widths[0]
    assert len({(t["line"]["color"], t["marker"]["symbol"]) for t in drawn}) == len(METHODS)


def test_a_method_that_nobody_knows_is_drawn_under_its_name() -> None:
    (trace,) = heldout_figure("depth", [Curve("<new>", (0.5,), (0.1,))]).data
    assert getattr(trace, "name") == "<new>"  # noqa: B009 (plotly's traces know no types)


def test_the_scene_says_whether_the_results_are_of_this_network(
    make_inference: Callable[..., Inference],
) -> None:
    record = make_inference()
    fill = quality.scene(record)
    assert record.checkpoint in fill.html["heldout-other"]
    assert set(fill.data["quality"]) == {*TASKS, "time"}
    low, high = fill.data["budget-range"]
    assert low < record.budget_floor < 1 < high
    json.dumps(fill.message())


# ---------------------------------------------------------------- points in space


@pytest.mark.parametrize("size", [(360, 480), (480, 360), (96, 960), (90, 120), (3, 5)])
def test_the_grid_has_the_pictures_shape_and_stays_light(size: tuple[int, int]) -> None:
    rows, columns = cloud_grid(size)
    assert rows * columns <= POINTS
    assert rows * columns > 0.9 * min(POINTS, size[0] * size[1])
    assert rows / columns == pytest.approx(size[0] / size[1], rel=0.03)


def test_the_camera_is_the_one_that_depth_was_learned_for() -> None:
    assert FOCAL == LEARNED_FOCAL


def test_the_cloud_brings_the_photos_colours(make_inference: Callable[..., Inference]) -> None:
    import base64
    import io

    from PIL import Image

    record = make_inference(240, 320)
    scene = cloud_scene(record)
    data = base64.b64decode(scene["photo"].split(",")[1])
    with Image.open(io.BytesIO(data)) as photo:
        assert photo.size == (scene["columns"], scene["rows"])
        mean = np.asarray(photo.convert("RGB"), float).mean((0, 1))
    assert mean == pytest.approx(record.image.mean((0, 1)), abs=2)
    assert len(data) < 40_000
