"""The app's rendered examples: ``python -m tests.benchmarks.examples --out assets/examples``.

Their seeds end in 9, which `pag.scenes` keeps for validation, so no network was trained on them.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from PIL import Image

from pag.scenes import render_scene

SEEDS = {"street": 69, "room": 29}
"""Kind of scene, which is also the file's name -> seed."""
HEIGHT, WIDTH = 480, 640
QUALITY = 92


def example(kind: str) -> bytes:
    """The JPEG of one example."""
    scene = render_scene(SEEDS[kind], kind, "perspective", (HEIGHT, WIDTH))
    stream = io.BytesIO()
    Image.fromarray(scene.image).save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    for kind in SEEDS:
        (options.out / f"{kind}.jpg").write_bytes(example(kind))


if __name__ == "__main__":
    main()
