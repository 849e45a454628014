"""The endpoints as tools: what they say of themselves, and `--mcp` without its package."""

from __future__ import annotations

import json
import re
import runpy
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import gradio.mcp
import httpx
import pytest
from gradio.route_utils import delete_files_created_by_app
from gradio.utils import get_function_description

from app import tools
from app.look import launch_options
from app.ui import build_app
from app.words import api
from tests.app.fake import FakePredictor
from tests.app.photos import write_photo
from tests.app.program import Program

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["analyze", "compare", "pixel", "report", "sweep"]


@pytest.fixture(scope="module")
def blocks() -> gr.Blocks:
    return build_app(FakePredictor())


def start(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["app.py", *arguments])
    runpy.run_path(str(ROOT / "app.py"), run_name="__main__")


def test_without_the_package_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tools, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as end:
        start(monkeypatch, "--mcp")
    assert end.value.code == 2
    told = capsys.readouterr()
    assert "pip install mcp==" in told.err
    assert told.out == ""


def test_a_space_asks_by_a_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tools, "find_spec", lambda name: None)
    monkeypatch.setenv("PAG_MCP", "1")
    with pytest.raises(SystemExit):
        start(monkeypatch)
    assert "pip install mcp==" in capsys.readouterr().err


def test_everybody_names_the_same_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["optional-dependencies"]["mcp"] == [api.MCP_PIN]
    for name in ("README.md", "DEPLOY.md"):
        assert api.MCP_PIN in (ROOT / name).read_text(encoding="utf-8")


def test_every_tool_says_what_it_does_and_what_each_parameter_is(blocks: gr.Blocks) -> None:
    named = {fn.api_name: fn for fn in blocks.fns.values() if fn.api_visibility == "public"}
    assert sorted(map(str, named)) == NAMES
    for name, fn in named.items():
        assert fn.name == name  # the tool's name is the function's
        assert isinstance(fn.api_description, str) and len(fn.api_description) > 60
        _, parameters, _ = get_function_description(fn.fn)  # pyright: ignore[reportArgumentType]
        assert len(parameters) == len(fn.inputs)
        for parameter, told in parameters.items():
            assert len(told) > 20, f"{name}, {parameter}: {told!r}"
        assert "uploaded" in parameters["image"]


def test_photos_of_tools_are_swept_with_the_uploads(
    blocks: gr.Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradio.mcp, "DEFAULT_TEMP_DIR", "elsewhere")
    tools.sweep_copies(blocks)
    copy = Path(gradio.mcp.DEFAULT_TEMP_DIR) / "digest" / "file.png"
    copy.parent.mkdir()
    copy.write_bytes(b"a photo")
    delete_files_created_by_app(blocks, age=3600)
    assert copy.exists()
    delete_files_created_by_app(blocks, age=None)
    assert not copy.exists()


# ---------------------------------------------------------------- served


@pytest.fixture(scope="module")
def url(blocks: gr.Blocks) -> Iterator[str]:
    _, address, _ = blocks.launch(
        prevent_thread_lock=True, quiet=True, mcp_server=True, **launch_options()
    )
    yield address
    blocks.close()


def call(url: str, method: str, **params: Any) -> Any:
    """One call of the protocol, which is JSON-RPC over HTTP."""
    answer = httpx.post(
        f"{url}gradio_api/mcp/",
        json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params},
        headers={"accept": "application/json, text/event-stream"},
        timeout=120,
    )
    data = re.search(r"^data: (.*)$", answer.raise_for_status().text, re.MULTILINE)
    assert data, answer.text
    return json.loads(data[1])["result"]


def test_the_tools_are_served_or_the_page_alone(
    blocks: gr.Blocks, url: str, tmp_path: Path
) -> None:
    assert blocks.mcp_server == tools.installed()
    if not tools.installed():
        assert "mcp" in str(blocks.mcp_error)
        return
    offered = {tool["name"]: tool for tool in call(url, "tools/list")["tools"]}
    assert sorted(offered) == NAMES
    for tool in offered.values():
        assert all(p["description"] for p in tool["inputSchema"]["properties"].values())
    program = Program(url)
    upload = program.upload(write_photo(tmp_path / "photo.png"))
    program.close()
    address = f"{url}gradio_api/file={upload['path']}"
    arguments = {"image": address, "x": 30, "y": 70, "budget": 0.5}
    told = call(url, "tools/call", name="pixel", arguments=arguments)
    assert not told["isError"]
    assert "'x': 30, 'y': 70" in told["content"][0]["text"]
    elsewhere = arguments | {"image": "https://example.com/a.jpg"}
    refused = call(url, "tools/call", name="pixel", arguments=elsewhere)
    assert refused["isError"] and "Upload the file" in refused["content"][0]["text"]
