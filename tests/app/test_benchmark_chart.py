"""The chart of the benchmark: what is drawn, and what files it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from app.benchmark_chart import main, note, read_timings
from app.content import benchmark as words
from app.figures.benchmark import STROKES, Timed, benchmark_figure


def entry(achieved: float, auto: float) -> dict[str, Any]:
    to_full = {"auto": auto, "sparse": 1.2 * auto, "dense": 1.01, "lower_resolution": 0.95}
    return {
        "budget": achieved,
        "achieved": achieved,
        "small_achieved": achieved - 0.001,
        "to_full": to_full,
    }


def report() -> dict[str, Any]:
    budgets = [entry(1.0, 1.02), entry(0.6, 0.8), entry(0.8, 0.9)]
    return {
        "machine": {"processor": "A fine one", "threads": 2, "torch": "2.0", "busy": True},
        "method": {"repeats": 9},
        "weights": "0123456789ab",
        "backbone": "resnet50",
        "network": [
            {"size": [480, 640], "batch": 8, "budgets": budgets},
            {"size": [240, 320], "batch": 1, "budgets": budgets},
        ],
    }


def test_every_run_is_drawn_over_its_multiply_adds_and_losses_are_hollow() -> None:
    figure = benchmark_figure(read_timings(report()), "a note")
    drawn = [axes for axes in figure.axes if axes.axison]
    titles = {axes.get_title() for axes in drawn}
    assert titles == {"640 × 480, batch 8", "320 × 240, batch 1"}
    assert len(figure.axes) == 4  # two sizes by two batches, of which two were not measured
    for axes in drawn:
        low, high = axes.get_xlim()
        assert low < 0.6 and high > 1 and axes.get_ylim()[0] == 0
        lines = {str(line.get_label()): line for line in axes.lines}
        auto = lines[words.RUNS["auto"]]
        assert np.asarray(auto.get_xdata()).tolist() == [0.6, 0.8, 1.0]
        assert np.asarray(auto.get_ydata()).tolist() == [0.8, 0.9, 1.02]
        small = lines[words.RUNS["lower_resolution"]]
        assert np.asarray(small.get_xdata()).tolist() == pytest.approx([0.599, 0.799, 0.999])
        hollow = [line for line in axes.lines if line.get_markerfacecolor() == "white"]
        losses = {
            to_hex(str(line.get_color())): np.asarray(line.get_ydata()).tolist() for line in hollow
        }
        assert losses[STROKES["auto"].colour] == [1.02]
        assert losses[STROKES["dense"].colour] == [1.01] * 3
        assert STROKES["lower_resolution"].colour not in losses
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [*words.RUNS.values(), words.PROPORTIONAL, words.SLOWER]


def test_runs_differ_in_more_than_colour() -> None:
    assert set(STROKES) == set(words.RUNS)
    assert len({stroke.marker for stroke in STROKES.values()}) == len(STROKES)
    assert len({stroke.dash for stroke in STROKES.values()}) == len(STROKES)


def test_a_single_setting_is_one_panel() -> None:
    timed = Timed((240, 320), 1, {"auto": [(0.5, 0.7)]})
    figure = benchmark_figure([timed], "")
    assert [axes.get_title() for axes in figure.axes] == ["320 × 240, batch 1"]


def test_the_note_says_what_was_measured_and_that_the_machine_was_busy() -> None:
    text = note(report())
    assert "A fine one, threads: 2" in text and "0123456789ab" in text and "of 9" in text
    assert text.endswith(words.BUSY)
    quiet = report()
    quiet["machine"] |= {"busy": False, "instructions": "AVX512"}
    assert "A fine one with AVX512, threads: 2" in note(quiet)
    assert "busy" not in note(quiet)


def test_the_command_writes_a_picture(tmp_path: Path) -> None:
    source, out = tmp_path / "latency.json", tmp_path / "latency.png"
    source.write_text(json.dumps(report()))
    assert main([str(source), "--out", str(out)]) == 0
    with Image.open(out) as picture:
        assert picture.format == "PNG" and picture.width > 900
        assert np.asarray(picture.convert("L")).std() > 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", "no JSON file"),
        ("[1]", "no JSON object"),
        ("{}", "no times of the network"),
        (json.dumps(report() | {"network": []}), "no budget"),
        (
            json.dumps(report() | {"network": [{"size": [1, 2], "batch": 1, "budgets": []}]}),
            "no bud",
        ),
        (
            json.dumps(report() | {"network": [{"size": 3, "batch": 1, "budgets": [{}]}]}),
            "no times",
        ),
        (
            json.dumps({key: value for key, value in report().items() if key != "weights"}),
            "does not",
        ),
    ],
)
def test_other_files_get_a_message(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "other.json", tmp_path / "chart.png"
    source.write_text(text)
    with pytest.raises(SystemExit) as stop:
        main([str(source), "--out", str(out)])
    assert stop.value.code == 2 and not out.exists()
    assert message in capsys.readouterr().err


def test_a_missing_file_gets_a_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path / "none.json"), "--out", str(tmp_path / "chart.png")])
    assert "No such file" in capsys.readouterr().err
