"""Upsampling along the boundaries found, by itself and in the network."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from pag.inference import TASKS
from pag.macs import network_cost
from pag.upsampling import GUIDED_TASKS, WIDTH, GuidedUpsampling, bilinear_weights
from tests.checkpoints import random_net


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def blank(size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Features and outlines for maps that become (H, W) = `size`."""
    height, width = (-(-n // 2) for n in size)
    return noise(2, 6, height, width), noise(2, 5, *size)


@torch.inference_mode()
def test_it_begins_as_bilinear_resizing() -> None:
    assert torch.equal(bilinear_weights().sum(1), torch.ones(4))
    features, outlines = blank((14, 18))
    maps = noise(2, 3, 7, 9)
    finer = GuidedUpsampling(6, 5).eval()(features, outlines, maps)
    expected = F.interpolate(maps, (14, 18), mode="bilinear", align_corners=False)
    assert (finer - expected).abs().max() < 0.02 * maps.abs().max()


@torch.inference_mode()
@pytest.mark.parametrize("size", [(14, 18), (13, 18), (14, 17), (1, 1)])
def test_finer_pixels_are_means_of_the_coarse_ones_around(size: tuple[int, int]) -> None:
    upsampling = GuidedUpsampling(6, 5).eval()
    torch.nn.init.normal_(upsampling.project.weight)
    features, outlines = blank(size)
    maps = noise(2, 3, *features.shape[-2:])
    finer = upsampling(features, outlines, maps)
    assert finer.shape == (2, 3, *size) and finer.dtype == torch.float32
    highest = F.max_pool2d(maps, 3, 1, 1)
    lowest = -F.max_pool2d(-maps, 3, 1, 1)
    rows, columns = (torch.arange(n) // 2 for n in size)
    assert (finer <= highest[..., rows, :][..., columns] + 1e-5).all()
    assert (finer >= lowest[..., rows, :][..., columns] - 1e-5).all()


def test_it_learns_on_which_side_of_an_outline_a_pixel_is() -> None:
    torch.manual_seed(0)
    upsampling = GuidedUpsampling(1, 1)
    optimizer = torch.optim.Adam(upsampling.parameters(), 0.03)
    fine = (torch.arange(31)[:, None] + torch.arange(40) > 33).float()[None, None]
    padded = F.pad(fine, (0, 0, 0, 1), mode="replicate")
    maps = F.avg_pool2d(padded, 2)
    features = torch.zeros_like(maps)
    bilinear = F.interpolate(maps, (32, 40), mode="bilinear", align_corners=False)[..., :31, :]
    for _ in range(60):
        error = (upsampling(features, fine, maps) - fine).abs().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    assert error < 0.5 * (bilinear - fine).abs().mean()


@torch.inference_mode()
def test_folding_its_batchnorm_keeps_what_it_gives() -> None:
    upsampling = GuidedUpsampling(6, 5).eval()
    torch.nn.init.normal_(upsampling.project.weight)
    norm = upsampling.norm
    assert isinstance(norm, torch.nn.BatchNorm2d)
    norm.running_mean.copy_(noise(WIDTH, seed=1))  # type: ignore[union-attr]
    norm.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
    features, outlines = blank((13, 18))
    maps = noise(2, 3, 7, 9)
    expected = upsampling(features, outlines, maps)
    upsampling.fold()
    assert torch.allclose(upsampling(features, outlines, maps), expected, atol=1e-5)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in upsampling.modules())


@torch.inference_mode()
def test_guided_tasks_come_at_the_stems_stride_and_are_the_same_alone() -> None:
    net = random_net(backbone="mobilenetv2", guided=True)
    pixels, full = torch.rand(1, 3, 65, 99), torch.ones(1)
    everything, _ = net(pixels, full, finished=False)
    sizes = {task: tuple(output.shape[-2:]) for task, output in everything.items()}
    coarse, fine = (17, 25), (33, 50)
    assert sizes == {t: coarse if t == "segmentation" else fine for t in TASKS}
    for tasks in (("depth",), ("boundary", "normals"), ("segmentation",)):
        some, _ = net(pixels, full, tasks=tasks, finished=False)
        assert list(some) == [task for task in TASKS if task in tasks]
        assert all(torch.allclose(some[t], everything[t], atol=1e-5) for t in tasks)
    plain = random_net(backbone="mobilenetv2")
    for task in GUIDED_TASKS:  # where boundaries are asked for, they are there already
        size, both = (64, 96), ("boundary", task)
        extra = network_cost(net, size, both).fixed - network_cost(plain, size, both).fixed
        assert extra == 16 * 24 * sum(m.numel() for m in kernels(net))


def kernels(net: torch.nn.Module) -> list[torch.Tensor]:
    return [v for k, v in net.named_parameters() if k.startswith("upsampling.") and v.ndim == 4]
