"""The command from end to end on tiny data: all methods, and continuing where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pag.baselines import __main__ as command
from pag.baselines.layers import OpenLayers
from pag.baselines.measure import load_photographs, score_cell
from pag.baselines.methods import FULL, LEARNED, METHODS, SCALED, Setting, build_methods
from pag.data import FOLDERS, open_dataset
from pag.errors import InputError
from pag.evaluation import evaluate
from pag.losses import distillation_losses
from pag.predictor import Predictor
from pag.scores import boundary_matcher
from tests.tiny_data import MemoryDataset, write_bsds, write_camvid, write_kitchen, write_scenes

SIZE = 64
BUDGET = 0.6


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    for split in ("train", "val"):
        write_camvid(root / "CamVid", split)
        write_bsds(root / "BSDS500", split)
    write_kitchen(root / "7scenes-kitchen")
    write_scenes(root / "scenes", "val")
    return root


@pytest.fixture(scope="module")
def arguments(checkpoint: Path, data: Path) -> Callable[..., list[str]]:
    def build(out: Path, *more: object, datasets: tuple[str, ...] = ("sevenscenes",)) -> list[str]:
        given = ["--data", data, "--checkpoint", checkpoint, "--out", out, "--device", "cpu"]
        given += ["--dataset", *datasets, "--size", SIZE, "--order-images", 1]
        given += ["--repeats", 2, "--timing-images", 1, "--thresholds", 3, "--images", 1, *more]
        return [str(argument) for argument in given]

    return build


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, arguments: Callable[..., list[str]]
) -> tuple[Path, Path]:
    """The JSON and the chart of a run with all methods on one data set."""
    folder = tmp_path_factory.mktemp("run")
    out, chart = folder / "baselines.json", folder / "baselines.png"
    more = ("--budget", 1, BUDGET, "--methods", *METHODS, "--chart", chart)
    assert command.main(arguments(out, *more)) == 0
    return out, chart


def test_every_method_meets_the_budget_or_says_what_it_achieved(
    finished: tuple[Path, Path],
) -> None:
    report = json.loads(finished[0].read_text())
    cells = {cell["method"]: cell for cell in report["results"]}
    assert set(cells) == {FULL, *METHODS}
    assert cells[FULL]["achieved_mean"] == 1 and cells[FULL]["budget"] == 1
    (dense,) = cells[FULL]["macs_dense"]
    for name, cell in cells.items():
        assert cell["depth"]["absrel"] > 0 and cell["images"] == 1
        # Of the same full network, whatever the method; MultiPool may save otherwise here.
        assert cell["achieved_mean"] == pytest.approx(cell["macs_executed_mean"] / dense)
        if name not in (FULL, "lower_resolution"):
            assert cell["achieved_mean"] == pytest.approx(BUDGET, abs=0.03), name
    # 64 pixels leave few sizes; see test_resolution for real ones.
    assert cells["lower_resolution"]["achieved_mean"] == pytest.approx(BUDGET, abs=0.1)
    assert cells.pop(SCALED)["depth"] == cells[LEARNED]["depth"]
    scores = {json.dumps(cell["depth"]) for cell in cells.values()}
    assert len(scores) == len(cells)  # no two methods are the same


def test_times_come_from_one_run_of_all_methods(finished: tuple[Path, Path]) -> None:
    report = json.loads(finished[0].read_text())
    (block,) = report["timing"]
    assert set(block["milliseconds"]) == {FULL, *METHODS}
    assert all(times["median"] > 0 for times in block["milliseconds"].values())
    assert block["to_full"][FULL] == 1
    assert block["method"] == {"repeats": 2, "warm_up": 2, "images": 1, "clock": "wall"}
    assert report["versions"]["torch"] == torch.__version__
    rows = {row["measure"]: row for row in report["at_equal_milliseconds"]}
    assert set(rows) == {"absrel", "delta1", "median°", "mean°"}
    assert set(rows["absrel"]["scores"]) == set(METHODS)


def test_the_order_of_layers_is_the_measured_one(
    finished: tuple[Path, Path], predictor: Predictor, data: Path
) -> None:
    report = json.loads(finished[0].read_text())
    (entry,) = report["sensitivity"]
    order = [step["name"] for step in entry["closing_order"]]
    net = predictor.net
    assert sorted(order) == sorted(net.gates)
    # The first step is what closing that layer alone gives on the training image.
    dataset = open_dataset("sevenscenes", data / "7scenes-kitchen", "train")
    setting = Setting(predictor, dataset.tasks, "all", SIZE)
    image = dataset[len(dataset) // 2].image
    outputs = []
    for closed in ((), (order[0],), order):
        policy = OpenLayers(tuple(name not in closed for name in net.gates))
        with torch.inference_mode():
            tensor = setting.tensor(image, setting.full_size(image))
            outputs.append(net(tensor, torch.ones(1), policy, tasks=dataset.tasks)[0])
    one, every = (distillation_losses(student, outputs[0]) for student in outputs[1:])
    expected = np.mean([(one[task] / every[task]).item() for task in dataset.tasks])
    assert entry["closing_order"][0]["disagreement"] == pytest.approx(expected, rel=1e-3)
    assert entry["closing_order"][-1]["disagreement"] == pytest.approx(1)
    # And it is what decides which layers run: those closed first are closed.
    cell = next(c for c in report["results"] if c["method"] == "whole_layers")
    opened = [cell["active_fractions"][name] for name in order]
    assert opened == sorted(opened) and opened[0] == 0 and opened[-1] == 1


def test_the_chart_has_been_written(finished: tuple[Path, Path]) -> None:
    with Image.open(finished[1]) as image:
        assert image.format == "PNG"


def test_nothing_tells_where_it_was_made(finished: tuple[Path, Path], data: Path) -> None:
    text = finished[0].read_text()
    assert str(data) not in text and str(finished[0].parent) not in text


def test_what_is_there_is_not_computed_again(
    finished: tuple[Path, Path],
    arguments: Callable[..., list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: object, **__: object) -> Any:
        raise AssertionError("computed again")

    out = tmp_path / "baselines.json"
    out.write_text(finished[0].read_text())
    before = json.loads(out.read_text())
    scored: list[tuple[str, float]] = []

    def note(method: Any, name: str, budget: float, *rest: Any) -> dict[str, Any]:
        scored.append((name, budget))
        return score_cell(method, name, budget, *rest)

    with monkeypatch.context() as patch:
        for name in ("score_cell", "time_block", "closing_order", "load_photographs"):
            patch.setattr(command, name, refuse)
        assert command.main(arguments(out, "--budget", 1, BUDGET, "--methods", "grid")) == 0
    assert json.loads(out.read_text()) == before
    assert "whole_layers" in capsys.readouterr().out  # the table shows all that is there
    # A budget more: only its cells are computed.
    monkeypatch.setattr(command, "score_cell", note)
    monkeypatch.setattr(command, "closing_order", refuse)
    more = ("--budget", 1, BUDGET, 0.8, "--methods", "whole_layers", "--repeats", 0)
    assert command.main(arguments(out, *more)) == 0
    assert scored == [("learned", 0.8), ("whole_layers", 0.8)]
    after = json.loads(out.read_text())
    assert after["results"][: len(before["results"])] == before["results"]
    assert len(after["results"]) == len(before["results"]) + 2


def test_a_run_that_was_stopped_keeps_its_cells(
    arguments: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_at_grid(method: Any, name: str, *rest: Any) -> dict[str, Any]:
        if name == "grid":
            raise KeyboardInterrupt
        return score_cell(method, name, *rest)

    out = tmp_path / "baselines.json"
    given = arguments(out, "--budget", 1, BUDGET, "--methods", "learned", "grid", "--repeats", 0)
    with monkeypatch.context() as patch:
        patch.setattr(command, "score_cell", stop_at_grid)
        with pytest.raises(KeyboardInterrupt):
            command.main(given)
    kept = json.loads(out.read_text())["results"]
    assert [cell["method"] for cell in kept] == [FULL, "learned"]
    assert command.main(given) == 0
    results = json.loads(out.read_text())["results"]
    assert results[:2] == kept and [cell["method"] for cell in results] == [FULL, "learned", "grid"]


def test_another_seed_needs_another_file(
    arguments: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--budget", BUDGET, "--methods", "random", "--repeats", 0)
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    assert command.main(arguments(first, *given)) == 0
    before = first.read_text()
    with pytest.raises(SystemExit):
        command.main(arguments(first, *given, "--seed", 1))
    assert "holds results of other settings (settings)" in capsys.readouterr().err
    assert first.read_text() == before
    assert command.main(arguments(second, *given, "--seed", 1)) == 0
    found = [
        {c["method"]: c for c in json.loads(path.read_text())["results"]}
        for path in (first, second)
    ]
    assert found[0][FULL] == found[1][FULL] and found[0]["learned"] == found[1]["learned"]
    assert found[0]["random"]["depth"] != found[1]["random"]["depth"]


def test_all_tasks_at_once(
    arguments: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, chart = tmp_path / "baselines.json", tmp_path / "baselines.png"
    given = ("--budget", 0.7, "--methods", "lower_resolution", "--repeats", 0, "--chart", chart)
    given = (*given, "--images", 1, "camvid=2")
    assert command.main(arguments(out, *given, datasets=("all",))) == 0
    tables = capsys.readouterr().out
    for column in ("mIoU", "ODS", "absrel", "delta1", "median°"):
        assert column in tables
    report = json.loads(out.read_text())
    assert {cell["dataset"] for cell in report["results"]} == set(FOLDERS)
    assert len(report["results"]) == 4 * 3 and report["timing"] == []
    assert report["settings"]["images"] == {"all": 1, "camvid": 2}
    for cell in report["results"]:
        assert cell["images"] == (2 if cell["dataset"] == "camvid" else 1)
    with Image.open(chart) as image:
        width, height = image.size
        assert 4 / 3 < width / height < 5 / 3  # four panels wide, three high


def test_the_gates_score_what_the_evaluation_says(predictor: Predictor) -> None:
    dataset = MemoryDataset(("depth", "normals"), 2)
    setting = Setting(predictor, dataset.tasks, "all", SIZE)
    (expected,) = evaluate(predictor, dataset, [BUDGET], size=SIZE)
    photographs = load_photographs(dataset, [0, 1])
    with boundary_matcher(1) as matcher:
        cell = score_cell(
            build_methods(["learned"], setting)["learned"],
            "learned",
            BUDGET,
            photographs,
            dataset.tasks,
            (),
            matcher,
            33,
            [10**12, 2 * 10**12],
        )
    assert cell["depth"] == expected["depth"] and cell["normals"] == expected["normals"]
    assert cell["macs_executed_mean"] == expected["macs_executed_mean"]
    # Measured against the full network's multiply-adds, photograph by photograph.
    assert cell["achieved_mean"] == pytest.approx(cell["macs_executed_mean"] * 0.75e-12, rel=0.01)
    assert "macs_dense" not in cell


def test_methods_differ_where_they_say(predictor: Predictor) -> None:
    image = MemoryDataset(("depth",), 1)[0].image
    setting = Setting(predictor, ("depth",), "all", SIZE)
    methods = build_methods(["random", "truncated", "grid"], setting)
    assert list(methods) == [FULL, "random", "truncated", "grid"]
    answers = {name: method.answer(image, 0, BUDGET)[1] for name, method in methods.items()}
    shares = list(answers["truncated"].active_fractions.values())
    assert shares == sorted(shares, reverse=True) and shares[0] == 1 and shares[-1] == 0
    again = methods["random"].answer(image, 0, BUDGET)
    assert again[1].macs_executed == answers["random"].macs_executed
    other = methods["random"].answer(image, 1, BUDGET)  # another image, other masks
    assert (other[0]["depth"] != again[0]["depth"]).any()
    assert np.isfinite(other[0]["depth"]).all()


def test_unknown_methods_and_missing_orders_are_refused(predictor: Predictor) -> None:
    setting = Setting(predictor, ("depth",), "all", SIZE)
    with pytest.raises(InputError, match=r"methods are \['pruned'\]; expected some of learned"):
        build_methods(["learned", "pruned"], setting)
    with pytest.raises(InputError, match="the opening order names no layer"):
        build_methods(["whole_layers"], setting)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--budget", 1.2), "The budget is 1.2"),
        (("--budget", 0.05), "still needs"),
        (("--images", 0), "'0' is no limit such as 60 or scenes=60"),
        (("--images", 2, "rooms=1"), "'rooms=1' is no limit"),
        (("--repeats", 1), "repeats is 1"),
        (("--order-images", 0), "order images is 0"),
        (("--chart", "absent/x.png"), "--chart: the folder 'absent' does not exist"),
        (("--checkpoint", "absent"), "no checkpoint called"),
        (("--methods", "pruned"), "invalid choice"),
    ],
)
def test_the_command_explains_what_is_wrong(
    arguments: Callable[..., list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[object, ...],
    message: str,
) -> None:
    given = arguments(tmp_path / "x.json", "--methods", "learned", "--repeats", 0, *more)
    with pytest.raises(SystemExit) as stop:
        command.main(given)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
