"""Gates, gated blocks, MultiPool and what the decoder reads, as calls of the compiled kernels."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TypeGuard

import torch
from torch import Tensor, nn

from pag.backbones import BlockInput, ResidualBlock, opened, unopened
from pag.cpu.arranged import Arranged
from pag.cpu.structures import Clamp, Convolution, Geometry, at, declare
from pag.fusion import Window
from pag.macs import LayerCost, Size
from pag.multipool import MultiPool
from pag.sparse import as_maps, as_rows, convolve_at

LEAST_CHANNELS = 32
"""Of fewer channels, a tile's sums take as long as its products save."""
NO_PIXELS = torch.empty(0, dtype=torch.int32)
NO_TILES = torch.empty(0, 2, dtype=torch.int32)


@dataclass(frozen=True)
class Listed:
    """The pixels that a gated block computes under one mask.

    Attributes:
        outputs: (N,) int32, flat positions in (B, h, w) of the active pixels that are in no tile.
        tiles: (T, 2) int32, ``Tile`` of ``winograd.h``, of which the other ones are part.
        inputs: (M,) int32, flat positions in (B, H, W) of those that its 3x3 reads there; None in
            scope ``conv``, where the first 1x1 runs everywhere.
        numbers: (B, H, W) int32, each input's place in `inputs`, -1 where it is not needed.
    """

    outputs: Tensor
    tiles: Tensor
    inputs: Tensor | None
    numbers: Tensor


class Kernels:
    """The compiled kernels, called with tensors.

    Args:
        library: see `pag.cpu.build.library`.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library = library
        declare(library)
        self._chunk: int = library.pag_chunk()
        panel: int = library.pag_panel()
        self._lanes = panel // 2
        self._arranged = Arranged(panel)

    def list_pixels(
        self, mask: Tensor, block: ResidualBlock, scope: str, input_size: Size
    ) -> Listed:
        """The pixels of a (B, 1, h, w) bool mask over a block whose input has (H, W)."""
        batch, height, width = mask.shape[0], *input_size
        geometry = _geometry(mask, block, input_size)
        mask = mask.contiguous()
        outputs = torch.empty(mask.numel(), dtype=torch.int32)
        numbers = torch.empty(batch, height, width, dtype=torch.int32)
        inputs = torch.empty(numbers.numel(), dtype=torch.int32)
        counts = (ctypes.c_int32 * 2)()
        self.library.pag_list(
            at(mask), ctypes.byref(geometry), at(outputs), at(inputs), at(numbers), counts
        )
        needed = None if scope == "conv" else inputs[: counts[1]]
        singles, tiles = outputs[: counts[0]], NO_TILES
        if self.tiles(block.conv2):
            singles, tiles = self._part(mask, geometry)
        return Listed(singles, tiles, needed, numbers)

    def run_active(
        self,
        block: ResidualBlock,
        a: Tensor | BlockInput,
        mask: Tensor,
        pixels: Listed,
        onto: Tensor | None = None,
    ) -> Tensor:
        """See `pag.sparse.run_active`; `pixels` are from `list_pixels`."""
        threads = torch.get_num_threads()
        source, opening = unopened(a)
        geometry = _geometry(mask, block, (source.shape[-2], source.shape[-1]))
        high = torch.inf if block.ceiling is None else block.ceiling
        weight, bias = block.conv2.weight, block.conv2.bias
        spatial = self._arranged.convolution(weight, bias, 0.0, high)
        tiled = None
        if len(pixels.tiles):
            tiled = self._arranged.convolution(weight, bias, 0.0, high, tiled=True)
        if pixels.inputs is None:
            reduced = block.reduce(opened(a)).contiguous(memory_format=torch.channels_last)
            skipped = reduced[:, :, :: block.stride, :: block.stride]
            mixed = skipped.clone(memory_format=torch.channels_last)
            self._spatial(spatial, geometry, reduced, pixels.outputs, mixed, (tiled, pixels.tiles))
            branch = block.expand(mixed)
            return branch if onto is None else onto.add_(branch)
        if onto is None:
            empty = source.new_zeros(mask.numel(), block.conv3.out_channels)
            onto = as_maps(empty, len(mask), (mask.shape[-2], mask.shape[-1]))
        else:
            onto = onto.contiguous(memory_format=torch.channels_last)
        rows = as_rows(source).contiguous()
        reduce = self._arranged.convolution(block.conv1.weight, block.conv1.bias, 0.0, high)
        reduced = rows.new_empty(len(pixels.inputs), block.width)
        self._pointwise(reduce, rows, pixels.inputs, reduced, False, opening)
        expand = self._arranged.convolution(block.conv3.weight, block.conv3.bias)
        zeros, room = torch.zeros(block.width), self._room(block.width, block.width)
        self.library.pag_finish(
            ctypes.byref(spatial), tiled and ctypes.byref(tiled), ctypes.byref(expand),
            ctypes.byref(geometry), at(reduced), at(pixels.numbers), at(zeros), at(pixels.tiles),
            len(pixels.tiles), at(pixels.outputs), len(pixels.outputs), at(room), at(onto),
            threads,
        )  # fmt: skip
        return onto

    def pool(self, module: MultiPool, x: Tensor) -> tuple[Tensor, Tensor]:
        """What `MultiPool.forward` gives."""
        choice = module.scores(x).argmax(1)
        batch, size = len(x), (x.shape[2], x.shape[3])
        reach = module.reaches[choice].flatten().to(torch.int32)
        rows = as_rows(x).contiguous()
        out = torch.empty_like(rows)
        points = torch.nonzero(reach == 0).squeeze(1).to(torch.int32)
        if module.groups > 1:  # few multiplications, for which there is no kernel
            for span, values in convolve_at(
                rows, points[:, None], module.point_weight, module.bias
            ):
                out.index_copy_(0, points[span].long(), values)
        elif len(points):
            point = self._arranged.convolution(module.point_weight, module.bias)
            self._pointwise(point, rows, points, out, True, None)
        field = self._arranged.convolution(module.weight, module.bias)
        fields = torch.nonzero(reach > 0).squeeze(1).to(torch.int32)
        if len(fields) and self._tileable(module.weight):
            fields = self._pool_tiles(module, field, rows, reach, size, out)
        if len(fields):
            geometry = Geometry(batch, *size, *size, 1, 1)
            fields = fields[off_the_map(fields, reach[fields], size).argsort(stable=True)]
            self._spatial(field, geometry, rows, fields, out, reach=reach[fields])
        return as_maps(out, batch, size), choice

    def _pool_tiles(
        self,
        module: MultiPool,
        by: Convolution,
        rows: Tensor,
        reach: Tensor,
        size: Size,
        out: Tensor,
    ) -> Tensor:
        """Each pooling field at its tiles; returns the positions of what is in none."""
        left = []
        tiled = self._arranged.convolution(module.weight, module.bias, tiled=True)
        for dilation in reach.unique().tolist():
            if dilation == 0:
                continue
            chosen = reach == dilation
            geometry = Geometry(len(rows) // (size[0] * size[1]), *size, *size, 1, dilation)
            singles, tiles = self._part(chosen, geometry)
            left.append(singles)
            self._spatial(by, geometry, rows, NO_PIXELS, out, (tiled, tiles))
        return torch.cat(left)

    def tiles(self, conv: nn.Module) -> TypeGuard[nn.Conv2d]:
        """Whether 2x2 pixels of a convolution are computed at once; see ``winograd.c``."""
        return (
            isinstance(conv, nn.Conv2d)
            and conv.kernel_size == (3, 3)
            and conv.stride == (1, 1)
            and conv.padding == conv.dilation
            and conv.groups == 1
            and self._tileable(conv.weight)
        )

    def convolution(self, conv: nn.Conv2d, x: Tensor, low: float = -torch.inf) -> Tensor:
        """A convolution that `tiles`, everywhere, with what is below `low` raised to it."""
        size = (x.shape[2], x.shape[3])
        geometry = Geometry(len(x), *size, *size, 1, conv.dilation[0])
        rows = as_rows(x).contiguous()
        everywhere = torch.ones(len(rows), dtype=torch.bool)
        singles, tiles = self._part(everywhere, geometry)
        out = rows.new_empty(len(rows), conv.out_channels)
        by = self._arranged.convolution(conv.weight, conv.bias, low)
        tiled = self._arranged.convolution(conv.weight, conv.bias, low, tiled=True)
        self._spatial(by, geometry, rows, singles, out, (tiled, tiles))
        return as_maps(out, len(x), size)

    def project(self, projection: nn.Conv2d, x: Tensor, opening: Window) -> Tensor:
        """A 1x1 convolution to one channel of what `opening` makes of (B, C, H, W) `x`."""
        rows, weight = as_rows(x).contiguous(), projection.weight.flatten().contiguous()
        clamp = Clamp(at(opening.low), at(opening.high))
        bias = 0.0 if projection.bias is None else projection.bias.item()
        out = x.new_empty(x.shape[0], 1, x.shape[2], x.shape[3])
        self.library.pag_project(
            at(rows), ctypes.byref(clamp), at(weight), bias, len(rows), x.shape[1], at(out),
            torch.get_num_threads(),
        )  # fmt: skip
        return out

    def pointwise(self, conv: nn.Conv2d, x: Tensor, opening: Window) -> Tensor:
        """A 1x1 convolution of what `opening` makes of (B, C, H, W) `x`, everywhere."""
        rows = as_rows(x).contiguous()
        made = self._arranged.convolution(conv.weight, conv.bias)
        everywhere = torch.arange(len(rows), dtype=torch.int32)
        out = rows.new_empty(len(rows), conv.out_channels)
        self._pointwise(made, rows, everywhere, out, False, opening)
        return as_maps(out, len(x), (x.shape[2], x.shape[3]))

    def keep_highest(self, cost: LayerCost, logits: Tensor, target: float) -> tuple[Tensor, float]:
        """See `pag.ranking.keep_highest`."""
        geometry = Geometry(
            1, *cost.output_size, *cost.input_size, cost.block_stride, cost.dilation
        )
        values = logits.detach().contiguous()
        mask = torch.empty(logits.shape, dtype=torch.bool)
        order = torch.empty(2 * mask.numel(), dtype=torch.int64)
        seen = torch.zeros(cost.input_size, dtype=torch.bool)
        spent = self.library.pag_keep(
            at(values), ctypes.byref(geometry), cost.per_output, cost.per_input, target,
            at(mask), at(order), at(seen),
        )  # fmt: skip
        return mask, spent

    def submanifold(
        self, weight: Tensor, dilation: int, rows: Tensor, mask: Tensor, numbers: Tensor
    ) -> Tensor:
        """A 3x3 convolution whose inputs and outputs are the active pixels, all others zero.

        Args:
            weight: (N, C, 3, 3).
            dilation: of the convolution.
            rows: (n, C), the features of the active pixels in order.
            mask: (B, h, w) bool, n of them active.
            numbers: (B, h, w) int32, each active pixel's row, -1 elsewhere.

        Returns:
            (n, N).
        """
        active = mask.flatten().nonzero().squeeze(1).to(torch.int32)
        size = (mask.shape[1], mask.shape[2])
        geometry = Geometry(len(mask), *size, *size, 1, dilation)
        out = rows.new_empty(len(rows), len(weight))
        made = self._arranged.convolution(weight, None)
        tiled, tiles = None, NO_TILES
        if self._tileable(weight):
            active, tiles = self._part(mask, geometry)
            tiled = self._arranged.convolution(weight, None, tiled=True)
        self._spatial(
            made, geometry, rows, active, out, (tiled, tiles), numbers=numbers, places=numbers
        )
        return out

    def _tileable(self, weight: Tensor) -> bool:
        """Whether tiles take a 3x3 convolution of stride 1, (N, C, 3, 3)."""
        channels = weight.shape[1]
        return channels >= LEAST_CHANNELS and channels % self._lanes == 0

    def _part(self, mask: Tensor, geometry: Geometry) -> tuple[Tensor, Tensor]:
        """The active pixels that are in no tile, and the tiles; see ``pag_part``."""
        mask = mask.contiguous()
        singles = torch.empty(mask.numel(), dtype=torch.int32)
        tiles = torch.empty(mask.numel() // 3 + 1, 2, dtype=torch.int32)
        counts = (ctypes.c_int32 * 2)()
        self.library.pag_part(at(mask), ctypes.byref(geometry), at(tiles), at(singles), counts)
        return singles[: counts[1]], tiles[: counts[0]]

    def _room(self, channels: int, outputs: int) -> Tensor:
        """What the threads compute in; see ``pag_room``."""
        return torch.empty(torch.get_num_threads(), self.library.pag_room(channels, outputs))

    def _spatial(
        self,
        by: Convolution,
        geometry: Geometry,
        source: Tensor,
        outputs: Tensor,
        out: Tensor,
        tiles: tuple[Convolution | None, Tensor] | None = None,
        *,
        numbers: Tensor | None = None,
        reach: Tensor | None = None,
        places: Tensor | None = None,
    ) -> None:
        """A 3x3 convolution at tiles and at listed pixels; see ``pag_spatial``."""
        tiled, listed = tiles or (None, NO_TILES)
        zeros, room = torch.zeros(by.channels), self._room(by.channels, by.outputs)
        self.library.pag_spatial(
            ctypes.byref(by), tiled and ctypes.byref(tiled), ctypes.byref(geometry), at(source),
            at(numbers), at(zeros), at(listed), len(listed), at(outputs), at(reach),
            len(outputs), at(places), at(room), at(out), torch.get_num_threads(),
        )  # fmt: skip

    def _pointwise(
        self,
        by: Convolution,
        rows: Tensor,
        positions: Tensor,
        out: Tensor,
        spread: bool,
        opening: Window | None,
    ) -> None:
        """A 1x1 convolution at listed pixels of what `opening` makes of (B*H*W, C) `rows`."""
        threads, room, clamp = torch.get_num_threads(), None, Clamp(None, None)
        if opening is not None:
            room = rows.new_empty(threads, self._chunk, rows.shape[1])
            clamp = Clamp(at(opening.low), at(opening.high))
        self.library.pag_pointwise(
            ctypes.byref(by), at(rows), at(positions), len(positions), ctypes.byref(clamp),
            at(room), at(out), spread, threads,
        )  # fmt: skip


def off_the_map(positions: Tensor, reach: Tensor, size: Size) -> Tensor:
    """A number for each set of sides over which a 3x3 reaches at a pixel.

    The kernels leave out what lies off the map for a whole group of pixels: those that reach
    over the same sides belong together.

    Args:
        positions: (n,), flat in (B, h, w).
        reach: (n,), each pixel's dilation.
        size: (h, w).

    Returns:
        (n,) uint8.
    """
    height, width = size
    line = positions // width
    x, y = positions - line * width, line % height
    sides = (x < reach, x >= width - reach, y < reach, y >= height - reach)
    return sum(side.to(torch.uint8) << bit for bit, side in enumerate(sides))  # type: ignore


def _geometry(mask: Tensor, block: ResidualBlock, input_size: Size) -> Geometry:
    return Geometry(
        mask.shape[0], mask.shape[-2], mask.shape[-1], *input_size, block.stride, block.dilation
    )
