"""The `Inference` record: everything one pass of the network says about one image.

The record is the only thing that crosses from computing (`pag`) to showing (`app`).
It is plain numpy, frozen, and knows neither torch nor a screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

TASKS = ("segmentation", "boundary", "depth", "normals")
"""The four dense tasks, in the order in which they are shown."""
CLOCKED = ("seconds", "seconds_predicted")


@dataclass(frozen=True, eq=False)
class GateRecord:
    """What one gate decided.

    Attributes:
        name: the gated block, stage and number: ``res2_1`` to ``res5_3`` in a ResNet-50, in the
            original figures' words, ``stage2_2`` to ``stage6_3`` in a MobileNetV2.
        stride: input pixels per gate pixel.
        mask: (h, w) bool, True where the layer ran.
        probability: (h, w) float32 in 0..1, the gate's own wish before the budget was enforced.
        macs_dense: multiply-adds of the gated layer with its gate open everywhere, at the
            working size.
        macs_executed: multiply-adds really done in it.
    """

    name: str
    stride: int
    mask: np.ndarray
    probability: np.ndarray
    macs_dense: int
    macs_executed: int

    @property
    def active_fraction(self) -> float:
        """Share of the layer's pixels whose gate is open, 0..1."""
        return float(self.mask.mean())


@dataclass(frozen=True, eq=False)
class Inference:
    """One image through the network at one budget.

    H, W are the working size; (h, w) is a layer's own grid there. A task that was not asked for
    is None.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        image_size: (height, width) of the image that was handed in, after EXIF rotation.
        network_size: (height, width) at which the network saw it: the working size, or less with
            the policy ``scaled``, whose maps are given at the working size all the same.
        segmentation: (H, W) uint8 class ids, indices into `classes`.
        classes: class names, index = id.
        boundary: (H, W) float32, boundary strength in 0..1.
        depth: (H, W) float32, metres along the optical axis.
        normals: (H, W, 3) float32 unit vectors in the camera frame: x right, y down,
            z forward, so that a surface facing the camera has negative z.
        gates: one record per gated layer, in network order.
        dilation: (h, w) uint8, index into `dilations` of the pooling field chosen.
        dilation_stride: input pixels per pixel of `dilation`.
        dilations: the dilations on offer; 0 is the 1x1 path.
        ponder_layers: (H, W) uint8, how many gated layers ran at the pixel (ponder cost).
        ponder_macs: (H, W) float32, multiply-adds spent at the pixel by gated layers.
        budget_requested: the budget asked for, executed / dense multiply-adds.
        budget_achieved: the budget really spent, same unit.
        budget_floor: the lowest budget reachable on this image (every gate closed).
        macs_dense: multiply-adds of the whole network at the working size, every gate open.
        macs_executed: multiply-adds really done, gates included.
        policy: ``exact``, ``adaptive`` or ``scaled``; of a policy object, its type.
        execution: ``auto``, ``sparse`` or ``dense``, as asked for; of an object, its type.
        seconds: wall-clock seconds per part; ``network`` and ``total`` are always there.
        device: where the network ran, e.g. ``cpu`` or ``cuda``.
        checkpoint: first 12 hexadecimal digits of the SHA-256 of the weights.
        steered: share of the image's pixels on which somebody said whether to compute there
            (`pag.steered`), 0..1; 0 is a pass that nobody steered.
        seconds_predicted: what `seconds` should say of ``network`` on this machine (`pag.latency`):
            ``network`` at this budget, ``full`` at full budget; empty where nobody measured.
        seconds_asked: the ``network`` time asked for in place of a budget, or None.
    """

    image: np.ndarray
    image_size: tuple[int, int]
    network_size: tuple[int, int]
    segmentation: np.ndarray | None
    classes: tuple[str, ...]
    boundary: np.ndarray | None
    depth: np.ndarray | None
    normals: np.ndarray | None
    gates: tuple[GateRecord, ...]
    dilation: np.ndarray
    dilation_stride: int
    dilations: tuple[int, ...]
    ponder_layers: np.ndarray
    ponder_macs: np.ndarray
    budget_requested: float
    budget_achieved: float
    budget_floor: float
    macs_dense: int
    macs_executed: int
    policy: str
    execution: str
    seconds: Mapping[str, float]
    device: str
    checkpoint: str
    steered: float = 0.0
    seconds_predicted: Mapping[str, float] = field(default_factory=dict)
    seconds_asked: float | None = None

    def __post_init__(self) -> None:
        # A record may be shown to many and cached: nobody can change what it says.
        for name in CLOCKED:
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        maps = [
            self.image, self.segmentation, self.boundary, self.depth, self.normals,
            self.dilation, self.ponder_layers, self.ponder_macs,
        ]  # fmt: skip
        maps += [m for gate in self.gates for m in (gate.mask, gate.probability)]
        for array in maps:
            if array is not None:
                array.setflags(write=False)

    def __getstate__(self) -> dict[str, Any]:
        # Read-only views cannot be pickled; a GPU lent to another process needs that.
        return self.__dict__ | {name: dict(getattr(self, name)) for name in CLOCKED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that were asked for, in the order of `TASKS`."""
        return tuple(task for task in TASKS if getattr(self, task) is not None)

    @property
    def dilation_fractions(self) -> dict[int, float]:
        """Share of pixels that chose each dilation; the values sum to 1."""
        counts = np.bincount(self.dilation.ravel(), minlength=len(self.dilations))
        shares = (counts / self.dilation.size).tolist()
        return dict(zip(self.dilations, shares, strict=True))

    @property
    def class_fractions(self) -> dict[str, float]:
        """Share of pixels of each class; empty when segmentation was not asked for."""
        if self.segmentation is None:
            return {}
        counts = np.bincount(self.segmentation.ravel(), minlength=len(self.classes))
        shares = (counts / self.segmentation.size).tolist()
        return dict(zip(self.classes, shares, strict=True))
