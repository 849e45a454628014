"""Folding BatchNorms into convolutions for one training pass changes nothing but the time."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pag.fusion import ConvNormReLU, convolve_normed, fold_opening, fused_sequence, normed_relu


def layers(seed: int = 0) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    torch.manual_seed(seed)
    conv = nn.Conv2d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2, bias=False)
    norm = nn.BatchNorm2d(6)
    with torch.no_grad():
        for vector in (norm.weight, norm.running_var):
            assert vector is not None
            vector.uniform_(0.5, 2)
        for vector in (norm.bias, norm.running_mean):
            assert vector is not None
            vector.normal_()
    return conv, norm


def gradients(output: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
    loss = (output * torch.linspace(-1, 1, output.numel()).view_as(output)).sum()
    return torch.autograd.grad(loss, tensors)


def test_a_frozen_norm_is_folded_with_the_same_values_and_gradients() -> None:
    conv, norm = layers()
    norm.eval()
    x = torch.rand(2, 4, 9, 8, requires_grad=True)
    parameters = (x, conv.weight, norm.weight, norm.bias)
    apart, folded = norm(conv(x)), convolve_normed(conv, norm, x)
    assert folded.grad_fn is not None and "Convolution" in folded.grad_fn.name()
    assert torch.allclose(folded, apart, atol=1e-5)
    for ours, theirs in zip(
        gradients(folded, *parameters), gradients(apart, *parameters), strict=True
    ):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_elsewhere_both_run_as_they_are(training: bool) -> None:
    """A norm that still learns its statistics, and every pass without gradients."""
    conv, norm = layers()
    norm.train(training)
    x = torch.rand(2, 4, 9, 8)
    with torch.set_grad_enabled(training):
        ran = convolve_normed(conv, norm, x)
    _, again = layers()
    again.train(training)
    assert torch.equal(ran, again(conv(x)))
    assert torch.equal(norm.state_dict()["running_mean"], again.state_dict()["running_mean"])
    assert torch.equal(convolve_normed(conv, nn.Identity(), x), conv(x))


@pytest.mark.parametrize("separable", [False, True])
@torch.inference_mode()
def test_a_sequence_gives_the_same_when_fused_for_good(separable: bool) -> None:
    torch.manual_seed(0)
    sequence = ConvNormReLU(3, 5, 3, separable)
    sequence[-2].running_mean.normal_()  # type: ignore[union-attr]
    sequence.eval()
    x = torch.rand(1, 3, 7, 6)
    fused = fused_sequence(sequence)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fused)
    assert torch.allclose(fused(x), sequence(x), atol=1e-5)


def test_an_opening_norm_and_its_relu_are_folded_into_what_reads_them() -> None:
    norm = layers()[1].eval()
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.5, -0.7, 0.0, 0.0, 1e-4, 2.0]))
        norm.bias.copy_(torch.tensor([0.3, 0.4, 0.5, -0.5, 0.2, -1.0]))
    readers = [nn.Conv2d(6, 4, 1, bias=False), nn.Conv2d(6, 2, 1, stride=2)]
    x = 3 * torch.randn(2, 6, 7, 9)
    opened = normed_relu(norm, x)
    expected = [reader(opened) for reader in readers]
    window = fold_opening(norm, readers)
    narrowed = normed_relu(window, x)
    for reader, values in zip(readers, expected, strict=True):
        assert torch.allclose(reader(narrowed), values, atol=1e-5)
    assert (narrowed[:, 0] < 0).any(), "the ReLU's zero lies elsewhere now"
