"""The pixel-wise attentional gate: should this layer compute at this pixel?"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pag import cpu, cuda
from pag.backbones import BlockInput, unopened
from pag.device import sent
from pag.sparse import as_rows

BUDGET_CLAMP = 0.02
"""Budgets are clamped to [0.02, 0.98] inside the gate, where their log-odds stay moderate."""


class Projection(nn.Conv2d):
    """A 1x1 convolution to one channel: (B, C, H, W) -> (B, 1, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, 1, kernel_size=1)

    def forward(self, input: Tensor) -> Tensor:
        if torch.is_grad_enabled() and input.device.type == "cpu":
            return super().forward(input)
        # A matrix times a vector reads its input once, in half of the time.
        batch, _, height, width = input.shape
        logits = F.linear(as_rows(input), self.weight.flatten(1), self.bias)
        return logits.view(batch, 1, height, width)


class PixelGate(nn.Module):
    """One logit per pixel from a 1x1 convolution, plus a term that rises with the budget.

        logit(p) = w . a(p) + b + softplus(s) * log(budget / (1 - budget))

    The original release predicts two logits and takes a softmax; the sigmoid of their
    difference is this gate. Because the budget enters as one number per image, it moves all
    of a layer's logits together and never changes their order.

    Source: Kong and Fowlkes, "Pixel-wise Attentional Gating for Scene Parsing", WACV 2019,
    section 3.2; the budget term is ours.

    Args:
        channels: channels of the block's input, as its first convolution sees it.
        stride: stride of the block, so that there is one logit per output pixel.
        smoothing: how often the logits are averaged over 3x3 pixels. Compact masks waste less
            on the halo that a 3x3 convolution needs around every active pixel.
    """

    def __init__(self, channels: int, stride: int = 1, smoothing: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.smoothing = smoothing
        self.project = Projection(channels)
        self.budget_scale = nn.Parameter(torch.tensor(0.5413))  # softplus(0.5413) = 1
        nn.init.normal_(self.project.weight, std=0.1 / channels**0.5)
        nn.init.zeros_(self.project.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor | BlockInput, budget: Tensor) -> Tensor:
        """Logits of the gate.

        Args:
            features: (B, C, H, W), that input, as it is or still to be opened.
            budget: (B,) float32 in 0..1.

        Returns:
            (B, 1, ceil(H / stride), ceil(W / stride)) float32.
        """
        logits = self._projected(features)
        for _ in range(self.smoothing):
            logits = F.avg_pool2d(logits, 3, stride=1, padding=1, count_include_pad=False)
        odds = torch.logit(budget.float().clamp(BUDGET_CLAMP, 1 - BUDGET_CLAMP))
        shift = F.softplus(self.budget_scale.float()) * odds
        return logits + shift.view(-1, 1, 1, 1)

    def _projected(self, features: Tensor | BlockInput) -> Tensor:
        x, window = unopened(features)
        if window is not None and self.stride == 1 and not torch.is_grad_enabled():
            kernels = cpu.kernels_for(x)
            if kernels is not None:
                return kernels.project(self.project, x, window)
            if cuda.serves(x):
                return cuda.project(self.project, x, window)
        if isinstance(features, BlockInput):
            values = features.opened_at_outputs
        else:
            values = features[:, :, :: self.stride, :: self.stride]
        return self.project(values).float()


def binary_gumbel(
    logits: Tensor, temperature: float, generator: torch.Generator, cell: int = 1
) -> Tensor:
    """Hard 0/1 sample of a binary gate with a straight-through gradient.

    Adds logistic noise (the difference of two Gumbel variables), squashes with the given
    temperature, and rounds; the gradient is that of the soft value.

    Source: Jang et al., "Categorical reparameterization with Gumbel-softmax", ICLR 2017.

    Args:
        logits: (..., h, w) float32.
        temperature: positive; lower is closer to a hard decision.
        generator: source of the noise, on the CPU so that every device draws the same.
        cell: side of the squares of pixels that share one noise value. Masks of independent
            pixels have halos that cover nearly everything; shared noise keeps the cost of a
            sampled mask near that of the compact masks which the logits' order gives later.

    Returns:
        Same shape; values exactly 0 or 1.
    """
    noise = logistic_noise(logits.shape, generator, logits.device, cell)
    soft = torch.sigmoid((logits + noise) / temperature)
    hard = (soft > 0.5).to(soft.dtype)
    # In this order the sum is exactly 0 or 1, which hard + soft - soft is not.
    return soft + (hard - soft).detach()


def logistic_noise(
    shape: Sequence[int], generator: torch.Generator, device: torch.device, cell: int = 1
) -> Tensor:
    """Logistic noise of shape (..., h, w), one value for each square of `cell` pixels.

    Drawn on the generator's CPU, and sent before it is spread out.
    """
    *batch, height, width = shape
    coarse = (*batch, -(-height // cell), -(-width // cell))
    uniform = sent(torch.rand(coarse, generator=generator), device)
    noise = torch.logit(uniform.clamp_(1e-6, 1 - 1e-6))
    noise = noise.repeat_interleave(cell, -2).repeat_interleave(cell, -1)
    return noise[..., :height, :width]
