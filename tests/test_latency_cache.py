"""Tables in the user's cache folder: kept, left out, written by many."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from pag import Predictor, cuda, latency_cache
from pag.cache import cache_folder
from pag.config import PAGConfig
from pag.latency import Latency, Line
from pag.latency_cache import (
    FORMAT,
    LARGEST,
    identity,
    load_latency,
    save_latency,
    table_file,
)
from tests.checkpoints import write_random_checkpoint
from tests.latencies import made_up

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "pag-explorer"


@pytest.fixture(scope="module")
def latency(predictor: Predictor) -> Latency:
    return made_up(predictor.net)


def load(predictor: Predictor) -> Latency | None:
    return load_latency(CPU, predictor.config, predictor.net.gates)


def test_what_is_kept_is_found_by_the_next_predictor(
    predictor: Predictor, latency: Latency, checkpoint: Path, folder: Path
) -> None:
    assert load(predictor) is None
    path = save_latency(latency, CPU, predictor.config)
    assert path is not None and path.parent == folder
    assert load(predictor) == latency
    found = Predictor.from_checkpoint(checkpoint, "cpu")
    assert found.latency == latency
    assert [file.name for file in folder.iterdir()] == [path.name]  # and no draft


def test_another_network_device_or_setting_has_a_file_of_its_own(
    predictor: Predictor, latency: Latency, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_latency(latency, CPU, predictor.config)
    here = table_file(CPU, predictor.config)
    assert table_file(CPU, PAGConfig(backbone="mobilenetv2")) != here
    threads = torch.get_num_threads()
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads + 1)
    assert table_file(CPU, predictor.config) != here
    assert load(predictor) is None


@pytest.fixture
def gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A GPU that the kernels in the folder ``cuda`` serve, as far as an identity asks."""
    zeros = torch.zeros

    def on_cpu(*size: int, device: torch.device) -> torch.Tensor:
        assert device.type == "cuda"
        return zeros(*size)

    monkeypatch.setattr(torch, "zeros", on_cpu)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "A GPU")
    monkeypatch.setattr(cuda, "serves", lambda _: True)
    monkeypatch.setattr(latency_cache, "__file__", str(tmp_path / "latency_cache.py"))
    kernels = tmp_path / "cuda" / "kernels.py"
    kernels.parent.mkdir()
    kernels.write_text("BLOCK = 16")
    return kernels


def test_on_a_gpu_a_table_is_of_the_kernels_that_serve_it(
    gpu: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, config = torch.device("cuda"), PAGConfig()
    first = table_file(device, config)
    assert table_file(device, config) == first
    gpu.write_text("BLOCK = 32")
    second = table_file(device, config)
    monkeypatch.setattr(cuda, "serves", lambda _: False)
    assert identity(device, config)["kernels"] is None
    assert len({first, second, table_file(device, config)}) == 3


def test_names_of_classes_make_no_difference_but_their_number_does() -> None:
    one, two, three = (PAGConfig(classes=names) for names in (("a", "b"), ("c", "d"), ("a",)))
    assert identity(CPU, one) == identity(CPU, two) != identity(CPU, three)
    assert identity(CPU, one)["format"] == FORMAT


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b'{"identity": {}, "latency": {}}',
        b"[" * 100_000, b" " * (LARGEST + 1),
    ],
)  # fmt: skip
def test_a_spoilt_file_is_left_out_with_a_warning_and_written_anew(
    predictor: Predictor, latency: Latency, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = table_file(CPU, predictor.config)
    path.parent.mkdir()
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert load(predictor) is None
    assert "left out" in caplog.text
    assert save_latency(latency, CPU, predictor.config) == path
    assert load(predictor) == latency


@pytest.mark.parametrize("part", ["identity", "latency"])
def test_a_foreign_file_is_left_out(
    predictor: Predictor, latency: Latency, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = save_latency(latency, CPU, predictor.config)
    assert path is not None
    kept = json.loads(path.read_text())
    if part == "identity":
        kept["identity"]["device"] = "cpu: another one"
    else:
        kept["latency"]["layers"].pop("res2_1")
    path.write_text(json.dumps(kept))
    assert load(predictor) is None
    assert "left out" in caplog.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", "64"), ("width", 64.0), ("width", None), ("width", True), ("stride", [1]),
        ("dilation", "1"), ("reduce", {}), ("expand", -1), ("depthwise", 0), ("depthwise", "no"),
        ("scope", "net"), ("scope", None), ("scope", ["block"]),
    ],
)  # fmt: skip
def test_a_kind_of_other_types_is_left_out(
    predictor: Predictor, latency: Latency, field: str, value: Any, checkpoint: Path
) -> None:
    path = save_latency(latency, CPU, predictor.config)
    assert path is not None
    kept = json.loads(path.read_text())
    for lines in kept["latency"]["layers"].values():
        lines["kind"][field] = value
    path.write_text(json.dumps(kept))
    assert load(predictor) is None


def test_a_folder_that_cannot_be_written_is_no_error(
    predictor: Predictor, latency: Latency, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file where the folder should be")
    assert save_latency(latency, CPU, predictor.config) is None
    assert "not kept" in caplog.text
    assert load(predictor) is None


def test_a_write_that_fails_leaves_nothing_behind(
    predictor: Predictor, latency: Latency, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    assert save_latency(latency, CPU, predictor.config) is None
    assert list(folder.iterdir()) == []


def test_a_user_without_a_home_has_no_table(
    predictor: Predictor, latency: Latency, monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    assert load(predictor) is None
    assert save_latency(latency, CPU, predictor.config) is None


def test_of_many_writers_one_whole_table_stays(
    predictor: Predictor, latency: Latency, folder: Path
) -> None:
    tables = [Latency(latency.layers, Line(float(i), 1.0)) for i in range(4)]
    seen: list[Latency | None] = []

    def write(table: Latency) -> None:
        for _ in range(5):
            save_latency(table, CPU, predictor.config)
            seen.append(load(predictor))

    threads = [threading.Thread(target=write, args=(table,)) for table in tables]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 20 and all(table in tables for table in seen)
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "home/.cache/pag-explorer"),
        ("linux", {"XDG_CACHE_HOME": "not/absolute"}, "home/.cache/pag-explorer"),
        ("darwin", {}, "home/Library/Caches/pag-explorer"),
        ("win32", {}, "home/AppData/Local/pag-explorer"),
        ("win32", {"LOCALAPPDATA": "local"}, "local/pag-explorer"),
    ],
)
def test_every_system_has_its_usual_place(
    platform: str,
    variables: dict[str, str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("home"))
    assert cache_folder() == Path(expected)


def test_a_small_network_is_kept_beside_the_large_one(
    tmp_path: Path, predictor: Predictor, latency: Latency, folder: Path
) -> None:
    save_latency(latency, CPU, predictor.config)
    small = Predictor.from_checkpoint(
        write_random_checkpoint(tmp_path / "small", backbone="mobilenetv2", head_channels=8), "cpu"
    )
    assert small.latency is None
    save_latency(made_up(small.net), CPU, small.config)
    assert len(list(folder.iterdir())) == 2 and load(predictor) == latency
