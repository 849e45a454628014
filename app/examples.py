"""Photographs to try: those that the installed packages ship, and pictures of our own."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

OWN = Path(__file__).resolve().parent.parent / "assets" / "examples"
OWN_KINDS = (".jpg", ".jpeg", ".png", ".webp")
SHIPPED = (
    ("gradio", "media_assets/images/tower.jpg"),
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    ("gradio", "media_assets/images/lion.jpg"),
    ("gradio", "media_assets/images/cheetah.jpg"),
    ("gradio", "media_assets/images/cheetah1.jpg"),
)
"""(package, file inside it), the first to be shown when the page opens."""


def find_examples() -> list[Path]:
    """The examples that are there on this machine, the first one best."""
    own = sorted(p for p in OWN.glob("*") if p.suffix.lower() in OWN_KINDS) if OWN.is_dir() else []
    return own + [path for package, name in SHIPPED if (path := _inside(package, name))]


def _inside(package: str, name: str) -> Path | None:
    spec = find_spec(package)  # finds the folder without importing the package
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / name).is_file():
            return path
    return None
