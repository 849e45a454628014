"""The files around the code agree with each other and with the code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.test_architecture import imports, sources

ROOT = Path(__file__).resolve().parent.parent
DISTRIBUTIONS = {"PIL": "pillow", "playwright": "playwright", "xdist": "pytest_xdist"}
"""Import name -> distribution, where they differ."""
OWN = {"pag", "app", "tests"}
TRAINING = ("scipy",)
"""Needed by training and evaluation alone: development requirements."""
OPTIONAL = {"spaces", "spconv", "triton"}
"""Used where they are found: a Space's GPU, what the benchmark compares with, and kernels that come
with torch for CUDA."""


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def requirements(name: str) -> dict[str, str]:
    """Distribution -> version of a requirements file; every line must be an exact pin.

    It may be for one system alone: ``name==version; platform_system == "Linux"``.
    """
    pins = {}
    for line in read(name).splitlines():
        if line.startswith(("#", "-r ")) or not line.strip():
            continue
        pin, _, system = line.partition("; ")
        assert not system or re.fullmatch(r'platform_system == "[A-Z][a-z]+"', system), line
        match = re.fullmatch(r"([A-Za-z0-9_.-]+)(?:\[[a-z,]+\])?==([0-9][0-9a-z.]*)", pin)
        assert match, f"{name}: {line!r} is not `name==version`"
        pins[match[1].lower().replace("-", "_")] = match[2]
    return pins


def third_party(*places: str) -> set[str]:
    """The distributions that the Python files in `places` import."""
    names = {
        name.split(".")[0] for path in sources(ROOT, *places) for _, name in imports(ROOT, path)
    }
    names -= OWN | OPTIONAL | set(sys.stdlib_module_names)
    return {DISTRIBUTIONS.get(name, name).lower() for name in names}


def test_all_that_is_imported_is_required() -> None:
    runtime, development = requirements("requirements.txt"), requirements("requirements-dev.txt")
    assert third_party("pag", "app", "app.py") - set(TRAINING) <= set(runtime)
    assert third_party("tests") <= set(runtime) | set(development)
    assert set(TRAINING) <= set(development)


def test_development_requirements_build_on_the_runtime_ones() -> None:
    assert "-r requirements.txt" in read("requirements-dev.txt").splitlines()
    runtime, development = requirements("requirements.txt"), requirements("requirements-dev.txt")
    assert not set(runtime) & set(development)


def test_project_metadata() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    assert project["name"] == "pag-explorer"
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in read("LICENSE") and "END OF TERMS AND CONDITIONS" in read("LICENSE")
    changelog = read("CHANGELOG.md")
    assert "## [Unreleased]" in changelog
    assert project["version"] == "0.1.0" or f"## [{project['version']}]" in changelog


def test_space_settings_in_the_readme() -> None:
    front = re.match(r"---\n(.*?)\n---\n", read("README.md"), re.DOTALL)
    assert front, "README.md must begin with Hugging Face front matter"
    settings = dict(re.findall(r"^(\w+):\s*[\"']?(.*?)[\"']?\s*$", front[1], re.MULTILINE))
    assert settings["sdk"] == "gradio"
    assert settings["sdk_version"] == requirements("requirements.txt")["gradio"]
    assert (ROOT / settings["app_file"]).is_file()
    assert 0 < len(settings["short_description"]) <= 60


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize(
    ("target", "does"),
    [
        ("", "make TARGET|PAG Explorer"),
        ("help", "PAG Explorer"),
        ("app", r"app\.py"),
        ("test", r"ruff check(.|\n)*ruff format --check(.|\n)*pyright(.|\n)*pytest"),
        ("lint", "pyright"),
        ("format", "ruff format"),
        ("clean", "rm -rf"),
    ],
)
def test_make_targets(target: str, does: str) -> None:
    command = ["make", "--dry-run", "--no-print-directory", *target.split()]
    # Not as a part of the make that may have started these tests.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(does, done.stdout)


def test_continuous_integration_runs_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert {"set -euo pipefail", "make test"} <= set(script.read_text().splitlines())


@pytest.mark.skipif(
    not shutil.which("git") or not (ROOT / ".git").exists(), reason="not a git checkout"
)
def test_no_source_is_ignored_by_git() -> None:
    paths = ["pag/data/camvid.py", "tests/data/test_x.py", "assets/results/x.json", ".ci/run"]
    paths += [str(path.relative_to(ROOT)) for path in sources(ROOT, "pag", "app", "tests")]
    command = ["git", "check-ignore", "--no-index", "--stdin"]
    done = subprocess.run(command, cwd=ROOT, input="\n".join(paths), capture_output=True, text=True)
    assert done.stdout == ""


def test_nothing_points_into_somebodys_home() -> None:
    texts = [*sources(ROOT, "pag", "app", "app.py"), *ROOT.glob("*.md"), *ROOT.glob("*.txt")]
    pattern = re.compile(r"(?<![\w.])/(?:home|Users|root)/\w")
    assert [p.name for p in texts if pattern.search(p.read_text(encoding="utf-8"))] == []
