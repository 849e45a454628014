"""A folder of one record: what another record left there is gone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pag import export, write_folder
from pag.export import FILES
from tests.records import build_inference


def test_the_files_of_a_record_are_those_that_are_removed(tmp_path: Path) -> None:
    write_folder(build_inference(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)


def test_a_record_of_fewer_tasks_leaves_no_maps_of_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("the user's own")
    write_folder(build_inference(), tmp_path)
    write_folder(build_inference(tasks=("depth",)), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "depth.npy", "ponder.npy", "dilation.npy", "gates.npz", "result.json", "notes.txt",
    }  # fmt: skip
    assert json.loads((tmp_path / "result.json").read_text())["tasks"] == ["depth"]


def test_a_folder_is_not_complete_while_it_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(build_inference(), tmp_path)

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="no space left"):
        export.write_folder(build_inference(), tmp_path)
    assert not (tmp_path / "result.json").exists()


def test_the_result_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(build_inference(), tmp_path)
    (tmp_path / "gates.npz").unlink()
    (tmp_path / "gates.npz").mkdir()  # cannot be removed as a file
    with pytest.raises(OSError):
        write_folder(build_inference(), tmp_path)
    assert not (tmp_path / "result.json").exists()
