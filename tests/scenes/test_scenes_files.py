"""Scenes on disk: the command line, resuming, the loader, and what goes wrong."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pag.data.canonical import FOCAL
from pag.data.normals import normals_from_depth
from pag.data.scenes import CLEARANCE, UNDECIDED, ScenesDataset
from pag.errors import InputError
from pag.scenes import generate as generating
from pag.scenes import render_scene
from pag.scenes.__main__ import main
from pag.scenes.files import read_index, read_scene, scene_name, write_index, write_scene
from pag.scenes.generate import Job, generate, plan

ROOT = Path(__file__).resolve().parents[2]
TINY = ["--size", "24", "32"]


def run(folder, *arguments):
    return main(["--out", str(folder), *TINY, "--workers", "1", *arguments])


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_what_is_written_is_read(tmp_path):
    scene = render_scene(3, "street", "equirectangular", (24, 48))
    name = write_scene(tmp_path, scene)
    back = read_scene(tmp_path, name)
    for field in ("image", "segmentation", "instances", "boundary", "position", "rotation"):
        np.testing.assert_array_equal(getattr(scene, field), getattr(back, field))
    assert (back.kind, back.camera, back.seed, back.focal) == ("street", "equirectangular", 3, 0.0)
    np.testing.assert_allclose(back.depth, scene.depth, rtol=6e-4)
    np.testing.assert_allclose(back.normals, scene.normals, atol=2e-5)


def test_the_command_renders_and_the_loader_reads(tmp_path):
    assert run(tmp_path, "--count", "4", "--camera", "both", "--seed", "9") == 0
    assert len(list(tmp_path.glob("*.npz"))) == 4
    dataset = ScenesDataset(tmp_path, "val")
    assert len(dataset) == 4 and len(ScenesDataset(tmp_path, "train")) == 0
    sample = dataset[0]
    assert sample.size == (24, 32)
    assert sample.depth is not None and sample.normals is not None
    assert sample.segmentation is not None and sample.boundary is not None
    assert sample.boundary.dtype == np.float32 and set(np.unique(sample.boundary)) <= {0.0, 1.0}
    assert {dataset[i].name for i in range(4)} == {
        scene_name(kind, camera, 9)
        for kind in ("room", "street")
        for camera in ("perspective", "equirectangular")
    }


def test_for_training_boundaries_say_where_there_are_none(tmp_path):
    run(tmp_path, "--count", "1", "--kind", "room", "--seed", "9", "--size", "96", "128")
    plain, sparing = (ScenesDataset(tmp_path, "val", sparing=s)[0] for s in (False, True))
    assert plain.boundary is not None and sparing.boundary is not None
    undecided = np.float32(UNDECIDED)
    assert set(np.unique(sparing.boundary)) == {np.float32(0), undecided}
    ys, xs = np.nonzero(plain.boundary)
    for y, x in zip(*np.nonzero(sparing.boundary == 0), strict=True):
        assert np.maximum(abs(ys - y), abs(xs - x)).min() > CLEARANCE
    near = np.maximum(abs(ys[:, None, None] - 40), abs(xs[:, None, None] - np.arange(128)))
    decided = near.min((0, 1)) > CLEARANCE
    np.testing.assert_array_equal(sparing.boundary[40] == 0, decided)


def test_what_lies_on_a_photograph_may_be_a_boundary(tmp_path):
    run(tmp_path, "--count", "4", "--kind", "room", "--seed", "9", "--size", "72", "96")
    photograph = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    undecided, papered = np.float32(UNDECIDED), 0
    for split in ("train", "val"):
        plain = ScenesDataset(tmp_path, split, sparing=True)
        more = ScenesDataset(tmp_path, split, [photograph], sparing=True)
        for before, after in ((plain[i], more[i]) for i in range(len(plain))):
            assert before.boundary is not None
            changed = (before.image != after.image).any(-1)
            papered += changed.any()
            wanted = np.where(changed, undecided, before.boundary)
            np.testing.assert_array_equal(after.boundary, wanted)
    assert 0 < papered < 4


def test_the_loader_gives_depth_and_normals_of_one_canonical_camera(tmp_path):
    for seed in (9, 19):
        scene = render_scene(seed, "room", "perspective", (72, 96))
        write_index(tmp_path, {"train": [], "val": [write_scene(tmp_path, scene)]}, {})
        sample = ScenesDataset(tmp_path, "val")[0]
        assert sample.depth is not None and sample.normals is not None
        np.testing.assert_allclose(sample.depth / scene.depth, FOCAL * 96 / scene.focal, rtol=1e-3)
        fitted = normals_from_depth(sample.depth, FOCAL * 96, FOCAL * 96, 48, 36, window=3)
        both = fitted.any(-1) & sample.normals.any(-1)
        angles = np.degrees(np.arccos(np.clip((fitted * sample.normals).sum(-1)[both], -1, 1)))
        assert both.mean() > 0.8 and np.median(angles) < 1


def test_the_bytes_do_not_depend_on_the_workers(tmp_path):
    arguments = ["--count", "3", "--kind", "room", "--seed", "20"]
    assert run(tmp_path / "one", *arguments) == 0
    # As a user runs it: what the processes are given must not live in `__main__`.
    command = [sys.executable, "-m", "pag.scenes", "--out", str(tmp_path / "two"), *TINY]
    done = subprocess.run(
        [*command, *arguments, "--workers", "2"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "3/3" in done.stderr  # the progress bar
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert one.keys() == two.keys() and len(one) == 7
    assert all(one[name] == two[name] for name in one)


def test_resuming_renders_only_what_is_missing(tmp_path):
    assert run(tmp_path, "--count", "2", "--kind", "room") == 0
    before = contents(tmp_path)
    kept = tmp_path / f"{scene_name('room', 'perspective', 0)}.npz"
    stamp = kept.stat().st_mtime_ns
    (tmp_path / f"{scene_name('room', 'perspective', 1)}.npz").unlink()
    assert run(tmp_path, "--count", "2", "--kind", "room") == 0
    assert contents(tmp_path) == before
    assert kept.stat().st_mtime_ns == stamp


def test_more_scenes_join_the_index(tmp_path):
    assert run(tmp_path, "--count", "1", "--kind", "room", "--seed", "8") == 0
    assert run(tmp_path, "--count", "1", "--kind", "street", "--seed", "9") == 0
    splits = json.loads((tmp_path / "index.json").read_text())["splits"]
    assert splits == {
        "train": ["room-perspective-000008"],
        "val": ["street-perspective-000009"],
    }


def test_scenes_of_a_run_at_the_same_time_stay_in_the_index(tmp_path, monkeypatch):
    """It writes its index while this run renders."""

    def interrupted(*arguments):
        monkeypatch.undo()
        generate(tmp_path, plan(1, "street", "perspective", 9), (24, 32))
        return render_scene(*arguments)

    monkeypatch.setattr(generating, "render_scene", interrupted)
    generate(tmp_path, plan(1, "room", "perspective", 8), (24, 32))
    splits, _ = read_index(tmp_path)
    assert splits == {"train": ["room-perspective-000008"], "val": ["street-perspective-000009"]}


class Interrupting:
    """A progress bar at whose first step the user presses Ctrl-C."""

    def __init__(self, **_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def update(self):
        raise KeyboardInterrupt


def test_ctrl_c_leaves_undone_what_no_process_has_begun(tmp_path, monkeypatch):
    monkeypatch.setattr(generating, "tqdm", Interrupting)
    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path, plan(100, "room", "perspective", 0), (24, 32), workers=2)
    rendered = len(list(tmp_path.glob("*.npz")))
    # Two in hand, three in the pool's own queue, and what is done until it hears of it.
    assert 1 <= rendered < 30
    assert not (tmp_path / "index.json").exists()


def test_an_error_leaves_undone_what_no_process_has_begun(tmp_path):
    jobs = [Job("forest", "perspective", 0), *plan(99, "room", "perspective", 1)]
    with pytest.raises(InputError, match="forest"):
        generate(tmp_path, jobs, (24, 32), workers=2)
    assert len(list(tmp_path.glob("*.npz"))) < 30


def test_a_seed_is_in_one_split_with_all_its_cameras():
    jobs = plan(80, "both", "both", 0)
    splits = {seed: {job.split for job in jobs if job.seed == seed} for seed in range(20)}
    assert all(len(found) == 1 for found in splits.values())
    assert [seed for seed, found in splits.items() if found == {"val"}] == [9, 19]
    assert len({job.name for job in jobs}) == 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--count", "0"], "count is 0, expected at least 1"),
        (["--count", "1", "--seed", "-1"], "seed is -1, expected 0 or more"),
        (["--count", "1", "--workers", "0"], "workers is 0, expected at least 1"),
        (["--count", "1", "--size", "8", "64"], "size is 8x64 pixels, expected 16 to 4096"),
        (["--count", "1", "--kind", "forest"], "invalid choice: 'forest'"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        run(tmp_path / "out", *arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_holds_scenes_of_one_size(tmp_path, capsys):
    assert run(tmp_path, "--count", "1") == 0
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path), "--count", "1", "--size", "32", "32", "--workers", "1"])
    assert "choose another folder" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_said(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as stop:
        run(tmp_path / "file", "--count", "1")
    assert stop.value.code == 2
    assert "cannot write the scenes" in capsys.readouterr().err


def test_the_loader_says_what_it_expected(tmp_path):
    with pytest.raises(InputError, match=r"python -m pag\.scenes"):
        ScenesDataset(tmp_path, "train")
    with pytest.raises(InputError, match="no split 'test'"):
        ScenesDataset(tmp_path, "test")
    assert run(tmp_path, "--count", "1", "--kind", "room") == 0
    name = scene_name("room", "perspective", 0)
    (tmp_path / f"{name}.npz").write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(InputError, match="damaged"):
        ScenesDataset(tmp_path, "train")[0]
    (tmp_path / f"{name}.npz").unlink()
    with pytest.raises(InputError, match=f"{name} is missing"):
        ScenesDataset(tmp_path, "train")[0]
    (tmp_path / "index.json").write_text("{}")
    with pytest.raises(InputError, match=r"index\.json is damaged"):
        ScenesDataset(tmp_path, "train")
