"""One pixel's story: everything that a record says about one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.figures.dilations import cell_side
from app.figures.ponder import most_kilo_macs
from pag import GateRecord, Inference


@dataclass(frozen=True)
class LayerStory:
    """What one gated layer did at the place: its gate's own wish, and whether it ran."""

    name: str
    ran: bool
    probability: float


@dataclass(frozen=True)
class PixelStory:
    """What a record says about one pixel. A task that was not asked for is None.

    Attributes:
        x, y: pixel of the image that was handed in, from its upper left corner.
        name: the class.
        depth: metres.
        normal: unit vector; x right, y down, z forward.
        boundary: strength, 0 to 1.
        layers: every gated layer in network order.
        kilo_macs: thousand multiply-adds that gated layers spent here.
        dense_kilo_macs: had all of them run.
        dilation: the pooling field chosen; 0 is the 1x1 path.
        reach: pixels of the working size between its cells.
    """

    x: int
    y: int
    name: str | None
    depth: float | None
    normal: tuple[float, ...] | None
    boundary: float | None
    layers: tuple[LayerStory, ...]
    kilo_macs: float
    dense_kilo_macs: float
    dilation: int
    reach: int

    @property
    def count(self) -> int:
        """How many gated layers ran here: the ponder cost."""
        return sum(layer.ran for layer in self.layers)


def pixel_story(inference: Inference, x: float, y: float) -> PixelStory:
    """The story of the place at `x`, `y`.

    Args:
        inference: the record to read.
        x: from the left edge, as a share of the width, 0 to 1.
        y: from the upper edge, as a share of the height, 0 to 1.
    """
    height, width = inference.image.shape[:2]
    row, column = _index(y, height), _index(x, width)
    original_height, original_width = inference.image_size
    stride = inference.dilation_stride
    dilation = inference.dilations[int(inference.dilation[row // stride, column // stride])]
    at = (row, column)
    ids, depth = inference.segmentation, inference.depth
    strength, normals = inference.boundary, inference.normals
    return PixelStory(
        x=_index(x, original_width),
        y=_index(y, original_height),
        name=None if ids is None else inference.classes[int(ids[at])],
        depth=None if depth is None else float(depth[at]),
        normal=None if normals is None else (*map(float, normals[at]),),
        boundary=None if strength is None else float(strength[at]),
        layers=tuple(
            LayerStory(gate.name, ran_at(gate, at), float(gate.probability[_cell(gate, at)]))
            for gate in inference.gates
        ),
        kilo_macs=float(inference.ponder_macs[at]) / 1e3,
        dense_kilo_macs=most_kilo_macs(inference),
        dilation=dilation,
        reach=round(dilation * cell_side(inference)),
    )


def layers_by_budget(inferences: Sequence[Inference], x: float, y: float) -> np.ndarray:
    """(layers, records) bool: which layers ran at a place, at each of several budgets."""
    columns = []
    for inference in inferences:
        height, width = inference.image.shape[:2]
        at = _index(y, height), _index(x, width)
        columns.append([ran_at(gate, at) for gate in inference.gates])
    return np.array(columns, bool).T


def facing(normal: tuple[float, ...]) -> tuple[str, float]:
    """(the nearest axis as ``x+`` ... ``z-``, degrees between it and the normal)."""
    axis = int(np.argmax(np.abs(normal)))
    degrees = np.degrees(np.arccos(min(1.0, abs(normal[axis]))))
    return f"{'xyz'[axis]}{'+' if normal[axis] > 0 else '-'}", float(degrees)


def ran_at(gate: GateRecord, at: tuple[int, int]) -> bool:
    """Whether the layer ran at a pixel (row, column) of the working size."""
    return bool(gate.mask[_cell(gate, at)])


def _cell(gate: GateRecord, at: tuple[int, int]) -> tuple[int, int]:
    return at[0] // gate.stride, at[1] // gate.stride


def _index(share: float, size: int) -> int:
    return min(max(int(share * size), 0), size - 1)
