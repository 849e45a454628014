"""A BatchNorm with frozen statistics in training, whose gradient keeps its layout."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FrozenNorm(torch.autograd.Function):
    """What a BatchNorm in evaluation mode gives, and its gradients.

    In a profile of training on a GPU, each convolution before such a norm copied its gradient
    first, and sums of gradients were slow, as they are where one of them lies in planes. This
    gradient has the layout of the map.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor, eps: float
    ) -> Tensor:
        """(B, C, H, W) -> the same; (C,) float32 of the norm."""
        ctx.save_for_backward(x, weight, mean, var)
        ctx.eps = eps
        return F.batch_norm(x, mean, var, weight, bias, training=False, momentum=0.0, eps=eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        x, weight, mean, var = ctx.saved_tensors
        inverse = torch.rsqrt(var + ctx.eps)
        _, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, x, weight, mean, var, mean, inverse, False, ctx.eps, [False, True, True]
        )
        scale = weight * inverse
        of_x = gradient * scale.to(gradient.dtype).view(1, -1, 1, 1)
        return of_x, of_weight, of_bias, None, None, None


def normalised(norm: nn.Module, x: Tensor) -> Tensor:
    """norm(x) of (B, C, H, W)."""
    frozen = isinstance(norm, nn.BatchNorm2d) and not norm.training
    if not frozen or x.device.type == "cpu" or not torch.is_grad_enabled():
        return norm(x)
    return FrozenNorm.apply(  # type: ignore[no-any-return]
        x, norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.eps
    )
