"""``python -m pag.predict``, end to end."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pag import LABEL_SETS, Predictor, at_image_size, checkpoints, predict, summary, write_folder
from pag.latency_cache import save_latency
from pag.predict import main
from tests.backbones import GATES
from tests.checkpoints import write_random_checkpoint
from tests.latencies import made_up
from tests.records import build_inference


def write_photo(path: Path, width: int, height: int) -> Path:
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x % 256, y % 256, (x // 7 + y // 5) % 2 * 200], 2).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def run(*arguments: object) -> int:
    try:
        return main([str(a) for a in arguments])
    except SystemExit as stop:
        return int(stop.code or 0)


def test_folder_holds_what_was_promised(tmp_path: Path, checkpoint: Path) -> None:
    photo = write_photo(tmp_path / "street.png", 210, 151)
    options = ["--budget", 0.6, "--size", 128, "--checkpoint", checkpoint]
    assert run(photo, "--out", tmp_path / "out", *options) == 0
    folder = tmp_path / "out" / "street"
    result = json.loads((folder / "result.json").read_text())
    assert result["budget_requested"] == 0.6
    assert result["budget_achieved"] == pytest.approx(0.6, abs=0.005)
    assert result["budget_achieved"] == result["macs_executed"] / result["macs_dense"]
    assert result["seconds"]["network"] > 0 and result["seconds"]["total"] > 0
    assert result["image_size"] == [151, 210]
    assert result["device"] and result["execution"] == "auto"
    assert result["classes"] == list(LABEL_SETS["all"])
    assert len(result["gates"]) == 15
    segmentation = Image.open(folder / "segmentation.png")
    assert segmentation.size == (210, 151) and segmentation.mode == "L"
    boundary = Image.open(folder / "boundary.png")
    assert boundary.size == (210, 151) and boundary.mode == "I;16"
    depth, normals = np.load(folder / "depth.npy"), np.load(folder / "normals.npy")
    assert depth.shape == (151, 210) and depth.dtype == np.float32 and (depth > 0).all()
    assert normals.shape == (151, 210, 3) and normals.dtype == np.float32
    assert np.allclose(np.linalg.norm(normals, axis=2), 1, atol=1e-3)
    assert np.load(folder / "ponder.npy").shape == (151, 210)
    dilation = np.load(folder / "dilation.npy")
    assert dilation.shape == (151, 210)
    assert set(np.unique(dilation)) <= {int(d) for d in result["dilations"]}
    assert sum(result["dilations"].values()) == pytest.approx(1)
    masks = np.load(folder / "gates.npz")
    for gate in result["gates"]:
        mask = masks[gate["name"]]
        assert mask.dtype == bool
        assert mask.mean() == pytest.approx(gate["active_fraction"])
        assert mask.shape == (math.ceil(92 / gate["stride"]), math.ceil(128 / gate["stride"]))


@pytest.mark.parametrize("labels", LABEL_SETS)
def test_only_classes_of_the_label_set_are_written(
    tmp_path: Path, checkpoint: Path, labels: str
) -> None:
    photo = write_photo(tmp_path / "a.png", 96, 64)
    arguments = ["--out", tmp_path, "--tasks", "segmentation", "--size", 96, "--labels", labels]
    assert run(photo, *arguments, "--checkpoint", checkpoint) == 0
    names = json.loads((tmp_path / "a" / "result.json").read_text())["classes"]
    assert names == list(LABEL_SETS["all"])  # an id means the same whatever was chosen among
    ids = np.unique(np.asarray(Image.open(tmp_path / "a" / "segmentation.png")))
    assert {names[i] for i in ids} <= set(LABEL_SETS[labels])


def test_a_model_is_chosen_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checkpoints, "CHECKPOINTS", tmp_path / "models")
    write_random_checkpoint(
        tmp_path / "models" / "small", backbone="mobilenetv2", output_stride=8, head_channels=8
    )
    photo = write_photo(tmp_path / "street.png", 96, 64)
    options = ["--out", tmp_path / "out", "--size", 96, "--budget", 0.7]
    assert run(photo, *options, "--model", "small") == 0
    result = json.loads((tmp_path / "out" / "street" / "result.json").read_text())
    assert result["budget_achieved"] == pytest.approx(0.7, abs=0.005)
    assert tuple(gate["name"] for gate in result["gates"]) == GATES["mobilenetv2"]
    assert run(photo, *options, "--model", "large") == 2
    assert "no model called 'large'; expected one of: small" in capsys.readouterr().err


def test_a_painted_map_steers_every_image_at_the_same_budget(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = [write_photo(tmp_path / f"{name}.png", 96, 64) for name in "ab"]
    levels = np.full((32, 48), 128, np.uint8)
    levels[:, :24] = 255
    Image.fromarray(levels).save(tmp_path / "map.png")
    options = ["--size", 96, "--budget", 0.6, "--checkpoint", checkpoint]
    assert run(*photos, "--out", tmp_path / "plain", *options) == 0
    assert run(*photos, "--out", tmp_path / "out", "--steer", tmp_path / "map.png", *options) == 0
    for name in "ab":
        plain, ponder = (np.load(tmp_path / x / name / "ponder.npy") for x in ("plain", "out"))
        assert ponder[:, :48].mean() > plain[:, :48].mean() + 1
        result = json.loads((tmp_path / "out" / name / "result.json").read_text())
        assert result["steered"] == 0.5
        assert result["budget_achieved"] == pytest.approx(0.6, abs=0.005)
    assert run(*photos, "--out", tmp_path / "no", "--steer", tmp_path / "gone.png", *options) == 2
    assert "pag.predict" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


def test_only_the_tasks_asked_for_are_written(tmp_path: Path, checkpoint: Path) -> None:
    photo = write_photo(tmp_path / "a.png", 96, 64)
    arguments = ["--out", tmp_path, "--tasks", "boundary", "--size", 96, "--checkpoint", checkpoint]
    assert run(photo, *arguments) == 0
    assert (tmp_path / "a" / "boundary.png").exists()
    assert not (tmp_path / "a" / "depth.npy").exists()


def test_a_bad_image_does_not_stop_the_others(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "note.jpg").write_text("not a picture")
    photo = write_photo(tmp_path / "good.png", 96, 64)
    arguments = ["--out", tmp_path / "out", "--size", 96, "--checkpoint", checkpoint]
    assert run(tmp_path / "note.jpg", tmp_path / "gone.jpg", photo, *arguments) == 1
    errors = capsys.readouterr().err
    assert "note.jpg: " in errors and "gone.jpg: " in errors and "Traceback" not in errors
    assert (tmp_path / "out" / "good" / "result.json").exists()
    assert not (tmp_path / "out" / "note").exists()


@pytest.mark.parametrize("budget", ["nan", "7", "-1", "0"])
def test_bad_budgets_are_refused_before_any_work(
    tmp_path: Path, checkpoint: Path, budget: str, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = write_photo(tmp_path / "a.png", 96, 64)
    arguments = ["--out", tmp_path / "out", f"--budget={budget}", "--checkpoint", checkpoint]
    assert run(photo, *arguments) == 2
    assert "budget is" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_budget_below_the_floor_names_the_floor(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = write_photo(tmp_path / "a.png", 96, 64)
    arguments = ["--out", tmp_path / "out", "--size", 96, "--checkpoint", checkpoint]
    assert run(photo, "--budget", 0.05, *arguments) == 1
    assert "still needs 0.2" in capsys.readouterr().err


def test_images_of_one_name_would_overwrite_each_other(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = write_photo(tmp_path / "a.png", 96, 64), write_photo(tmp_path / "a.bmp", 96, 64)
    assert run(a, b, "--out", tmp_path / "out", "--checkpoint", checkpoint) == 2
    assert "more than once" in capsys.readouterr().err


def test_missing_checkpoint_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = write_photo(tmp_path / "a.png", 96, 64)
    assert run(photo, "--out", tmp_path / "out", "--checkpoint", tmp_path / "none") == 2
    assert "no checkpoint" in capsys.readouterr().err


def test_maps_at_image_size_keep_their_meaning() -> None:
    record = build_inference(height=48, width=64, image_size=(96, 128))
    maps = at_image_size(record)
    assert record.segmentation is not None and record.depth is not None
    assert np.array_equal(maps["segmentation"][::2, ::2], record.segmentation)
    assert maps["depth"].shape == (96, 128)
    assert record.depth.min() <= maps["depth"].min() <= maps["depth"].max() <= record.depth.max()
    assert np.allclose(np.linalg.norm(maps["normals"], axis=2), 1, atol=1e-5)


def test_written_values_can_be_read_back(tmp_path: Path) -> None:
    record = build_inference(height=48, width=64, image_size=(48, 64))
    folder = write_folder(record, tmp_path / "x")
    assert record.boundary is not None
    levels = np.asarray(Image.open(folder / "boundary.png"))
    assert np.abs(levels / 65535 - record.boundary).max() < 1e-4
    ids = np.asarray(Image.open(folder / "segmentation.png"))
    assert record.segmentation is not None and np.array_equal(ids, record.segmentation)
    written = json.loads((folder / "result.json").read_text())
    assert written == json.loads(json.dumps(summary(record)))


def test_the_readme_names_every_field_of_a_result() -> None:
    text = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
    section = text.split("## From the command line")[1].split("\n## ")[0]
    assert [field for field in summary(build_inference()) if f"`{field}`" not in section] == []


# ---------------------------------------------------------------- a time in place of a budget


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> list[Predictor]:
    """The predictors that measured this machine, which takes no time here."""
    found: list[Predictor] = []

    def learn(predictor: Predictor, show: bool = False) -> None:
        assert show  # a person waits for it
        predictor.use(made_up(predictor.net))
        found.append(predictor)

    monkeypatch.setattr(predict, "learn", learn)
    return found


def test_a_time_is_asked_for_told_and_written(
    tmp_path: Path,
    checkpoint: Path,
    learned: list[Predictor],
    capsys: pytest.CaptureFixture[str],
) -> None:
    photo = write_photo(tmp_path / "street.png", 96, 64)
    options = ["--size", 96, "--checkpoint", checkpoint, "--budget-ms", 1e7, "--device", "cpu"]
    assert run(photo, "--out", tmp_path / "out", *options) == 0
    told = capsys.readouterr()
    assert len(learned) == 1 and "measuring it now" in told.err
    result = json.loads((tmp_path / "out" / "street" / "result.json").read_text())
    assert result["seconds_asked"] == 1e4
    assert result["budget_requested"] == 1
    assert result["seconds_predicted"]["network"] > 0 < result["seconds"]["network"]
    measured = f"{1000 * result['seconds']['network']:.0f} ms measured"
    assert "street: 1e+07 ms asked, " in told.out and measured in told.out
    assert "at budget 1.000; full budget takes no longer" in told.out


def test_what_was_measured_before_is_not_measured_again(
    tmp_path: Path,
    checkpoint: Path,
    learned: list[Predictor],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    known = Predictor.from_checkpoint(checkpoint, "cpu")
    save_latency(made_up(known.net), known.device, known.config)
    photo = write_photo(tmp_path / "street.png", 96, 64)
    options = ["--size", 96, "--checkpoint", checkpoint, "--budget-ms", 1e7, "--device", "cpu"]
    assert run(photo, "--out", tmp_path / "out", *options) == 0
    assert learned == []


def test_a_time_too_short_fails_that_image_alone(
    tmp_path: Path,
    checkpoint: Path,
    learned: list[Predictor],
    capsys: pytest.CaptureFixture[str],
) -> None:
    photo = write_photo(tmp_path / "a.png", 96, 64)
    options = ["--size", 96, "--checkpoint", checkpoint, "--device", "cpu"]
    assert run(photo, "--out", tmp_path / "out", "--budget-ms", 1, *options) == 1
    assert "this network still takes some" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--budget-ms", "0"], "milliseconds above 0"),
        (["--budget-ms", "nan"], "milliseconds above 0"),
        (["--budget-ms=-5"], "milliseconds above 0"),
        (["--budget-ms", "soon"], "invalid float"),
        (["--budget-ms", "90", "--budget", "0.5"], "not allowed with"),
        (["--budget-ms", "90", "--policy", "adaptive"], "expected exact policy"),
        (["--budget-ms", "90", "--execution", "dense"], "expected exact policy"),
    ],
)
def test_bad_times_are_refused_before_any_work(
    tmp_path: Path,
    checkpoint: Path,
    learned: list[Predictor],
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    photo = write_photo(tmp_path / "a.png", 96, 64)
    assert run(photo, "--out", tmp_path / "out", *arguments, "--checkpoint", checkpoint) == 2
    assert words in capsys.readouterr().err
    assert learned == [] and not (tmp_path / "out").exists()
