"""Convolutions, gated blocks and MultiPool as launches of the kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pag.backbones import BlockInput, ResidualBlock, opened, unopened
from pag.cuda import interpreted, kernels
from pag.cuda.kernels import LIST_BLOCK
from pag.fusion import Window
from pag.macs import Size, halved
from pag.multipool import MultiPool
from pag.sparse import as_maps, as_rows

TIMED_FROM = 4096
"""Pixels of a map from which on block sizes are timed: 64 x 64."""

# `kernel[grid](...)` is Triton's syntax, of which a type checker without Triton knows nothing.
list_active: Any = kernels.list_active
convolve: Any = kernels.convolve


@dataclass(frozen=True)
class Listed:
    """Pixels of a map that are to be computed; how many they are is known on the GPU alone.

    Attributes:
        positions: (P,) int32, room for every pixel; flat positions in (B, h, w).
        count: (1,) int32, how many of them are listed.
        size: (h, w).
    """

    positions: Tensor
    count: Tensor
    size: Size

    @property
    def room(self) -> int:
        """How many they are at the most."""
        return len(self.positions)


@dataclass(frozen=True)
class Whole:
    """All pixels of maps: nobody has to list them.

    Attributes:
        batch: B, of the maps.
        size: (h, w).
    """

    batch: int
    size: Size

    @property
    def room(self) -> int:
        """How many they are."""
        return self.batch * self.size[0] * self.size[1]


def active(mask: Tensor) -> Listed:
    """The active pixels of a (B, ..., h, w) bool mask."""
    return _listed(mask, (mask.shape[-2], mask.shape[-1]), None)


def needed(mask: Tensor, stride: int, dilation: int, input_size: Size) -> Listed:
    """The pixels, of (H, W) = `input_size`, that a 3x3 convolution reads at active ones."""
    return _listed(mask, input_size, (stride, dilation))


def _listed(mask: Tensor, size: Size, convolution: tuple[int, int] | None) -> Listed:
    height, width = size
    total = mask.shape[0] * height * width
    positions = torch.empty(total, dtype=torch.int32, device=mask.device)
    count = torch.zeros(1, dtype=torch.int32, device=mask.device)
    stride, dilation = convolution or (1, 0)
    list_active[(-(-total // LIST_BLOCK),)](
        mask.contiguous().view(torch.uint8),
        positions,
        count,
        total,
        height,
        width,
        mask.shape[-2],
        mask.shape[-1],
        stride,
        dilation,
        halo=convolution is not None,
        block=LIST_BLOCK,
    )
    return Listed(positions, count, size)


@dataclass(frozen=True)
class Convolution:
    """A convolution of 1x1 or 3x3 and what follows it.

    Attributes:
        weight: (N, C, k, k).
        bias: (N,) or None.
        stride: of either.
        dilation: of a 3x3, padded by as much.
        activation: whether a ReLU follows, with `ceiling` unless that is None.
        window: what a 1x1 does to the source as it reads it.
    """

    weight: Tensor
    bias: Tensor | None
    stride: int = 1
    dilation: int = 1
    activation: bool = False
    ceiling: float | None = None
    window: Window | None = None

    def run(
        self,
        source: Tensor,
        source_size: Size,
        out: Tensor,
        at: Listed | Whole,
        add: bool = False,
        reach: Tensor | None = None,
    ) -> None:
        """Compute rows of `out`.

        Args:
            source: (B*H*W, C), a row per pixel.
            source_size: (H, W).
            out: (B*h*w, N), written in place.
            at: at which of its pixels.
            add: to what they hold.
            reach: (B*h*w,) integers, each output pixel's own dilation.
        """
        # In channels-last layout this is a view.
        kernel = self.weight.permute(0, 2, 3, 1).flatten(1).contiguous()
        outputs, channels = self.weight.shape[0], self.weight.shape[1]
        listed = at if isinstance(at, Listed) else None

        def grid(meta: dict[str, int]) -> tuple[int]:
            rows = -(-at.room // meta["block_rows"])
            return (rows * -(-outputs // meta["block_columns"]),)

        convolve[grid](
            source,
            kernel,
            self.bias,
            None if self.window is None else self.window.low,
            None if self.window is None else self.window.high,
            out,
            None if listed is None else listed.positions,
            None if listed is None else listed.count,
            reach,
            len(out),
            *at.size,
            *source_size,
            self.stride,
            self.dilation,
            channels,
            outputs,
            taps=self.weight.shape[2] * self.weight.shape[3],
            every=listed is None,
            activation=self.activation,
            ceiling=self.ceiling,
            add=add,
            precision=precision(),
            widen=interpreted(),
            tuned=int(at.room >= TIMED_FROM),
        )


def precision() -> str:
    """``tf32`` or ``ieee``: how dense convolutions multiply in float32."""
    # Newer versions refuse the older name where a program uses the newer one, `conv`.
    conv = getattr(torch.backends.cudnn, "conv", None)
    if conv is None:
        return "tf32" if torch.backends.cudnn.allow_tf32 else "ieee"
    return "tf32" if conv.fp32_precision == "tf32" else "ieee"


@torch.no_grad()
def run_active(
    block: ResidualBlock,
    a: Tensor | BlockInput,
    mask: Tensor,
    scope: str,
    onto: Tensor | None = None,
) -> Tensor:
    """The residual branch of a fused block at the active pixels.

    Args:
        block: the gated block; its 3x3 is not depthwise.
        a: (B, C, H, W), its gate's input, as it is or still to be opened, which the first
            convolution then does as it reads.
        mask: (B, 1, h, w) bool.
        scope: ``block`` or ``conv``; see `PAGConfig.gate_scope`.
        onto: (B, C', h, w), what the branch is added to, in place; in scope ``block`` alone
            are pixels that are not active left unread.

    Returns:
        (B, C', h, w), `onto` if given, in channels-last layout.
    """
    x, _ = unopened(a)
    input_size, outputs = (x.shape[2], x.shape[3]), active(mask)
    if scope == "block":
        inputs = needed(mask, block.stride, block.dilation, input_size)
        return _branch(block, a, inputs, outputs, onto)
    reduced = block.reduce(opened(a))
    skipped = reduced[:, :, :: block.stride, :: block.stride]
    mixed = skipped.clone(memory_format=torch.channels_last)
    _spatial(block).run(as_rows(reduced).contiguous(), input_size, as_rows(mixed), outputs)
    branch = block.expand(mixed)
    return branch if onto is None else onto.add_(branch)


@torch.no_grad()
def run_everywhere(
    block: ResidualBlock, a: Tensor | BlockInput, onto: Tensor | None = None
) -> Tensor:
    """`run_active` under a mask that is full, in either scope, without listing pixels."""
    x, _ = unopened(a)
    size = (x.shape[2], x.shape[3])
    outputs = Whole(len(x), size if block.stride == 1 else halved(size))
    return _branch(block, a, Whole(len(x), size), outputs, onto)


def _spatial(block: ResidualBlock) -> Convolution:
    """A block's 3x3 and its activation."""
    return Convolution(
        block.conv2.weight, block.conv2.bias, block.stride, block.dilation, True, block.ceiling
    )


def _branch(
    block: ResidualBlock,
    a: Tensor | BlockInput,
    inputs: Listed | Whole,
    outputs: Listed | Whole,
    onto: Tensor | None,
) -> Tensor:
    """The residual branch at `outputs`, whose 3x3 reads `inputs`."""
    x, window = unopened(a)
    reduce = Convolution(
        block.conv1.weight,
        block.conv1.bias,
        activation=True,
        ceiling=block.ceiling,
        window=window,
    )
    reduced = x.new_empty(inputs.room, block.width)
    reduce.run(as_rows(x).contiguous(), inputs.size, reduced, inputs)
    inside = x.new_empty(outputs.room, block.width)
    _spatial(block).run(reduced, inputs.size, inside, outputs)
    if onto is None:
        onto = as_maps(x.new_zeros(len(inside), block.conv3.out_channels), len(x), outputs.size)
    else:
        onto = onto.contiguous(memory_format=torch.channels_last)
    expand = Convolution(block.conv3.weight, block.conv3.bias)
    expand.run(inside, outputs.size, as_rows(onto), outputs, add=True)
    return onto


@torch.no_grad()
def convolution(
    conv: nn.Conv2d, x: Tensor, relu: bool = False, window: Window | None = None
) -> Tensor:
    """A convolution that `pag.cuda.convolves`, at every pixel, with its bias in the same pass.

    Args:
        conv: of C channels to N, with stride s.
        x: (B, C, H, W).
        relu: whether a ReLU follows.
        window: what is left to do to `x`, if `conv` is a 1x1.

    Returns:
        (B, N, ceil(H / s), ceil(W / s)), in channels-last layout.
    """
    assert window is None or conv.kernel_size == (1, 1), "a 3x3 is padded with zeros"
    stride, size = conv.stride[0], (x.shape[2], x.shape[3])
    at = Whole(len(x), (-(-size[0] // stride), -(-size[1] // stride)))
    out = x.new_empty(at.room, conv.out_channels)
    by = Convolution(conv.weight, conv.bias, stride, conv.dilation[0], relu, window=window)
    by.run(as_rows(x).contiguous(), size, out, at)
    return as_maps(out, len(x), at.size)


@torch.no_grad()
def pool(module: MultiPool, x: Tensor) -> tuple[Tensor, Tensor]:
    """What `MultiPool.forward` gives; the MultiPool is not depthwise."""
    choice = module.scores(x).argmax(1)
    batch, size = x.shape[0], (x.shape[2], x.shape[3])
    reach = module.reaches[choice]
    rows = as_rows(x).contiguous()
    out = torch.empty_like(rows)
    if 0 in module.dilations:
        point = Convolution(module.point_weight, module.bias)
        point.run(rows, size, out, active(reach == 0))
    if max(module.dilations) > 0:
        field = Convolution(module.weight, module.bias)
        field.run(rows, size, out, active(reach > 0), reach=reach)
    return as_maps(out, batch, size), choice
