"""Pictures to try: rendered ones of our own, and photographs that installed packages ship."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "examples"
OWN = ("street.jpg", "room.jpg")
SHIPPED = (
    ("gradio", "media_assets/images/tower.jpg"),
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    ("gradio", "media_assets/images/lion.jpg"),
    ("gradio", "media_assets/images/cheetah.jpg"),
)
"""(package, file inside it)."""


def find_examples() -> list[Path]:
    """The examples that are there on this machine, in the order in which they are shown.

    The first one is analysed when the page opens.
    """
    own = [path for name in OWN if (path := FOLDER / name).is_file()]
    return own + [path for package, name in SHIPPED if (path := find_shipped(package, name))]


def find_shipped(package: str, name: str) -> Path | None:
    """A file inside an installed package, which is not imported; None where it is missing."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / name).is_file():
            return path
    return None
