"""Folding BatchNorms into the convolutions before them, for inference."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fused_sequence(sequence: nn.Sequential) -> nn.Sequential:
    """The same sequence, in evaluation mode, with every BatchNorm folded away."""
    modules: list[nn.Module] = []
    for module in sequence:
        if isinstance(module, nn.BatchNorm2d):
            previous = modules.pop()
            assert isinstance(previous, nn.Conv2d)
            module = fuse_conv_bn_eval(previous, module)
        modules.append(module)
    return nn.Sequential(*modules)
