"""Synthetic `Inference` records: complete, consistent and fixed by a seed, without a network.

Everything that shows or writes a record can be tested with these in milliseconds. The
values obey the contract of `pag.inference`: legal ranges and dtypes, grids of
ceil(size / stride), ponder maps that are exactly the sum of the masks, and MACs that
add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pag.config import STREET_CLASSES
from pag.inference import TASKS, GateRecord, Inference
from pag.steering import steering_at

DILATIONS = (0, 1, 2, 4, 6, 8, 10)
DILATION_STRIDE = 16
GATE_MODES = ("mixed", "open", "closed")


@dataclass(frozen=True)
class Layer:
    """One gated bottleneck: its name, input pixels per gate pixel, and channel widths."""

    name: str
    stride: int
    inputs: int
    inner: int
    outputs: int

    @property
    def macs_per_pixel(self) -> int:
        """Multiply-adds of the residual branch at one gate pixel: 1x1, 3x3, 1x1."""
        return self.inputs * self.inner + 9 * self.inner**2 + self.inner * self.outputs


def _layers() -> tuple[Layer, ...]:
    # (stage, blocks, stride, channels in, inner, out) at output stride 16, res5 at half width.
    stages = (
        ("res2", (1, 2, 3), 4, 64, 64, 256),
        ("res3", (1, 2, 3, 4), 8, 256, 128, 512),
        ("res4", (1, 2, 3, 4, 5, 6), 16, 512, 256, 1024),
        ("res5", (1, 3), 16, 1024, 256, 1024),  # res5_2 hosts MultiPool and has no gate
    )
    return tuple(
        Layer(f"{stage}_{block}", stride, first if block == 1 else outputs, inner, outputs)
        for stage, blocks, stride, first, inner, outputs in stages
        for block in blocks
    )


LAYERS = _layers()


def build_inference(
    height: int = 96,
    width: int = 128,
    tasks: Sequence[str] = TASKS,
    seed: int = 0,
    *,
    budget: float = 0.6,
    gates: str = "mixed",
    classes: tuple[str, ...] = STREET_CLASSES,
    image_size: tuple[int, int] | None = None,
    network_size: tuple[int, int] | None = None,
    policy: str = "exact",
    execution: str = "auto",
    steer: np.ndarray | None = None,
    image: np.ndarray | None = None,
) -> Inference:
    """A full record of a made-up scene, the same for the same arguments.

    Args:
        height: working height H in pixels; odd sizes are fine.
        width: working width W in pixels.
        tasks: the tasks that were asked for, a subset of `TASKS`; the others are None.
        seed: another seed is another photograph.
        budget: the budget asked for; raised to the floor where it lies below. Active sets
            grow with it, so records of one seed at rising budgets behave like a sweep.
        gates: ``mixed`` keeps the share that the budget pays for, ``open`` and ``closed``
            set every gate alike and the budget to match (1.0 and the floor).
        classes: segmentation class names; the ids drawn are below their number.
        image_size: (height, width) of the original image; twice the working size if None.
        network_size: (height, width) that the network is said to have seen; the working size if
            None.
        policy: recorded as it is.
        execution: recorded as it is.
        steer: (rows, columns) in -1..1; gates follow it before anything else.
        image: (height, width, 3) uint8, the photo; one of the same scene is drawn if None.
    """
    if gates not in GATE_MODES:
        raise ValueError(f"gates is {gates!r}; expected one of {GATE_MODES}")
    if unknown := set(tasks) - set(TASKS):
        raise ValueError(f"unknown task(s) {sorted(unknown)}; expected some of {TASKS}")
    rng = np.random.default_rng(seed)
    fields = [_Field(rng) for _ in range(8)]
    wishes = [_Field(rng, scale=1.5) for _ in LAYERS]

    full = (height, width)
    segmentation, edges = _regions(fields[0], fields[1], full, len(classes))
    depth = (3.0 + 2.0 * np.tanh(fields[2].at(full))).astype(np.float32)
    dilation = _quantise(fields[6].at(_grid(full, DILATION_STRIDE)), len(DILATIONS))

    gated_dense = sum(_pixels(full, layer) * layer.macs_per_pixel for layer in LAYERS)
    macs_dense = gated_dense + gated_dense // 4  # the stem, MultiPool and heads have no gate
    floor = (macs_dense - gated_dense) / macs_dense
    requested = {"open": 1.0, "closed": floor}.get(gates, max(float(budget), floor))
    over = np.zeros(full) if steer is None else steering_at(steer, full)
    records = _gates(wishes, full, over, spend=(requested - floor) * macs_dense)
    macs_executed = macs_dense - gated_dense + sum(g.macs_executed for g in records)

    return Inference(
        image=_photo(fields[3:6], edges, full, rng) if image is None else image,
        image_size=image_size or (2 * height, 2 * width),
        network_size=network_size or full,
        segmentation=segmentation if "segmentation" in tasks else None,
        classes=classes,
        boundary=edges if "boundary" in tasks else None,
        depth=depth if "depth" in tasks else None,
        normals=_normals(fields[7], fields[2], full) if "normals" in tasks else None,
        gates=records,
        dilation=dilation,
        dilation_stride=DILATION_STRIDE,
        dilations=DILATIONS,
        ponder_layers=_ponder(records, full, [1.0] * len(records)).astype(np.uint8),
        ponder_macs=_ponder(records, full, [v.macs_per_pixel / v.stride**2 for v in LAYERS]),
        budget_requested=requested,
        budget_achieved=macs_executed / macs_dense,
        budget_floor=floor,
        macs_dense=macs_dense,
        macs_executed=macs_executed,
        policy=policy,
        execution=execution,
        seconds={"prepare": 0.012, "network": 0.401 * requested, "total": 0.02 + 0.401 * requested},
        device="cpu",
        checkpoint="0123456789ab",
        steered=float(np.mean(over != 0)),
    )


def upsample(grid: np.ndarray, stride: int, size: tuple[int, int]) -> np.ndarray:
    """A gate's grid (h, w) at the working size (H, W): each value covers its stride x stride."""
    big = grid.repeat(stride, axis=0).repeat(stride, axis=1)
    return big[: size[0], : size[1]]


class _Field:
    """A smooth random function of the place in the image, the same at every resolution."""

    def __init__(self, rng: np.random.Generator, waves: int = 6, scale: float = 1.0) -> None:
        self.frequency = rng.normal(0.0, 6.0 * scale, (waves, 2))
        self.phase = rng.uniform(0.0, 2 * np.pi, waves)

    def at(self, size: tuple[int, int]) -> np.ndarray:
        """(h, w) float64, about zero mean and unit variance."""
        y, x = (((np.arange(n) + 0.5) / n)[:, None] for n in size)
        rows, columns = y * self.frequency[:, 0] + self.phase, x * self.frequency[:, 1]
        # cos(a + b), so that the waves are evaluated along the edges alone, and not per pixel.
        total = np.cos(rows) @ np.cos(columns).T - np.sin(rows) @ np.sin(columns).T
        return total * np.sqrt(2.0 / len(self.phase))


def _grid(size: tuple[int, int], stride: int) -> tuple[int, int]:
    return -(-size[0] // stride), -(-size[1] // stride)


def _pixels(size: tuple[int, int], layer: Layer) -> int:
    h, w = _grid(size, layer.stride)
    return h * w


def _quantise(field: np.ndarray, levels: int) -> np.ndarray:
    return np.clip((field / 4.0 + 0.5) * levels, 0, levels - 1).astype(np.uint8)


def _regions(
    where: _Field, which: _Field, size: tuple[int, int], classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Class ids (H, W) uint8 and the strength of the edges between them (H, W) float32."""
    ids = _quantise(where.at(size), classes)
    edge = np.zeros(size, np.float32)
    edge[:-1] = np.maximum(edge[:-1], ids[:-1] != ids[1:])
    edge[:, :-1] = np.maximum(edge[:, :-1], ids[:, :-1] != ids[:, 1:])
    strength = 0.6 + 0.4 * np.tanh(which.at(size))
    texture = 0.05 * (1.0 + np.tanh(which.at(size)))
    return ids, np.clip(edge * strength + texture, 0.0, 1.0).astype(np.float32)


def _normals(tilt: _Field, turn: _Field, size: tuple[int, int]) -> np.ndarray:
    vectors = np.stack(
        [0.7 * tilt.at(size), 0.7 * turn.at(size), -np.ones(size)],
        axis=-1,
    )
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def _photo(
    fields: Sequence[_Field], edges: np.ndarray, size: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    colour = np.stack([128.0 + 60.0 * field.at(size) for field in fields], axis=-1)
    colour = colour * (1.0 - 0.6 * edges[..., None]) + rng.normal(0.0, 4.0, (*size, 3))
    return np.clip(colour, 0, 255).astype(np.uint8)


def _gates(
    wishes: Sequence[_Field], size: tuple[int, int], over: np.ndarray, spend: float
) -> tuple[GateRecord, ...]:
    """Open the gate pixels with the highest logits, over all layers, until `spend` is spent.

    One order for all budgets, so active sets grow with the budget; layers differ in how
    much of them is active.
    """
    logits = [2.0 * wish.at(_grid(size, v.stride)) for wish, v in zip(wishes, LAYERS, strict=True)]
    steers = [100.0 * over[:: layer.stride, :: layer.stride] for layer in LAYERS]
    cost = np.concatenate(
        [np.full(x.size, v.macs_per_pixel) for x, v in zip(logits, LAYERS, strict=True)]
    )
    wanted = [(x + steer).ravel() for x, steer in zip(logits, steers, strict=True)]
    order = np.argsort(-np.concatenate(wanted), kind="stable")
    active = np.zeros(cost.size, bool)
    active[order] = np.cumsum(cost[order]) <= spend + 0.5
    masks = np.split(active, np.cumsum([x.size for x in logits])[:-1])
    return tuple(
        GateRecord(
            name=layer.name,
            stride=layer.stride,
            mask=mask.reshape(x.shape).copy(),
            probability=(1.0 / (1.0 + np.exp(-x))).astype(np.float32),
            macs_dense=x.size * layer.macs_per_pixel,
            macs_executed=int(mask.sum()) * layer.macs_per_pixel,
        )
        for layer, x, mask in zip(LAYERS, logits, masks, strict=True)
    )


def _ponder(
    gates: Sequence[GateRecord], size: tuple[int, int], weights: Sequence[float]
) -> np.ndarray:
    total = np.zeros(size, np.float32)
    for gate, weight in zip(gates, weights, strict=True):
        total += weight * upsample(gate.mask, gate.stride, size)
    return total
