"""Time measurements of layers: the arithmetic by hand, a layer of a tiny image."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from pag.break_even import (
    FRACTIONS,
    MARGIN,
    LayerTiming,
    blob_mask,
    break_even,
    layer_kinds,
    measure_layer,
    prepare,
)
from pag.break_even_tables import COMPILED, UNCOMPILED, BreakEven
from pag.config import BACKBONES, PAGConfig
from pag.network import PAGNet
from pag.timing import machine, ratio, summary, synchronised, time_in_turn

RESULTS = Path(__file__).parent.parent / "assets" / "results"


class Clock:
    """A clock that only moves when a run moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_runs_take_turns_after_a_warm_up_and_are_timed_by_the_clock() -> None:
    clock, calls = Clock(), []

    def run(name: str, seconds: float, repeat: int) -> None:
        calls.append((name, repeat))
        clock.now += seconds

    timings = time_in_turn(
        {"a": lambda i: run("a", 1.0, i), "b": lambda i: run("b", 3.0, i)}, 2, clock
    )
    assert timings == {"a": [1.0, 1.0], "b": [3.0, 3.0]}
    assert [repeat for _, repeat in calls] == [-2, -2, -1, -1, 0, 0, 1, 1]
    assert [name for name, _ in calls[-4:]] == ["a", "b", "b", "a"]


def test_summary_and_ratio_by_hand() -> None:
    assert summary([0.004, 0.001, 0.003, 0.002, 0.005]) == {
        "median": 3.0,
        "lower_quartile": 2.0,
        "upper_quartile": 4.0,
    }
    # Pairwise 0.5, 2 and 1: not the ratio of the medians, which would be 0.75.
    assert ratio({"a": [1.0, 6.0, 9.0], "b": [2.0, 3.0, 9.0]}, "a", "b") == 1.0


def test_the_machine_is_described_without_paths() -> None:
    described = machine()
    assert described["torch"] == torch.__version__ and described["threads"]
    assert str(described["instructions"]) in torch.__config__.show()
    assert "/" not in json.dumps(described)


@pytest.mark.parametrize("size", [(30, 40), (3, 4), (1, 1)])
def test_blob_masks_have_the_fraction_asked_for_and_differ_by_seed(size: tuple[int, int]) -> None:
    pixels = size[0] * size[1]
    for fraction in (0.1, 0.5, 1.0):
        count = int(blob_mask(size, fraction, 0).sum())
        assert count == max(1, round(fraction * pixels))
    if pixels > 100:
        assert not torch.equal(blob_mask(size, 0.5, 0), blob_mask(size, 0.5, 1))


def timing(macs: int, share: float, ratio: float, width: int = 64) -> LayerTiming:
    return LayerTiming(
        "x", "block", width, 1, (1, 1), macs, share, share, share, {}, {}, ratio
    )  # fmt: skip


def test_break_even_finds_the_share_and_the_overhead_it_was_given() -> None:
    # Sparse takes E / 0.8 and, at 40 million, 4 million more: with the margin, lines cross at
    # 0.98 * 0.8 of the large layers and 0.1 lower in the small one.
    layers = [
        [timing(10**9, s, s / 0.8) for s in FRACTIONS],
        [timing(8 * 10**8, s, s / 0.9) for s in FRACTIONS],
        [timing(4 * 10**7, s, (s + 0.1) / 0.8) for s in FRACTIONS],
        [timing(10**9, s, 2.0, width=128) for s in FRACTIONS],
    ]
    narrow, wide = break_even(layers)
    assert narrow.share == pytest.approx(0.8 * (1 - MARGIN), abs=1e-3)
    assert narrow.overhead == pytest.approx(4e6, rel=0.02)
    assert (wide.width, wide.share) == (128, 0.0)  # never faster: never preferred


def test_layers_of_one_shape_are_measured_once() -> None:
    kinds = layer_kinds(PAGNet(PAGConfig()), (64, 96))
    names = ["res2_1", "res2_2", "res3_1", "res3_2", "res4_1", "res4_2", "res5_1"]
    assert [cost.name for cost, _ in kinds] == names


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_layer_is_measured_at_every_fraction(backbone: str) -> None:
    cost, block = layer_kinds(prepare(PAGNet(PAGConfig(backbone=backbone))), (64, 96))[0]
    clock = Clock()

    def tick() -> float:
        clock.now += 1.0
        return clock.now

    found = measure_layer(cost, block, 2, tick)
    assert [timing.active_fraction for timing in found] == pytest.approx(FRACTIONS, abs=2e-3)
    assert [timing.ratio for timing in found] == [1.0] * len(FRACTIONS)
    assert all(t.depthwise == (backbone == "mobilenetv2") for t in found)
    assert all(t.active_fraction <= t.halo_fraction <= 1 and 0 < t.share < 1 for t in found)


@pytest.mark.parametrize(("table", "name"), [(COMPILED, ""), (UNCOMPILED, "_uncompiled")])
def test_the_default_tables_are_what_the_committed_measurements_justify(
    table: tuple[BreakEven, ...], name: str
) -> None:
    files = [RESULTS / f"break_even{name}{backbone}.json" for backbone in ("", "_mobilenetv2")]
    measured = {
        (entry["scope"], entry["width"], entry["stride"], entry.get("depthwise", False)): entry
        for path in files
        for entry in json.loads(path.read_text())["break_even"]
    }
    for entry in table:
        found = measured.pop((entry.scope, entry.width, entry.stride, entry.depthwise))
        assert entry.share <= found["share"] + MARGIN
        assert entry.overhead >= 0.8 * found["overhead"]
    assert not measured


def test_a_clock_waits_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "synchronize", waits.append)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    gpu = torch.device("cuda")
    assert synchronised(float, torch.device("cpu")) is float
    assert synchronised(lambda: 3.0, gpu)() == 3.0 and waits == [gpu]
    assert machine(gpu)["gpu"] == "a GPU" and "gpu" not in machine(torch.device("cpu"))
