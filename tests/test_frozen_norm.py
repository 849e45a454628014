"""A frozen BatchNorm's gradients are those of PyTorch, in the layout of its input."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pag.frozen_norm import FrozenNorm, normalised


def made() -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(6, eps=2e-5).eval()
    generator = torch.Generator().manual_seed(0)
    assert norm.running_mean is not None and norm.running_var is not None
    with torch.no_grad():
        for values in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            values.copy_(0.5 + torch.rand(6, generator=generator))
    return norm


def by_hand(norm: nn.BatchNorm2d, x: torch.Tensor) -> torch.Tensor:
    out = FrozenNorm.apply(x, norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.eps)
    assert isinstance(out, torch.Tensor)
    return out


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_are_pytorchs(dtype: torch.dtype) -> None:
    norm = made()
    generator = torch.Generator().manual_seed(1)
    x, direction = torch.randn(2, 2, 6, 5, 7, generator=generator).to(dtype)
    x = x.contiguous(memory_format=torch.channels_last)
    found = []
    for run in (norm, lambda values: by_hand(norm, values)):
        norm.zero_grad()
        values = x.clone().requires_grad_()
        out = F.relu_(run(values))
        (out * direction).float().sum().backward()
        assert values.grad is not None and norm.weight.grad is not None
        assert norm.bias.grad is not None
        assert values.grad.is_contiguous(memory_format=torch.channels_last)
        found.append((out, values.grad, norm.weight.grad.clone(), norm.bias.grad.clone()))
    loose = 0.02 if dtype == torch.bfloat16 else 1e-5
    for theirs, ours in zip(*found, strict=True):
        assert theirs.dtype == ours.dtype
        torch.testing.assert_close(ours, theirs, rtol=loose, atol=loose)


@pytest.mark.parametrize("training", [False, True])
def test_only_a_frozen_norm_takes_these_gradients(
    training: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a device that is no CPU and has no values, so that any machine has it."""
    norm, x = made().train(training).to("meta"), torch.empty(2, 6, 5, 7, device="meta")
    out = normalised(norm, x)
    assert out.grad_fn is not None and out.shape == x.shape
    assert (out.grad_fn.name() == "FrozenNormBackward") is not training
    monkeypatch.delattr(FrozenNorm, "forward")  # nobody asks for it without a gradient
    with torch.no_grad():
        assert normalised(norm, x).shape == x.shape


def test_a_cpu_is_left_to_pytorch() -> None:
    out = normalised(made(), torch.randn(2, 6, 5, 7))
    assert out.grad_fn is not None and out.grad_fn.name() != "FrozenNormBackward"


def test_a_norm_that_learns_its_statistics_is_left_alone() -> None:
    norm = made().train()
    assert norm.running_mean is not None
    before = norm.running_mean.clone()
    out = normalised(norm, torch.randn(2, 6, 5, 7))
    assert out.mean().item() == pytest.approx(norm.bias.mean().item(), abs=1e-4)
    assert not torch.equal(norm.running_mean, before)
