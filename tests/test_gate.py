"""The pixel gate: logits that follow the budget, and its hard samples."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from pag.gate import PixelGate, binary_gumbel


def features(channels: int = 6, size: tuple[int, int] = (9, 13), batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, channels, *size, generator=generator)


def gate(stride: int = 1, smoothing: int = 1) -> PixelGate:
    torch.manual_seed(1)
    return PixelGate(6, stride, smoothing).eval()


@pytest.mark.parametrize("size", [(9, 13), (8, 12), (1, 5)])
@pytest.mark.parametrize("stride", [1, 2])
def test_one_logit_per_output_pixel(size: tuple[int, int], stride: int) -> None:
    logits = gate(stride)(features(size=size), torch.tensor([0.3, 1.0]))
    assert logits.shape == (2, 1, -(-size[0] // stride), -(-size[1] // stride))
    assert logits.dtype == torch.float32


@torch.no_grad()
def test_logits_rise_with_the_budget_and_keep_their_order() -> None:
    layer, x = gate(), features(batch=1)
    budgets = (0.0, 0.02, 0.1, 0.5, 0.9, 0.98, 1.0)
    logits = torch.cat([layer(x, torch.tensor([b])) for b in budgets])
    assert logits.isfinite().all()
    steps = logits.diff(dim=0)
    assert (steps[1:-1] > 0).all()
    assert (steps[[0, -1]] == 0).all()  # beyond the clamp nothing changes
    # One number for the whole image: what differs between pixels does not move.
    assert torch.allclose(steps, steps.mean((1, 2, 3), keepdim=True).expand_as(steps), atol=1e-5)


@torch.no_grad()
def test_logits_rise_even_if_the_scale_was_driven_far_below_zero() -> None:
    layer = gate()
    layer.budget_scale.fill_(-5.0)
    low, high = (
        layer(features(), torch.tensor([0.2, 0.2])),
        layer(features(), torch.tensor([0.8, 0.8])),
    )
    assert (high > low).all()


@torch.no_grad()
def test_each_image_follows_its_own_budget() -> None:
    layer, x = gate(), features(batch=1)
    pair = layer(x.repeat(2, 1, 1, 1), torch.tensor([0.2, 0.7]))
    assert torch.allclose(pair[:1], layer(x, torch.tensor([0.2])), atol=1e-6)
    assert torch.allclose(pair[1:], layer(x, torch.tensor([0.7])), atol=1e-6)


@torch.no_grad()
def test_smoothing_averages_the_neighbours_inside_the_map() -> None:
    smooth, plain = gate(), gate(smoothing=0)
    budget = torch.tensor([0.5, 0.5])
    rough = plain(features(), budget)
    ones = F.conv2d(torch.ones_like(rough), torch.ones(1, 1, 3, 3), padding=1)
    expected = F.conv2d(rough, torch.ones(1, 1, 3, 3), padding=1) / ones
    assert torch.allclose(smooth(features(), budget), expected, atol=1e-5)
    assert not torch.allclose(rough, expected, atol=1e-3)


@torch.no_grad()
def test_stride_looks_at_every_other_pixel() -> None:
    x = features()
    budget = torch.tensor([0.5, 0.5])
    strided = gate(2, smoothing=0)(x, budget)
    assert torch.allclose(strided, gate(1, smoothing=0)(x, budget)[:, :, ::2, ::2], atol=1e-6)


def test_samples_are_hard_and_as_frequent_as_the_gate_wishes() -> None:
    logits = torch.tensor([-2.0, 0.0, 1.5]).view(3, 1).repeat(1, 20000)
    for temperature in (1.0, 0.3):
        sample = binary_gumbel(logits, temperature, torch.Generator().manual_seed(0))
        assert set(sample.unique().tolist()) == {0.0, 1.0}
        assert torch.allclose(sample.mean(1), torch.sigmoid(logits[:, 0]), atol=0.015)


def test_samples_depend_on_the_generator_alone() -> None:
    logits = torch.zeros(5, 10)
    draw = [binary_gumbel(logits, 1.0, torch.Generator().manual_seed(s)) for s in (0, 0, 1)]
    assert torch.equal(draw[0], draw[1]) and not torch.equal(draw[0], draw[2])


def test_gradient_of_a_sample_is_that_of_the_soft_gate() -> None:
    logits = torch.linspace(-3, 3, 30).view(5, 6).requires_grad_()
    temperature = 0.7
    binary_gumbel(logits, temperature, torch.Generator().manual_seed(4)).sum().backward()
    uniform = torch.rand(5, 6, generator=torch.Generator().manual_seed(4))
    soft = torch.sigmoid((logits.detach() + torch.logit(uniform)) / temperature)
    assert logits.grad is not None and (logits.grad > 0).all()
    assert torch.allclose(logits.grad, soft * (1 - soft) / temperature, atol=1e-5)


def test_pixels_of_a_cell_share_their_noise() -> None:
    logits = torch.zeros(2, 1, 7, 10)
    sample = binary_gumbel(logits, 1.0, torch.Generator().manual_seed(0), cell=4)
    assert sample.shape == logits.shape
    for top in (0, 4):
        for left in (0, 4, 8):
            cell = sample[:, :, top : top + 4, left : left + 4]
            assert (cell == cell[:, :, :1, :1]).all()
    assert 0 < sample.mean() < 1
