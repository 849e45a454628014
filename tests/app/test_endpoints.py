"""The endpoints beside /analyze, through `gradio_client`; and the README's examples as they are."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from app.comparison import compare_summary
from app.endpoints.sweep import MOST_STEPS
from app.look import launch_options
from app.sweep import sweep_budgets
from app.ui import build_app
from pag import Inference, summary
from tests.app.fake import FLOOR, FakePredictor
from tests.app.photos import bad_files, write_photo

README = Path(__file__).resolve().parents[2] / "README.md"
ENDPOINTS = ("/sweep", "/pixel", "/compare", "/report")


class Served:
    """A running app, the stand-in that it asks, and a client."""

    def __init__(self) -> None:
        self.fake = FakePredictor()
        self.blocks = build_app(self.fake)
        _, self.url, _ = self.blocks.launch(
            prevent_thread_lock=True, quiet=True, **launch_options()
        )
        self.client = Client(self.url, verbose=False)

    def ask(self, name: str, image: Path | None, **options: Any) -> Any:
        sent = None if image is None else handle_file(image)
        return self.client.predict(image=sent, **options, api_name=name)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    app = Served()
    yield app
    app.client.close()
    app.blocks.close()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_photo(tmp_path / "photo.png")


@pytest.fixture
def record(image: Path) -> Inference:
    return FakePredictor()(image, 0.5)


def without_times(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != "seconds"}


def test_sweep_streams_one_result_after_the_other(
    served: Served, image: Path, record: Inference
) -> None:
    job = served.client.submit(image=handle_file(image), steps=4, api_name="/sweep")
    results: list[Any] = list(job)
    assert [result["step"] for result in results] == [1, 2, 3, 4]
    assert {result["steps"] for result in results} == {4}
    asked = [result["budget_requested"] for result in results]
    assert asked == list(sweep_budgets(FLOOR, 4))
    expected = json.loads(json.dumps(summary(FakePredictor()(image, asked[1]))))
    assert without_times(results[1]).items() >= without_times(expected).items()
    assert results[1]["checkpoint"] == record.checkpoint
    assert [len(result["curve"]) for result in results] == [1, 2, 3, 4]
    for point, result in zip(results[-1]["curve"], results, strict=True):
        assert point.pop("seconds") == result["seconds"]["network"]
        assert point.items() <= result.items()


@pytest.mark.parametrize("steps", [1, 0, -3, 2.5, MOST_STEPS + 1, "all", None, True], ids=repr)
def test_bad_steps_are_explained(served: Served, image: Path, steps: Any) -> None:
    with pytest.raises(AppError, match=rf"whole number from 2 to {MOST_STEPS}"):
        served.ask("/sweep", image, steps=steps)


def test_pixel_says_what_the_record_says(served: Served, image: Path, record: Inference) -> None:
    told = served.ask("/pixel", image, x=30, y=70, budget=0.5)
    assert (told["x"], told["y"]) == (30, 70)
    assert record.segmentation is not None and record.depth is not None
    assert record.boundary is not None and record.normals is not None
    assert told["class"] == record.classes[record.segmentation[70, 30]]
    assert told["depth"] == pytest.approx(float(record.depth[70, 30]))
    assert told["boundary"] == pytest.approx(float(record.boundary[70, 30]))
    assert told["normal"] == pytest.approx(record.normals[70, 30].tolist())
    assert math.hypot(*told["normal"]) == pytest.approx(1, abs=1e-5)
    stride = record.dilation_stride
    assert told["dilation"] == record.dilations[record.dilation[70 // stride, 30 // stride]]
    ran = [bool(gate.mask[70 // gate.stride, 30 // gate.stride]) for gate in record.gates]
    assert [layer["ran"] for layer in told["layers"]] == ran
    assert told["layers_ran"] == sum(ran) == record.ponder_layers[70, 30]
    assert told["kilo_macs"] == pytest.approx(float(record.ponder_macs[70, 30]) / 1e3)


def test_pixel_counts_in_the_photo_that_was_handed_in(served: Served, tmp_path: Path) -> None:
    large = write_photo(tmp_path / "large.png", 700, 1000)
    told = served.ask("/pixel", large, x=999, y=699, budget=0.5, size=320)
    assert (told["x"], told["y"]) == (999, 699)


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({"x": 120, "y": 0}, "x is 120; the image has pixels 0 to 119"),
        ({"x": 0, "y": 90}, "y is 90; the image has pixels 0 to 89"),
        ({"x": -1, "y": 0}, "x is -1"),
        ({"x": None, "y": 0}, "x is None; expected a number"),
        ({"x": 0, "y": "left"}, "y is 'left'; expected a number"),
    ],
)
def test_places_outside_are_explained_before_anything_is_computed(
    served: Served, image: Path, place: dict[str, Any], says: str
) -> None:
    calls = len(served.fake.calls)
    with pytest.raises(AppError, match=re.escape(says)):
        served.ask("/pixel", image, **place, budget=0.5)
    assert len(served.fake.calls) == calls


def test_compare_measures_the_first_by_the_second(served: Served, image: Path) -> None:
    told = served.ask(
        "/compare", image, budget=0.4, other_budget=1.0, policy="adaptive", other_policy="exact"
    )
    a = FakePredictor()(image, 0.4, policy="adaptive")
    b = FakePredictor()(image, 1.0)
    assert without_times(told["first"]) == without_times(json.loads(json.dumps(summary(a))))
    assert without_times(told["second"]) == without_times(json.loads(json.dumps(summary(b))))
    assert told["agreement"] == pytest.approx(compare_summary(a, b)["agreement"])
    assert told["cost"]["macs"] == pytest.approx(a.macs_executed / b.macs_executed)
    assert told["cost"]["macs"] < 0.5


def test_report_gives_the_file(served: Served, image: Path, record: Inference) -> None:
    path = Path(served.ask("/report", image, budget=0.5, size=320, labels="indoor"))
    assert path.suffix == ".html"
    html = path.read_text(encoding="utf-8")
    assert html.startswith("<!DOCTYPE html>")
    assert f"{record.budget_achieved:.3f}" in html
    assert "--labels indoor --size 320" in html
    assert "photo.png" not in html


@pytest.mark.parametrize("name", ENDPOINTS)
def test_what_is_wrong_is_explained_by_all(
    served: Served, image: Path, tmp_path: Path, name: str
) -> None:
    calls = len(served.fake.calls)
    with pytest.raises(AppError, match="no image"):
        served.ask(name, None)
    with pytest.raises(AppError, match="'greedy'; expected one of exact, adaptive"):
        served.ask(name, image, policy="greedy")
    with pytest.raises(AppError, match="481; expected one of 320, 480"):
        served.ask(name, image, size=481)
    with pytest.raises(AppError, match="'moon'; expected one of"):
        served.ask(name, image, labels="moon")
    if name != "/sweep":
        with pytest.raises(AppError, match=r"0\.20 to 1"):
            served.ask(name, image, budget=7)
    if name == "/compare":
        with pytest.raises(AppError, match=r"0\.20 to 1"):
            served.ask(name, image, other_budget=0.01)
    with pytest.raises(AppError) as refusal:
        served.ask(name, bad_files(tmp_path)["text"])
    assert "onerror" not in str(refusal.value)
    assert len(served.fake.calls) == calls


def test_faults_of_the_program_tell_nothing(served: Served, image: Path) -> None:
    for name in ENDPOINTS:
        served.fake.fail = RuntimeError("secret internals")
        with pytest.raises(AppError) as refusal:
            served.ask(name, image)
        assert "secret" not in str(refusal.value)


def test_every_endpoint_is_described_with_types(served: Served) -> None:
    api = served.client.view_api(return_format="dict", print_info=False)
    assert isinstance(api, dict)
    expected = {
        "/sweep": ["image", "steps", "policy", "size", "labels"],
        "/pixel": ["image", "x", "y", "budget", "policy", "size", "labels"],
        "/compare": [
            "image", "budget", "other_budget", "policy", "other_policy", "size", "labels",
        ],
        "/report": ["image", "budget", "policy", "size", "labels"],
    }  # fmt: skip
    for name, parameters in expected.items():
        endpoint = api["named_endpoints"][name]
        got = endpoint["parameters"]
        assert [parameter["parameter_name"] for parameter in got] == parameters
        assert all(parameter["label"] for parameter in got)
        by_name = {parameter["parameter_name"]: parameter for parameter in got}
        assert by_name["policy"]["type"]["enum"] == ["exact", "adaptive", "scaled"]
        assert len(endpoint["description"]) > 60


def test_the_examples_of_the_readme_run(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = README.read_text(encoding="utf-8")
    section = text.split("## From another program")[1].split("\n## ")[0]
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    for name in ("/analyze", *ENDPOINTS):
        assert any(f'api_name="{name}"' in block for block in blocks)
    write_photo(tmp_path / "photo.jpg", 400, 500)
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    for block in blocks:
        exec(block.replace("http://127.0.0.1:7860", served.url), scope)
    assert scope["result"]["budget_requested"] == 0.6
    assert len(scope["pictures"]) == 5
    assert scope["told"]["layers_ran"] <= 15
    assert np.isclose(scope["both"]["second"]["budget_requested"], 1.0)
    assert Path(scope["report"]).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    scope["client"].close()
