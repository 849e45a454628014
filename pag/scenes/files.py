"""Rendered scenes on disk: a PNG of the picture and an NPZ of the truth, and their index.

In a folder, scene NAME is ``NAME.png`` (8-bit sRGB) and ``NAME.npz`` (zipped numpy arrays):

- ``depth`` float16 metres, 0 in the sky (half precision: at most 0.05% off);
- ``normals`` int16, unit vectors times 32767;
- ``segmentation`` uint8, ``instances`` uint16, ``boundary`` bool: as rendered, no loss;
- ``focal`` float64, ``position`` and ``rotation`` float64, of the camera;
- ``seed`` int64, ``kind`` and ``camera`` str.

``index.json`` lists the names of each split. The NPZ is written last and under another name
first, so where it is, the scene is complete.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from pag.cache import write_whole
from pag.errors import InputError
from pag.scenes.scene import RenderedScene

INDEX = "index.json"
SPLITS = ("train", "val")
NORMAL_STEPS = 32767
ARRAYS = ("depth", "normals", "segmentation", "instances", "boundary")


def scene_name(kind: str, camera: str, seed: int) -> str:
    """Name of a scene's files, without extension."""
    return f"{kind}-{camera}-{seed:06d}"


def is_complete(folder: Path, name: str) -> bool:
    """Whether the scene was written to the end."""
    return (folder / f"{name}.npz").is_file() and (folder / f"{name}.png").is_file()


def write_scene(folder: Path, scene: RenderedScene) -> str:
    """Write a scene to `folder`, which exists; returns its name."""
    name = scene_name(scene.kind, scene.camera, scene.seed)
    picture, truth = io.BytesIO(), io.BytesIO()
    Image.fromarray(scene.image).save(picture, "PNG", compress_level=4)
    np.savez_compressed(
        truth,
        depth=scene.depth.astype(np.float16),
        normals=np.rint(scene.normals * NORMAL_STEPS).astype(np.int16),
        segmentation=scene.segmentation,
        instances=scene.instances,
        boundary=scene.boundary,
        focal=np.float64(scene.focal),
        position=scene.position,
        rotation=scene.rotation,
        seed=np.int64(scene.seed),
        kind=np.str_(scene.kind),
        camera=np.str_(scene.camera),
    )
    write_whole(folder / f"{name}.png", picture.getvalue())
    write_whole(folder / f"{name}.npz", truth.getvalue())
    return name


def read_scene(folder: str | Path, name: str) -> RenderedScene:
    """Read what `write_scene` wrote.

    Raises:
        InputError: a file is missing, damaged or of another layout.
    """
    folder = Path(folder)
    try:
        with Image.open(folder / f"{name}.png") as picture:
            image = np.array(picture.convert("RGB"))
        with np.load(folder / f"{name}.npz", allow_pickle=False) as truth:
            arrays = {key: truth[key] for key in truth.files}
        if any(arrays[key].shape[:2] != image.shape[:2] for key in ARRAYS):
            raise ValueError("sizes differ")
        return RenderedScene(
            image=image,
            depth=arrays["depth"].astype(np.float32),
            normals=arrays["normals"].astype(np.float32) / np.float32(NORMAL_STEPS),
            segmentation=arrays["segmentation"],
            instances=arrays["instances"],
            boundary=arrays["boundary"],
            kind=str(arrays["kind"]),
            camera=str(arrays["camera"]),
            seed=int(arrays["seed"]),
            focal=float(arrays["focal"]),
            position=arrays["position"],
            rotation=arrays["rotation"],
        )
    except FileNotFoundError as error:
        raise InputError(f"scene {name} is missing, expected {name}.png and {name}.npz") from error
    except (OSError, ValueError, KeyError, EOFError, SyntaxError, zipfile.BadZipFile) as error:
        raise InputError(
            f"scene {name} is damaged or no scene; delete its files and render it again"
        ) from error


def write_index(folder: Path, splits: dict[str, list[str]], settings: dict[str, object]) -> None:
    """Write ``index.json``: the names of each split, and what they were rendered with."""
    text = json.dumps({"settings": settings, "splits": splits}, indent=1) + "\n"
    write_whole(folder / INDEX, text.encode())


def read_index(folder: str | Path) -> tuple[dict[str, list[str]], dict[str, object]]:
    """Names of the scenes of each split, and what they were rendered with.

    Raises:
        InputError: there is no index, or it is not one.
    """
    path = Path(folder) / INDEX
    if not path.is_file():
        raise InputError(
            f"scenes: no {INDEX} found; `python -m pag.scenes --out DIR --count N` renders scenes"
        )
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        names = {split: [str(name) for name in index["splits"][split]] for split in SPLITS}
        return names, dict(index["settings"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"scenes: {INDEX} is damaged, expected settings and the splits train and val"
        ) from error
