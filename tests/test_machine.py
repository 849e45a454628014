"""Measuring the machine, by a clock that only moves when it is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pag import Predictor, machine
from pag.latency import Kind, Latency, Timing, fit
from pag.latency_cache import load_latency
from pag.macs import network_cost
from pag.pretrained import load_checkpoint
from pag.timing import turns
from tests.benchmark.clocks import Ticking
from tests.checkpoints import write_random_checkpoint
from tests.latencies import made_up

SIZES = ((64, 96), (48, 64))
PASSES = 2 * 4 * 2


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    return write_random_checkpoint(folder, backbone="mobilenetv2", head_channels=8)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(machine, "SIZES", SIZES)
    monkeypatch.setattr(machine, "REPEATS", 1)
    monkeypatch.setattr(machine, "PASSES", PASSES)


def test_every_pass_is_timed_layer_by_layer(small: Path) -> None:
    predictor = Predictor(load_checkpoint(small), "cpu", Ticking())
    entered = []

    @contextmanager
    def around() -> Iterator[None]:
        entered.append(True)
        yield

    latency = machine.measure(predictor, around)
    assert len(entered) == PASSES
    assert predictor.latency is None
    gates = len(predictor.net.gates)
    assert set(latency.layers) == set(predictor.net.gates)
    # A layer lies between two looks at the clock, the network between one before all of them
    # and one after.
    for lines in latency.layers.values():
        for whole in (1e6, 1e9):
            assert lines.dense.at(whole) == pytest.approx(1000)
            assert lines.sparse.at(whole / 2, whole) == pytest.approx(1000)
    assert latency.ungated.at(1e9) == pytest.approx(1000 * (gates + 1))
    cost = network_cost(predictor.net, SIZES[0], ("depth",))
    everything = [layer.dense for layer in cost.layers]
    assert latency.milliseconds(cost, everything) == pytest.approx(1000 * (2 * gates + 1))


@pytest.mark.parametrize("never_dense", [False, True])
def test_layers_that_always_skip_tell_nothing_of_dense_ones(
    small: Path, monkeypatch: pytest.MonkeyPatch, never_dense: bool
) -> None:
    found: list[Timing] = []

    def kept(kinds: dict[str, Kind], timings: list[Timing], ungated: object) -> Latency:
        found.extend(timings)
        return fit(kinds, timings, ungated)  # pyright: ignore

    monkeypatch.setattr(machine, "never_dense", lambda *_: never_dense)
    monkeypatch.setattr(machine, "fit", kept)
    machine.measure(Predictor(load_checkpoint(small), "cpu", Ticking()))
    partly = [timing for timing in found if timing.executed < timing.dense]
    assert len(partly) > len(found) // 2
    assert {timing.skipped for timing in partly} == ({True} if never_dense else {False, True})
    assert not any(timing.skipped for timing in found if timing.executed == timing.dense)


def test_the_runs_take_turns() -> None:
    order = list(turns("ab", 2, warmup=1))
    assert order == [(-1, "b"), (-1, "a"), (0, "a"), (0, "b"), (1, "b"), (1, "a")]


def test_what_is_learned_is_used_and_kept(small: Path) -> None:
    predictor = Predictor(load_checkpoint(small), "cpu", Ticking())
    latency = machine.learn(predictor)
    assert predictor.latency is latency
    assert load_latency(predictor.device, predictor.config, predictor.net.gates) == latency
    assert Predictor.from_checkpoint(small, "cpu").latency == latency


def test_the_command_measures_keeps_and_shows(
    small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--checkpoint", str(small), "--device", "cpu"]
    assert machine.main([*arguments, "--show"]) == 1
    assert "Nothing has been measured" in capsys.readouterr().out
    busy = {"busy": True, "load_average": 3.0}
    monkeypatch.setattr(machine, "machine", lambda: busy)
    assert machine.main(arguments) == 0
    told = capsys.readouterr()
    assert "busy with something else (load 3.0" in told.err
    assert "budget 1.0" in told.out and "width" in told.out
    assert machine.main([*arguments, "--show"]) == 0
    assert capsys.readouterr().out == told.out


def test_the_report_says_the_table(small: Path) -> None:
    predictor = Predictor.from_checkpoint(small, "cpu")
    latency: Latency = made_up(predictor.net)
    predictor.use(latency)
    text = machine.report(predictor, latency)
    assert f"budget 1.0  {predictor.milliseconds(1.0, SIZES[0]):7.1f}" in text
    for entry in latency.break_even:
        assert f"width {entry.width:3d} stride {entry.stride}: {entry.share:.2f}" in text


def test_a_missing_checkpoint_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        machine.main(["--checkpoint", "nowhere"])
    assert stop.value.code == 2
    assert "no checkpoint" in capsys.readouterr().err
