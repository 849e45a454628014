"""The served page through `gradio_client` and plain HTTP: answers, refusals, privacy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from app import content
from app.figures import outputs
from app.look import launch_options
from app.ui import NETWORK, SWEEP, build_app
from tests.app.fake import FakePredictor
from tests.app.photos import BAD, bad_files, write_photo, write_rotated

FILE = {"_type": "gradio.FileData"}


class Served:
    """A running app, the stand-in that it asks, and a client."""

    def __init__(self) -> None:
        self.fake = FakePredictor()
        self.blocks = build_app(self.fake)
        _, self.url, _ = self.blocks.launch(
            prevent_thread_lock=True, quiet=True, **launch_options()
        )
        self.client = Client(self.url, verbose=False)

    def analyze(self, image: Any, budget: Any = 0.5, policy: Any = "exact") -> Any:
        return self.client.predict(image=image, budget=budget, policy=policy, api_name="/analyze")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    app = Served()
    yield app
    app.client.close()
    app.blocks.close()


@pytest.fixture
def image(tmp_path: Path) -> Any:
    return handle_file(write_photo(tmp_path / "photo.png"))


def test_analyze_gives_the_scalars_and_five_pictures(served: Served, image: Any) -> None:
    result, *pictures = served.analyze(image, 0.5, "adaptive")
    assert result["budget_requested"] == 0.5
    assert result["budget_achieved"] == pytest.approx(0.5, abs=0.02)
    assert result["policy"] == "adaptive"
    assert result["image_size"] == [90, 120]
    assert result["macs_executed"] <= result["macs_dense"]
    assert set(result["seconds"]) >= {"network", "total"}
    assert {"device", "execution", "budget_floor", "classes"} <= set(result)
    assert [gate["name"] for gate in result["gates"]][::14] == ["res2_1", "res5_3"]
    assert set(result["gates"][0]) >= {"name", "stride", "active_fraction"}
    assert sum(result["dilations"].values()) == pytest.approx(1)
    assert len(pictures) == 5
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert picture.size == (120, 90)


def test_analyze_loses_nothing_on_the_way(served: Served, image: Any, tmp_path: Path) -> None:
    _, segmentation, boundary, depth, normals, _ = served.analyze(image, 0.5)
    expected = served.fake(write_photo(tmp_path / "same.png"), 0.5)
    pairs = (
        (segmentation, outputs.segmentation_image(expected)),
        (boundary, outputs.boundary_image(expected)),
        (depth, outputs.depth_image(expected)),
        (normals, outputs.normals_image(expected)),
    )
    for path, picture in pairs:
        with Image.open(path) as got:
            assert np.array_equal(np.asarray(got), np.asarray(picture))


def test_analyze_has_defaults(served: Served, image: Any) -> None:
    result, *_ = served.client.predict(image=image, api_name="/analyze")
    assert (result["budget_requested"], result["policy"]) == (0.6, "exact")


def test_rotated_photos_come_back_upright_and_bare(served: Served, tmp_path: Path) -> None:
    result, *pictures = served.analyze(handle_file(write_rotated(tmp_path / "r.jpg")))
    assert result["image_size"] == [100, 60]
    for path in pictures:
        assert b"A maker" not in Path(path).read_bytes()


@pytest.mark.parametrize("budget", [7, -1, 0.05, None, "abc", True, [0.5]], ids=repr)
def test_bad_budgets_are_explained(served: Served, image: Any, budget: Any) -> None:
    with pytest.raises(AppError, match=r"budget.*0\.20 to 1"):
        served.analyze(image, budget)


@pytest.mark.parametrize("budget", ["NaN", "Infinity", "-Infinity"])
def test_budgets_that_json_does_not_know(served: Served, tmp_path: Path, budget: str) -> None:
    path = upload(served, write_photo(tmp_path / "photo.png"))
    body = f'{{"data": [{json.dumps({"path": path, "meta": FILE})}, {budget}, "exact"]}}'
    answer = post(served, body)
    assert "expected a number from 0.20 to 1" in answer.json()["error"]


def test_unknown_policies_are_explained(served: Served, image: Any) -> None:
    with pytest.raises(AppError, match="'greedy'; expected one of exact, adaptive"):
        served.analyze(image, policy="greedy")


@pytest.mark.parametrize("what", BAD)
def test_bad_files_are_explained_and_the_app_keeps_serving(
    served: Served, image: Any, tmp_path: Path, what: str
) -> None:
    with pytest.raises(AppError) as refusal:
        served.analyze(handle_file(bad_files(tmp_path)[what]))
    assert len(str(refusal.value)) > 20
    assert "onerror" not in str(refusal.value)
    assert "show_error" not in str(refusal.value)  # Gradio's words for an unexplained fault
    assert served.analyze(image)[0]["budget_requested"] == 0.5


def test_no_image_is_explained(served: Served) -> None:
    with pytest.raises(AppError, match="no image"):
        served.analyze(None)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_addresses_are_refused_without_being_fetched(
    served: Served, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    def fetch(*_: Any, **__: Any) -> None:
        raise AssertionError("fetched")

    monkeypatch.setattr("gradio.processing_utils.async_ssrf_protected_download", fetch)
    data = [{"path": f"{scheme}://example.com/a.jpg", "meta": FILE}, 0.5, "exact"]
    assert post(served, json.dumps({"data": data})).json()["error"] == content.URL_REFUSED


@pytest.mark.parametrize(
    "image", ["http://example.com/a.jpg", {"path": "/etc/hostname"}, 5, [1], {"meta": FILE}]
)
def test_what_is_no_upload_is_explained(served: Served, image: Any) -> None:
    answer = post(served, json.dumps({"data": [image, 0.5, "exact"]}))
    assert answer.json()["error"] in (content.FILE_EXPECTED, content.NO_IMAGE)


@pytest.mark.parametrize("extra", [{}, {"meta": FILE}, {"meta": {}}, {"url": "x", "meta": FILE}])
def test_files_of_the_server_cannot_be_analysed(
    served: Served, tmp_path: Path, extra: dict[str, Any]
) -> None:
    private = write_photo(tmp_path / "private.png")
    data = [{"path": str(private), **extra}, 0.5, "exact"]
    calls = len(served.fake.calls)
    answer = post(served, json.dumps({"data": data}))
    assert answer.status_code >= 400
    assert len(served.fake.calls) == calls


def test_faults_of_the_program_tell_nothing_and_pass(served: Served, image: Any) -> None:
    served.fake.fail = RuntimeError("secret internals")
    with pytest.raises(AppError) as refusal:
        served.analyze(image)
    assert "secret" not in str(refusal.value)
    assert served.analyze(image)[0]["budget_requested"] == 0.5


def test_an_upload_may_be_named_by_its_address(served: Served, tmp_path: Path) -> None:
    path = upload(served, write_photo(tmp_path / "a photo.png"))
    for address in (f"{served.url}gradio_api/file={path}", f"http://proxy/gradio_api/file={path}"):
        data = [{"path": address.replace(" ", "%20"), "meta": FILE}, 0.5, "exact"]
        answer = post(served, json.dumps({"data": data}))
        assert answer.json()["data"][0]["image_size"] == [90, 120]


def test_other_files_may_not_be_named_by_an_address(served: Served, tmp_path: Path) -> None:
    private = write_photo(tmp_path / "private.png")
    folder = Path(upload(served, private)).parent
    around = "/".join([".."] * len(folder.parts))
    calls = len(served.fake.calls)
    for path in (private, f"{folder}/{around}{private}", f"{folder}/missing.png", folder, ""):
        data = [{"path": f"{served.url}gradio_api/file={path}", "meta": FILE}, 0.5, "exact"]
        assert post(served, json.dumps({"data": data})).json()["error"] == content.URL_REFUSED
    assert len(served.fake.calls) == calls


# ---------------------------------------------------------------- how the page is set up


def test_programs_see_endpoints_with_types(served: Served) -> None:
    api = served.client.view_api(return_format="dict", print_info=False)
    assert isinstance(api, dict)
    named = ["/analyze", "/compare", "/pixel", "/report", "/sweep"]
    assert sorted(api["named_endpoints"]) == named
    endpoint = api["named_endpoints"]["/analyze"]
    names = [parameter["parameter_name"] for parameter in endpoint["parameters"]]
    assert names == ["image", "budget", "policy"]
    assert endpoint["parameters"][2]["type"]["enum"] == ["exact", "adaptive", "scaled"]
    # The documentation page must not suggest what is refused.
    assert "http" not in json.dumps(endpoint["parameters"][0]["example_input"])


def test_photos_leave_no_traces(served: Served) -> None:
    options = launch_options()
    assert options["run_history"] is False
    assert "allowed_paths" not in options
    assert served.blocks.delete_cache is not None
    assert not served.blocks.analytics_enabled
    assert httpx.get(f"{served.url}gradio_api/runs").status_code == 404


def test_one_visitor_at_a_time_computes(served: Served) -> None:
    network = [fn for fn in served.blocks.fns.values() if fn.concurrency_id == NETWORK]
    # Upload, example, page load, five settings, steering; /analyze, /pixel, /compare, /report.
    assert len(network) == 13
    assert {fn.concurrency_limit for fn in network} == {1}
    sweep = [fn for fn in served.blocks.fns.values() if fn.concurrency_id == SWEEP]
    assert [fn.concurrency_limit for fn in sweep] == [1]
    live = [fn for fn in network if ("input" in {t[1] for t in fn.targets})]
    assert sum(fn.trigger_mode == "always_last" for fn in live) == 5


def test_sessions_end(served: Served) -> None:
    states = [b for b in served.blocks.blocks.values() if isinstance(b, gr.State)]
    assert any(state.time_to_live == 3600 for state in states)
    assert served.blocks.state_session_capacity <= 64


def test_building_the_page_leaves_no_files_in_the_source() -> None:
    # Gradio writes a stub beside every component class that it sees defined.
    source = Path(content.__file__).parent
    assert not list(source.rglob("*.pyi"))


def upload(served: Served, path: Path) -> str:
    with path.open("rb") as file:
        answer = httpx.post(f"{served.url}gradio_api/upload", files={"files": (path.name, file)})
    return answer.json()[0]


def post(served: Served, body: str) -> httpx.Response:
    return httpx.post(
        f"{served.url}gradio_api/run/analyze",
        content=body,
        headers={"content-type": "application/json"},
        timeout=60,
    )
