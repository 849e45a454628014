"""What a pass did, as maps of the record, on the grids of the working size.

With the policy ``scaled`` the network saw a smaller picture (`pag.scaling`): each value is then
given where it belongs in the larger one.
"""

from __future__ import annotations

import numpy as np
import torch

from pag.inference import GateRecord
from pag.macs import NetworkCost, Size
from pag.network import Trace


def gate_records(trace: Trace, cost: NetworkCost, seen: Size, size: Size) -> tuple[GateRecord, ...]:
    """The first image's gates as records.

    Args:
        trace: of a pass that saw the image at (height, width) = `seen`.
        cost: of the network at the working size.
        seen, size: of the image, the network's and the working size.
    """
    return tuple(
        GateRecord(
            name=layer.name,
            stride=layer.stride,
            mask=placed(gate.mask[0, 0].cpu().numpy(), layer.stride, seen, size),
            probability=placed(
                torch.sigmoid(gate.logits[0, 0]).cpu().numpy(), layer.stride, seen, size
            ),
            macs_dense=layer.dense,
            macs_executed=int(gate.executed[0].item()),
        )
        for gate, layer in zip(trace.gates, cost.layers, strict=True)
    )


def ponder_maps(trace: Trace, seen: Size, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """The first image's ponder cost at (H, W) = `size`: layers uint8, multiply-adds float32.

    The multiply-adds of a gate pixel are shared evenly by the image pixels that it covers.
    """
    height, width = seen
    layers = np.zeros(seen, dtype=np.uint8)
    macs = np.zeros(seen, dtype=np.float32)
    strides = sorted({gate.cost.stride for gate in trace.gates})
    for stride in strides:  # layers of one stride share a grid, and are enlarged together
        gates = [gate for gate in trace.gates if gate.cost.stride == stride]
        ran = torch.stack([gate.mask[0, 0] for gate in gates]).sum(0, dtype=torch.uint8)
        spent = torch.stack([gate.cost.pixel_map(gate.mask[:1])[0, 0] for gate in gates]).sum(0)
        layers += enlarged(ran.cpu().numpy(), stride)[:height, :width]
        macs += enlarged(spent.cpu().numpy() / stride**2, stride)[:height, :width]
    larger = placed(macs, 1, seen, size)
    if seen != size:
        larger *= macs.sum() / max(larger.sum(), 1)
    return placed(layers, 1, seen, size), larger


def enlarged(values: np.ndarray, factor: int) -> np.ndarray:
    """(h, w) values, each on a square of `factor` x `factor` pixels."""
    return values.repeat(factor, 0).repeat(factor, 1)


def dilation_map(trace: Trace, seen: Size, size: Size) -> np.ndarray:
    """The first image's pooling fields, (h, w) uint8 indices."""
    choice = trace.dilation[0].to(torch.uint8).cpu().numpy()
    return placed(choice, trace.dilation_stride, seen, size)


def placed(values: np.ndarray, stride: int, seen: Size, size: Size) -> np.ndarray:
    """(h, w) values of a layer's grid at size `seen`, on its grid at `size`.

    Every cell takes the value of what lies at its middle.
    """
    if seen == size:
        return values
    rows, columns = (cells(stride, of, wanted) for of, wanted in zip(seen, size, strict=True))
    return values[rows[:, None], columns]


def cells(stride: int, seen: int, size: int) -> np.ndarray:
    """In which of the cells of `seen` pixels the middles of those of `size` pixels lie."""
    middles = (np.arange(-(-size // stride)) + 0.5) * stride
    return (np.minimum(middles, size - 0.5) * seen / size).astype(int) // stride
