"""The command: every part on tiny images, in one file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import torch

from pag.benchmark import __main__ as benchmark
from pag.benchmark.memory import MemoryUse
from pag.benchmark.proportion import proportion
from pag.break_even import FRACTIONS, LayerTiming
from pag.config import PAGConfig
from pag.errors import InputError
from pag.timing import WARMUP

TINY = ("--sizes", "64x96", "--repeats", "2", "--threads", "1")


def timing(share: float, ratio: float) -> LayerTiming:
    return LayerTiming(
        "x", "block", 64, 1, (1, 1), 10**9, share, share, share, {}, {}, ratio
    )  # fmt: skip


def test_sizes_and_batches_are_timed_in_one_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.json"
    arguments = [*TINY, "--sizes", "64x96", "96x64", "--batch", "1", "2", "--budgets", "1", "0.7"]
    assert benchmark.main([*arguments, "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    settings = [(tuple(entry["size"]), entry["batch"]) for entry in report["network"]]
    assert settings == [((64, 96), 1), ((64, 96), 2), ((96, 64), 1), ((96, 64), 2)]
    for entry in report["network"]:
        assert [budget["budget"] for budget in entry["budgets"]] == [1.0, 0.7]
        assert entry["budgets"][1]["achieved"] == pytest.approx(0.7, abs=0.005)
        assert "lower_resolution" in entry["budgets"][1]["milliseconds"]
    assert report["method"] == {"repeats": 2, "warm_up": WARMUP, "clock": "wall"}
    assert (report["weights"], report["backbone"], report["scope"]) == (
        "random", "resnet50", "block"
    )  # fmt: skip
    printed = capsys.readouterr().out
    assert "96x64, batch 2" in printed and "0.70" in printed and "lower_resolution" in printed


def test_convolutions_and_pooling_share_a_file_and_spconv_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmark, "find_spconv", lambda: None)
    out = tmp_path / "report.json"
    assert benchmark.main(["--pooling", "--convolutions", *TINY, "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    assert "network" not in report
    convolutions = report["convolutions"]
    assert convolutions["library"] is None and convolutions["budget"] == 0.5
    assert "stride 2" in convolutions["left_out"]["res3_1"]
    masks = [(layer["layer"], layer["mask"]) for layer in convolutions["layers"]]
    assert ("res2_1", "half") in masks and ("res5_3", "learned") in masks
    assert report["pooling"][0]["to_dilated"]["multipool"] > 0
    printed = capsys.readouterr().out
    assert "spconv is not installed" in printed and "res3_1 was left out" in printed
    assert "MultiPool takes" in printed


def test_memory_is_printed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    megabytes = {name: {"median": need} for name, need in zip(
        ("full", "auto", "sparse", "dense"), (200.0, 120.0, 110.0, 210.0), strict=True
    )}  # fmt: skip
    to_full = {"auto": 0.6, "sparse": 0.55, "dense": 1.05}
    use = MemoryUse((64, 96), 2, 0.6, megabytes, 300, to_full)
    monkeypatch.setattr(benchmark, "measure_memory", lambda *given: iter([use]))
    out = tmp_path / "memory.json"
    assert benchmark.main(["--memory", *TINY, "--budgets", "0.8", "0.6", "--out", str(out)]) == 0
    assert json.loads(out.read_text())["memory"][0]["to_full"] == to_full
    printed = capsys.readouterr().out
    assert "budget 0.6" in printed and "64x96, batch 2" in printed and "0.55" in printed


@pytest.mark.parametrize("extra", [[], ["--uncompiled"]])
def test_memory_is_measured_without_the_kernels_where_that_is_asked(
    monkeypatch: pytest.MonkeyPatch, extra: list[str]
) -> None:
    asked: list[object] = []

    def measured(*given: object) -> Iterator[MemoryUse]:
        asked.append(given[-1])
        return iter([])

    monkeypatch.setattr(benchmark, "measure_memory", measured)
    assert benchmark.main(["--memory", *TINY, *extra]) == 0
    assert asked == [bool(extra)]


def test_a_full_disk_costs_nothing_of_what_was_written_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    out = tmp_path / "report.json"
    out.write_text("old")
    points = [timing(s, s) for s in FRACTIONS]
    monkeypatch.setattr(benchmark, "measure_layers", lambda *_: iter([points]))
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        benchmark.main(["--layers", "--out", str(out)])
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert out.read_text() == "old"


def test_the_layer_command_writes_the_table_it_derived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    points = [timing(s, s / 0.9) for s in FRACTIONS]
    monkeypatch.setattr(benchmark, "measure_layers", lambda *_: iter([points]))
    out = tmp_path / "break_even.json"
    assert benchmark.main(["--layers", "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    assert report["break_even"][0]["share"] == pytest.approx(0.882)
    assert len(report["layers"]) == len(FRACTIONS)
    assert report["proportion"][0]["slope"] == pytest.approx(1.111)
    assert "weights" not in report  # they do not matter
    assert "0.882" in capsys.readouterr().out


def test_layers_of_a_checkpoint_have_its_shapes(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[PAGConfig] = []

    def measured(*given: object) -> Iterator[list[LayerTiming]]:
        asked.append(cast("PAGConfig", given[-1]))
        yield [timing(s, s) for s in FRACTIONS]

    monkeypatch.setattr(benchmark, "measure_layers", measured)
    out = tmp_path / "layers.json"
    assert benchmark.main(["--layers", "--checkpoint", str(checkpoint), "--out", str(out)]) == 0
    assert benchmark.main(["--layers", "--backbone", "mobilenetv2"]) == 0
    assert [(c.backbone, c.output_stride) for c in asked] == [("resnet50", 16), ("mobilenetv2", 8)]
    assert len(json.loads(out.read_text())["weights"]) > 6


def test_how_far_from_proportional_by_hand() -> None:
    # Per active pixel 1.5, 1.0 and 1.25 times dense; 10% and 90% do not count.
    points = [timing(0.1, 9.0), timing(0.2, 0.3), timing(0.5, 0.5), timing(0.8, 1.0)]
    found = proportion([*points, timing(0.9, 0.1)])
    assert (found.slope, found.deviation, found.above) == (1.25, 0.2, 0.2)
    exact = proportion([timing(s, 1.1 * s) for s in FRACTIONS])
    assert (exact.slope, exact.deviation) == (1.1, 0.0)


def test_what_was_measured_before_a_step_failed_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> object:
        raise InputError("no more")

    monkeypatch.setattr(benchmark, "measure_pool", failing)
    out = tmp_path / "report.json"
    arguments = ["--network", "--pooling", *TINY, "--budgets", "0.8", "--out", str(out)]
    with pytest.raises(SystemExit) as stop:
        benchmark.main(arguments)
    assert stop.value.code == 2
    report = json.loads(out.read_text())
    assert report["network"][0]["budgets"][0]["budget"] == 0.8 and "pooling" not in report


@pytest.mark.parametrize("extra", [["--layers"], ["--clock", "cpu"]])
def test_on_a_gpu_the_network_is_what_is_measured(
    extra: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(SystemExit):
        benchmark.main(["--device", "cuda", *extra])
    assert "on a GPU the network is what is measured" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--budgets", "0.01", "--sizes", "64x64"], "ask for"),
        (["--budgets", "nan", "--sizes", "64x64"], "expected a number"),
        (["--convolutions", "--budgets", "0.01", "--sizes", "64x64"], "ask for"),
        (["--repeats", "1"], "2 repeats"),
        (["--batch", "0"], "batch of 1"),
        (["--sizes", "63x640"], "64 pixels"),
        (["--sizes", "480"], "such as 480x640"),
        (["--sizes", "480x640x3"], "such as 480x640"),
        (["--checkpoint", "nowhere"], "no checkpoint"),
        (["--device", "cuda"], "no device 'cuda' here"),
        (["--device", "tpu"], "no device 'tpu' here"),
        (["--graphs"], "for --device cuda"),
        (["--dtype", "bfloat16"], "for --device cuda"),
        (["--out", "nowhere/report.json"], "--out: the folder 'nowhere' does not exist"),
    ],
)
def test_bad_arguments_get_a_message(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as stop:
        benchmark.main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
