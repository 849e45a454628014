"""PAGNet: backbone, gates, MultiPool, decoder and heads in one forward pass."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from pag.backbones import BlockInput, ResidualBlock, build_backbone
from pag.budget import GatePolicy, OpenPolicy, numbers_on
from pag.config import PAGConfig
from pag.execution import DenseExecution, Execution
from pag.gate import PixelGate
from pag.heads import (
    DETAIL_CHANNELS,
    BoundaryHead,
    Decoder,
    build_heads,
    far_sky,
    finish,
    zoom_of,
)
from pag.inference import TASKS
from pag.macs import LayerCost, NetworkCost, Size, network_cost
from pag.multipool import MultiPool
from pag.upsampling import GUIDED_TASKS, GuidedUpsampling

SKY = "sky"
MOST_COSTS = 256
"""Image sizes whose cost a network remembers."""


@dataclass(frozen=True)
class GateTrace:
    """One gate's decision in a forward pass over B images.

    Attributes:
        cost: the layer's name and closed-form cost.
        logits: (B, 1, h, w) float32.
        mask: (B, 1, h, w), bool or (training) float 0/1 with gradient.
    """

    cost: LayerCost
    logits: Tensor
    mask: Tensor

    @cached_property
    def executed(self) -> Tensor:
        """(B,) float64 switched multiply-adds; counted when somebody asks."""
        return self.cost.executed(self.mask)


@dataclass(frozen=True)
class Trace:
    """What happened in a forward pass over B images.

    Attributes:
        cost: closed-form cost at this image size.
        gates: one entry per gated layer, in network order.
        dilation: (B, h, w) int64, index of the pooling field chosen.
        dilation_stride: image pixels per pixel of `dilation`.
        pool_saved: (B,) float64 multiply-adds that MultiPool's 1x1 path saved.
        pool_scores: (B, dilations, h, w) float32 with gradient, where choices were drawn.
    """

    cost: NetworkCost
    gates: tuple[GateTrace, ...]
    dilation: Tensor
    dilation_stride: int
    pool_saved: Tensor
    pool_scores: Tensor | None = None

    @property
    def gated_executed(self) -> Tensor:
        """(B,) float64 multiply-adds executed by the gated layers, with gradient."""
        return torch.stack([gate.executed for gate in self.gates]).sum(0)

    @property
    def macs_executed(self) -> Tensor:
        """(B,) float64 multiply-adds executed by the whole network."""
        return self.cost.fixed - self.pool_saved + self.gated_executed

    @property
    def macs_dense(self) -> Tensor:
        """(B,) float64 multiply-adds of the same pass with every gate open."""
        return self.cost.dense - self.pool_saved


@dataclass(frozen=True)
class Sampling:
    """How training draws hard choices: temperature and source of noise for MultiPool."""

    temperature: float
    generator: torch.Generator


class PAGNet(nn.Module):
    """A network that decides, per pixel and per layer, whether to compute.

    Source: Kong and Fowlkes, "Pixel-wise Attentional Gating for Scene Parsing", WACV 2019.

    Example:
        >>> net = PAGNet(PAGConfig()).eval()
        >>> outputs, trace = net(torch.rand(1, 3, 64, 96), torch.tensor([1.0]))
    """

    def __init__(self, config: PAGConfig) -> None:
        super().__init__()
        self.config = config
        self._costs: dict[tuple[Size, tuple[str, ...]], NetworkCost] = {}
        self.backbone = build_backbone(config)
        self.gates = nn.ModuleDict(
            {
                name: PixelGate(block.conv1.in_channels, block.stride, config.gate_smoothing)
                for name, block in self.backbone.blocks
                if block.gated
            }
        )
        self.decoder = Decoder(
            self.backbone.decoder_channels, config.decoder_channels, config.separable
        )
        self.heads = build_heads(config, self.backbone.stem_conv.out_channels)
        self.upsampling = (
            GuidedUpsampling(config.decoder_channels[1], DETAIL_CHANNELS) if config.guided else None
        )

    def cost(self, size: Size, tasks: tuple[str, ...] = TASKS) -> NetworkCost:
        """`pag.macs.network_cost` of this network, counted once for each size."""
        cost = self._costs.get((size, tasks))
        if cost is None:
            if len(self._costs) >= MOST_COSTS:
                self._costs.clear()
            cost = self._costs[size, tasks] = network_cost(self, size, tasks)
        return cost

    def forward(
        self,
        image: Tensor,
        budget: Tensor,
        policy: GatePolicy | None = None,
        tasks: tuple[str, ...] = TASKS,
        execution: Execution | None = None,
        sampling: Sampling | None = None,
        every: int = 1,
        finished: bool = True,
    ) -> tuple[dict[str, Tensor], Trace]:
        """Run the network.

        Args:
            image: (B, 3, H, W) float RGB in 0..1.
            budget: (B,) float, executed / dense multiply-adds, one per image. On the CPU it is
                best for an image on a GPU, too: a policy looks at it.
            policy: decides the gates; every gate open when None.
            tasks: heads to run; the others cost nothing.
            execution: how gated blocks run; masked dense when None.
            sampling: given in training, MultiPool draws its choices.
            every: outputs but boundaries have one value for each square of so many pixels.
            finished: whether `pag.heads.finish` is applied to what the heads give.

        Returns:
            Outputs by task (`pag.heads.finish` gives shapes and units) and the trace. In use,
            segmentation beside depth puts the sky far away (`pag.heads.far_sky`).
        """
        policy = policy or OpenPolicy()
        execution = execution or DenseExecution()
        size = (image.shape[-2], image.shape[-1])
        cost = self.cost(size, tasks)
        decisions = policy.begin(cost, budget)
        if decisions.all_open:
            execution = execution.where_open
        if budget.device != image.device:
            budget = numbers_on(image.device, tuple(map(float, budget)))
        gates: list[GateTrace] = []
        inputs: dict[str, Tensor | BlockInput] = {}
        choice = saved = scores = None
        detail, x = self.backbone.stem(image)
        for name, block in self.backbone.blocks:
            a = BlockInput(block, x)
            if name in self.backbone.decoder_blocks:
                inputs[name] = a
            if block.pools:
                residual, choice, scores = self._pool(block, a.opened, execution, sampling)
                saved = self._pool_saved(choice, cost)
                decisions.note_pool(saved)
            elif not block.gated:
                residual = block.branch(a.opened)
            else:
                logits = self.gates[name](a, budget)
                mask = decisions.decide(len(gates), logits)
                gates.append(GateTrace(cost.layers[len(gates)], logits, mask))
                shortcut = block.shortcut(a)
                assert shortcut is not None, "a block without a shortcut has no gate"
                x = execution.residual(block, a, mask, self.config.gate_scope, shortcut)
                if name in inputs and a.is_opened:
                    inputs[name] = a.opened  # and no longer what it was made of
                continue
            shortcut = block.shortcut(a)
            x = residual if shortcut is None else residual.add_(shortcut)
        assert choice is not None and saved is not None
        fine, middle = (inputs[name] for name in self.backbone.decoder_blocks)
        features = self.decoder(fine, middle, self.backbone.finish(x))
        outputs = self._outputs(features, detail, tasks, zoom_of(*size))
        if finished:
            outputs = {t: finish(t, o, output_size(size, t, every)) for t, o in outputs.items()}
        # MultiPool is in the last stage.
        return outputs, Trace(cost, tuple(gates), choice, self.config.output_stride, saved, scores)

    def _outputs(
        self, features: Tensor, detail: Tensor, tasks: tuple[str, ...], zoom: float
    ) -> dict[str, Tensor]:
        """What the heads give, by task; none of them run for nothing.

        `zoom` is that of the image; see `pag.heads.zoom_of`.
        """
        upsampling = self.upsampling
        guided = [t for t in GUIDED_TASKS if t in tasks] if upsampling is not None else []
        seen = {t: features for t in TASKS if t in tasks}
        if guided or "boundary" in tasks:
            boundary = self.heads["boundary"]
            assert isinstance(boundary, BoundaryHead)
            outlines = boundary.outlines(features, detail)
        if "boundary" in tasks:
            seen["boundary"] = outlines
        outputs = {task: self.heads[task](x) for task, x in seen.items()}
        if upsampling is not None and guided:
            maps = [outputs[task] for task in guided]
            finer = upsampling(features, outlines, torch.cat(maps, 1))
            parts = finer.split([m.shape[1] for m in maps], 1)
            outputs |= dict(zip(guided, parts, strict=True))
        if not self.training and {"depth", "segmentation"} <= set(outputs) and self.sky is not None:
            outputs["depth"] = far_sky(outputs["depth"], outputs["segmentation"], self.sky, zoom)
        return outputs

    @property
    def sky(self) -> int | None:
        """Id of the class sky, if the network knows it."""
        return self.config.classes.index(SKY) if SKY in self.config.classes else None

    def _pool(
        self, block: ResidualBlock, a: Tensor, execution: Execution, sampling: Sampling | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        pool = block.conv2
        assert isinstance(pool, MultiPool)
        r = block.reduce(a)
        scores = None
        if sampling is None:
            pooled, choice = execution.pool(pool, r)
        else:
            pooled, choice, scores = pool.mix(r, sampling.temperature, sampling.generator)
        return block.expand(block.settle(pooled)), choice, scores

    def _pool_saved(self, choice: Tensor, cost: NetworkCost) -> Tensor:
        if 0 not in self.config.dilations:
            return torch.zeros(len(choice), dtype=torch.float64, device=choice.device)
        points = choice == self.config.dilations.index(0)
        return points.sum((1, 2), dtype=torch.float64) * cost.pool_saving


def output_size(size: Size, task: str, every: int) -> Size:
    """Height and width of a task's output for an image of (H, W) = `size`."""
    if task == "boundary":
        return size
    return -(-size[0] // every), -(-size[1] // every)


def fuse_batchnorm(net: PAGNet) -> PAGNet:
    """Fold every BatchNorm into what is beside it, in place, for inference.

    Of those that open a pre-activation block `pag.fusion.Window` is left. Executing only active
    pixels (`pag.sparse`) needs this form.

    Returns:
        The same network, in evaluation mode.
    """
    net.eval()
    upsampling = [] if net.upsampling is None else [net.upsampling]
    for part in (net.decoder, *net.heads.values(), *upsampling):
        part.fold()  # type: ignore[operator]
    readers: dict[str, list[nn.Conv2d]] = {}
    for name, gate in net.gates.items():
        assert isinstance(gate, PixelGate)
        readers[name] = [gate.project]
    joined = (net.decoder.from_fine, net.decoder.from_middle)
    for name, conv in zip(net.backbone.decoder_blocks, joined, strict=True):
        readers.setdefault(name, []).append(conv)
    net.backbone.fuse(readers, [net.decoder.from_coarse])
    return net
