"""MultiPool: every pixel chooses the size of its own pooling field."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pag.device import sent
from pag.fusion import affine, fused_sequence
from pag.sparse import as_maps, as_rows, convolve_at, neighbours


class MultiPool(nn.Module):
    """A 3x3 convolution whose dilation is chosen per pixel.

    One kernel is shared by all positive dilations, so that a choice changes the scale at
    which the pattern is looked for and not the pattern; dilation 0 has a 1x1 kernel of its
    own. A small head scores the dilations.

    Source: Kong and Fowlkes, WACV 2019, section 3.3 (perspective-aware pooling).

    Args:
        channels: channels in and out.
        dilations: pooling fields offered; 0 is the 1x1 path.
        depthwise: every channel has a kernel of its own and sees no other channel.
        hidden: channels inside the head that scores the dilations.
    """

    def __init__(
        self,
        channels: int,
        dilations: tuple[int, ...],
        depthwise: bool = False,
        hidden: tuple[int, int] = (128, 32),
    ) -> None:
        super().__init__()
        self.channels = channels
        self.dilations = dilations
        self.groups = channels if depthwise else 1
        inputs = channels // self.groups
        wide, narrow = hidden
        self.weight = nn.Parameter(torch.empty(channels, inputs, 3, 3))
        self.point_weight = nn.Parameter(torch.empty(channels, inputs, 1, 1))
        self.bias: nn.Parameter | None = None  # appears when a BatchNorm is folded in
        self.reaches: Tensor  # the dilations where the network is, for indexing
        self.register_buffer("reaches", torch.tensor(dilations), persistent=False)
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        nn.init.kaiming_normal_(self.point_weight, nonlinearity="relu")
        self.selector = nn.Sequential(
            nn.Conv2d(channels, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU(),
            nn.Conv2d(wide, narrow, 3, padding=1, bias=False), nn.BatchNorm2d(narrow), nn.ReLU(),
            nn.Conv2d(narrow, len(dilations), 1),
        )  # fmt: skip

    def scores(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, len(dilations), H, W) float32 scores of the pooling fields."""
        return self.selector(x).float()

    def branch(self, x: Tensor, dilation: int) -> Tensor:
        """The convolution at one dilation, everywhere: (B, C, H, W) -> (B, C, H, W)."""
        if dilation == 0:
            return F.conv2d(x, self.point_weight, self.bias, groups=self.groups)
        return F.conv2d(
            x, self.weight, self.bias, padding=dilation, dilation=dilation, groups=self.groups
        )

    def mix(
        self, x: Tensor, temperature: float, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Training form: a hard Gumbel-softmax choice with a straight-through gradient.

        Returns:
            The output (B, C, H, W), the index chosen (B, H, W) int64, and the `scores`.
        """
        scores = self.scores(x)
        uniform = sent(torch.rand(scores.shape, generator=generator), scores.device)
        noise = -torch.log(-torch.log(uniform.clamp_(1e-6, 1 - 1e-6)))
        soft = torch.softmax((scores + noise) / temperature, dim=1)
        choice = soft.argmax(1, keepdim=True)
        hard = torch.zeros_like(soft).scatter_(1, choice, 1.0)
        weights = (hard + soft - soft.detach()).to(x.dtype)
        out = None
        for index, dilation in enumerate(self.dilations):
            term = self.branch(x, dilation) * weights[:, index : index + 1]
            out = term if out is None else out + term
        assert out is not None
        return out, choice.squeeze(1), scores

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Test form: argmax choice; each pixel computes only the branch that it chose.

        The dilations share their kernel, so all pixels of a 3x3 branch become one product
        whose rows are gathered with each pixel's own offsets.

        Returns:
            The output (B, C, H, W) and the index chosen (B, H, W) int64.
        """
        choice = self.scores(x).argmax(1)
        batch, channels, height, width = x.shape
        reach = self.reaches[choice].flatten()
        # The last row is what pixels off the map read.
        rows = torch.cat([as_rows(x), x.new_zeros(1, channels)])
        out = torch.empty_like(rows[:-1])
        points = torch.nonzero(reach == 0).squeeze(1)
        for span, values in convolve_at(rows, points[:, None], self.point_weight, self.bias):
            out.index_copy_(0, points[span], values)
        fields = torch.nonzero(reach > 0).squeeze(1)
        numbers = torch.arange(len(out), device=x.device).view(batch, height, width)
        read = neighbours(
            fields, (height, width), numbers, len(out), 1, reach[fields, None], max(self.dilations)
        )
        for span, values in convolve_at(rows, read, self.weight, self.bias):
            out.index_copy_(0, fields[span], values)
        return as_maps(out, batch, (height, width)), choice

    def fold(self, norm: nn.BatchNorm2d) -> None:
        """Fold a following BatchNorm into both kernels, and the head's into its own, in place."""
        assert self.bias is None
        with torch.no_grad():
            scale, shift = affine(norm)
            self.weight.mul_(scale.view(-1, 1, 1, 1))
            self.point_weight.mul_(scale.view(-1, 1, 1, 1))
            self.bias = nn.Parameter(shift)
        self.selector = fused_sequence(self.selector)
