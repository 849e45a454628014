"""Writing an `Inference` as files; the same folder from the command line and the app."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pag.inference import Inference

FILES = (
    "result.json", "segmentation.png", "boundary.png", "depth.npy", "normals.npy", "ponder.npy",
    "dilation.npy", "gates.npz",
)  # fmt: skip
"""All that `write_folder` may write; a folder with the first is a complete one."""


def _resize(plane: np.ndarray, size: tuple[int, int], smooth: bool) -> np.ndarray:
    """(h, w) array to (H, W): bilinear when `smooth`, else nearest; keeps the dtype."""
    if plane.shape == size:
        return plane
    method = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(plane).resize((size[1], size[0]), method))


def at_image_size(inference: Inference) -> dict[str, np.ndarray]:
    """The maps of a record at the size of the image that was handed in.

    Returns:
        For the tasks asked for: ``segmentation`` (H, W) uint8 ids, ``boundary`` (H, W) float32
        0..1, ``depth`` (H, W) float32 metres, ``normals`` (H, W, 3) float32 unit vectors.
        Always: ``ponder`` (H, W) uint8, layers that ran; ``dilation`` (H, W) uint8, the pooling
        dilation itself (not its index).
    """
    size = inference.image_size
    maps: dict[str, np.ndarray] = {}
    if inference.segmentation is not None:
        maps["segmentation"] = _resize(inference.segmentation, size, smooth=False)
    if inference.boundary is not None:
        maps["boundary"] = _resize(inference.boundary, size, smooth=True)
    if inference.depth is not None:
        maps["depth"] = _resize(inference.depth, size, smooth=True)
    if inference.normals is not None:
        planes = [_resize(np.ascontiguousarray(p), size, smooth=True) for p in
                  np.moveaxis(inference.normals, 2, 0)]  # fmt: skip
        vectors = np.stack(planes, axis=2)
        length = np.linalg.norm(vectors, axis=2, keepdims=True)
        maps["normals"] = vectors / np.maximum(length, 1e-6)
    maps["ponder"] = _resize(inference.ponder_layers, size, smooth=False)
    dilation = np.array(inference.dilations, dtype=np.uint8)[inference.dilation]
    stride, (height, width) = inference.dilation_stride, inference.image.shape[:2]
    dilation = dilation.repeat(stride, 0).repeat(stride, 1)[:height, :width]
    maps["dilation"] = _resize(dilation, size, smooth=False)
    return maps


def summary(inference: Inference) -> dict[str, Any]:
    """All scalars of a record, ready for JSON: the contents of ``result.json``."""
    return {
        "budget_requested": inference.budget_requested,
        "budget_achieved": inference.budget_achieved,
        "budget_floor": inference.budget_floor,
        "policy": inference.policy,
        "steered": inference.steered,
        "macs_dense": inference.macs_dense,
        "macs_executed": inference.macs_executed,
        "seconds": dict(inference.seconds),
        "seconds_predicted": dict(inference.seconds_predicted),
        "seconds_asked": inference.seconds_asked,
        "device": inference.device,
        "execution": inference.execution,
        "checkpoint": inference.checkpoint,
        "image_size": list(inference.image_size),
        "network_size": list(inference.network_size),
        "tasks": list(inference.tasks),
        "classes": list(inference.classes),
        "class_fractions": inference.class_fractions,
        "gates": [
            {
                "name": gate.name,
                "stride": gate.stride,
                "active_fraction": gate.active_fraction,
                "macs_dense": gate.macs_dense,
                "macs_executed": gate.macs_executed,
            }
            for gate in inference.gates
        ],
        "dilations": {str(d): share for d, share in inference.dilation_fractions.items()},
    }


def write_folder(inference: Inference, directory: str | Path) -> Path:
    """Write a record to `directory`, made if need be.

    ``result.json`` (see `summary`), ``segmentation.png`` (8-bit ids), ``boundary.png`` (16-bit,
    65535 = strength 1), ``depth.npy``, ``normals.npy`` (float32), ``ponder.npy``,
    ``dilation.npy``, all at the size of the image that was handed in, and ``gates.npz``: one
    bool array a gate, on the gate's own grid. Files of tasks not asked for are left out, and
    removed where another record was written there before.

    Returns:
        The directory.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    maps = at_image_size(inference)
    for name in FILES:
        (directory / name).unlink(missing_ok=True)
    if "segmentation" in maps:
        Image.fromarray(maps.pop("segmentation")).save(directory / "segmentation.png")
    if "boundary" in maps:
        levels = np.rint(np.clip(maps.pop("boundary"), 0, 1) * 65535).astype(np.uint16)
        Image.fromarray(levels).save(directory / "boundary.png")
    for name, array in maps.items():
        np.save(directory / f"{name}.npy", array)
    masks: dict[str, Any] = {gate.name: gate.mask for gate in inference.gates}
    np.savez_compressed(directory / "gates.npz", **masks)
    # Last, so that a folder with a result.json is a complete one.
    text = json.dumps(summary(inference), indent=2) + "\n"
    (directory / "result.json").write_text(text, encoding="utf-8")
    return directory
