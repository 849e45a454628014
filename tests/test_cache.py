"""Files that are there whole or not at all, whoever writes them."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

from pag import training_state
from pag.cache import whole, write_whole
from pag.config import PAGConfig, TrainConfig
from pag.growing import write_report
from pag.scenes.files import write_index
from pag.training_state import TrainingState, read_state


def state(step: int) -> TrainingState:
    return TrainingState(step, PAGConfig(), TrainConfig(), {"net.x": torch.arange(3.0)})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("error", [OSError, ValueError, KeyboardInterrupt])
def test_what_ends_the_writing_leaves_the_old_file_and_no_draft(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "kept.json"
    write_whole(path, b"old")
    with pytest.raises(error), whole(path) as draft:
        draft.write_bytes(b"half of the n")
        raise error
    assert names(tmp_path) == ["kept.json"] and path.read_bytes() == b"old"


def test_drafts_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    with whole(path) as first, whole(path) as second:
        first.write_bytes(b"first")
        second.write_bytes(b"second")
        assert not path.exists()
    assert names(tmp_path) == ["kept.json"] and path.read_bytes() == b"first"


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX's")
def test_others_may_read_what_they_may_read_of_any_new_file(tmp_path: Path) -> None:
    write_whole(tmp_path / "whole", b"x")
    (tmp_path / "plain").write_bytes(b"x")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_report(path, {"results": [1]}),
        lambda path: write_index(path.parent, {"train": []}, {}),
        lambda path: state(2).write(path),
    ],
    ids=["report", "scenes", "training state"],
)
def test_a_full_disk_costs_no_file_and_leaves_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None]
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    path = tmp_path / "index.json"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        write(path)
    assert names(tmp_path) == ["index.json"] and path.read_bytes() == b"old"


def test_a_training_state_that_cannot_be_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / training_state.STATE
    state(1).write(path)

    def broken(tensors: object, draft: Path, metadata: object) -> None:
        draft.write_bytes(b"half a state")
        raise SafetensorError("I/O error")

    monkeypatch.setattr(training_state, "save_file", broken)
    with pytest.raises(SafetensorError):
        state(2).write(path)
    assert names(tmp_path) == [path.name]
    found = read_state(path)
    assert found.step == 1
    np.testing.assert_array_equal(found.tensors["net.x"], [0, 1, 2])


def test_a_report_is_json_with_a_line_end(tmp_path: Path) -> None:
    write_report(tmp_path / "r.json", {"name": "é", "results": [1]})
    text = (tmp_path / "r.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"name": "é", "results": [1]} and text.endswith("}\n")
