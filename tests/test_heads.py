"""The decoder, the heads, and outputs in the tasks' units."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pag.config import INDOOR_CLASSES, LABEL_SETS, STREET_CLASSES, PAGConfig
from pag.data.canonical import refocused
from pag.data.sample import Sample
from pag.heads import (
    SKY_METRES,
    BoundaryHead,
    Decoder,
    allowed_classes,
    build_heads,
    far_sky,
    finish,
    labels,
    predictions,
    zoom_of,
)
from pag.inference import TASKS
from tests.checkpoints import random_net


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("coarse", [(8, 12), (4, 6)])
def test_decoder_joins_three_scales_at_the_finest(coarse: tuple[int, int]) -> None:
    decoder = Decoder((6, 10, 14), (8, 4)).eval()
    features = decoder(noise(2, 6, 15, 23), noise(2, 10, 8, 12), noise(2, 14, *coarse))
    assert features.shape == (2, 4, 15, 23)
    for index in range(3):  # each input matters
        inputs = [noise(2, 6, 15, 23), noise(2, 10, 8, 12), noise(2, 14, *coarse)]
        inputs[index] = inputs[index] + 1
        assert not torch.allclose(decoder(*inputs), features)


def test_heads_by_task() -> None:
    config = PAGConfig(decoder_channels=(8, 4), head_channels=6, classes=("a", "b", "c"))
    heads = build_heads(config, detail_channels=5).eval()
    assert tuple(heads) == TASKS
    features, detail = noise(2, 4, 7, 9), noise(2, 5, 13, 18)
    boundary = heads["boundary"]
    assert isinstance(boundary, BoundaryHead)
    seen = {task: features for task in TASKS} | {"boundary": boundary.outlines(features, detail)}
    shapes = {task: tuple(heads[task](seen[task]).shape) for task in TASKS}
    assert shapes == {
        "segmentation": (2, 3, 7, 9),
        "boundary": (2, 1, 13, 18),  # at the stem's stride, so that boundaries stay thin
        "depth": (2, 1, 7, 9),
        "normals": (2, 3, 7, 9),
    }


@torch.no_grad()
def test_untrained_heads_start_from_sensible_guesses() -> None:
    heads = build_heads(PAGConfig(), detail_channels=64).eval()
    features, detail = noise(1, 64, 8, 8) * 0.01, noise(1, 64, 16, 16) * 0.01
    depth = torch.exp(heads["depth"](features))
    assert 1 < float(depth.median()) < 4
    boundary = heads["boundary"]
    assert isinstance(boundary, BoundaryHead)
    logits = boundary(boundary.outlines(features, detail))
    assert float(torch.sigmoid(logits).median()) < 0.3


def test_finished_outputs_have_the_images_size_and_unit_normals() -> None:
    for task, channels in (("segmentation", 11), ("boundary", 1), ("depth", 1), ("normals", 3)):
        output = finish(task, noise(2, channels, 5, 7).half(), (18, 27))
        assert output.shape == (2, channels, 18, 27) and output.dtype == torch.float32
        if task == "normals":
            assert torch.allclose(output.norm(dim=1), torch.ones(2, 18, 27), atol=1e-4)
    zero = finish("normals", torch.zeros(1, 3, 2, 2), (4, 4))
    assert zero.isfinite().all()


def test_predictions_are_in_the_records_units() -> None:
    logits = noise(1, 4, 3, 5)
    log_depth = torch.log(torch.full((1, 1, 3, 5), 2.5))
    normals = finish("normals", noise(1, 3, 3, 5), (3, 5))
    maps = predictions(
        {
            "segmentation": logits,
            "boundary": torch.tensor([-100.0, 0.0, 100.0]).view(1, 1, 3, 1).expand(1, 1, 3, 5),
            "depth": log_depth,
            "normals": normals,
        },
        (3, 5),
    )
    assert maps["segmentation"].dtype == torch.uint8
    assert np.array_equal(maps["segmentation"].numpy(), logits.numpy().argmax(1))
    assert maps["boundary"][0, :, 0].tolist() == pytest.approx([0, 0.5, 1])
    assert maps["boundary"].shape == (1, 3, 5)
    assert torch.allclose(maps["depth"], torch.full((1, 3, 5), 2.5))
    assert maps["normals"].shape == (1, 3, 5, 3)
    assert torch.allclose(maps["normals"][0, 1, 2], normals[0, :, 1, 2])
    assert predictions({}, (3, 5)) == {}


@pytest.mark.parametrize("size", [(27, 35), (7, 9), (3, 2), (56, 71)])
def test_labels_are_the_highest_of_all_interpolated_logits(size: tuple[int, int]) -> None:
    # Large regions with outlines between them, as a segmentation has.
    raw = F.interpolate(noise(2, 5, 2, 3), (7, 9), mode="bilinear")
    logits = finish("segmentation", raw, size)
    assert torch.equal(labels(raw, size), logits.argmax(1).to(torch.uint8))
    allowed = torch.tensor([True, False, True, True, False])
    logits[:, ~allowed] = -torch.inf
    assert torch.equal(labels(raw, size, allowed), logits.argmax(1).to(torch.uint8))


@pytest.mark.parametrize("zoom", [0.5, 1.0, 2.0])
def test_metres_and_directions_do_not_depend_on_the_working_size(zoom: float) -> None:
    """What training teaches about a zoomed photograph is undone."""
    room = Sample(
        image=np.zeros((2, 3, 3), np.uint8),
        depth=np.full((2, 3), 2.5, np.float32),
        normals=np.broadcast_to(np.array([0.36, 0.48, -0.8], np.float32), (2, 3, 3)).copy(),
    )
    seen = refocused(room, zoom)
    assert room.depth is not None and room.normals is not None
    assert seen.depth is not None and seen.normals is not None
    outputs = {
        "depth": torch.from_numpy(np.log(seen.depth))[None, None],
        "normals": torch.from_numpy(seen.normals).permute(2, 0, 1)[None],
    }
    maps = predictions(outputs, (2, 3), zoom)
    np.testing.assert_allclose(maps["depth"][0], room.depth, rtol=1e-5)
    np.testing.assert_allclose(maps["normals"][0], room.normals, rtol=1e-5)


def test_zoom_is_that_of_the_longer_side() -> None:
    assert zoom_of(240, 180) == 0.5 and zoom_of(360, 480) == 1.0 and zoom_of(960, 20) == 2.0


def test_a_label_set_leaves_its_own_classes() -> None:
    allowed = allowed_classes(LABEL_SETS["all"], "indoor")
    assert allowed is not None
    left = [name for name, kept in zip(LABEL_SETS["all"], allowed.tolist(), strict=True) if kept]
    assert tuple(left) == INDOOR_CLASSES
    assert allowed_classes(INDOOR_CLASSES, "indoor") is None  # nothing to leave out
    assert allowed_classes(LABEL_SETS["all"], "all") is None
    nothing = allowed_classes(INDOOR_CLASSES, "street")
    assert nothing is not None and not nothing.any()
    assert set(STREET_CLASSES).isdisjoint(INDOOR_CLASSES)


def test_what_is_surely_sky_is_far_away_and_all_else_stays() -> None:
    depth = torch.log(torch.tensor([8.0, 8.0, 8.0, 300.0])).view(1, 1, 2, 2)
    logits = torch.zeros(1, 3, 2, 2)
    logits[0, 1] = torch.tensor([[50.0, 0.0], [-50.0, 50.0]])  # surely, perhaps, surely not, surely
    metres = torch.exp(far_sky(depth, logits, 1)).flatten().tolist()
    assert metres == pytest.approx([SKY_METRES, 8, 8, 300])
    halved = torch.exp(far_sky(depth, logits, 1, zoom=0.5)).flatten().tolist()
    assert halved == pytest.approx([2 * SKY_METRES, 8, 8, 300])


@torch.inference_mode()
def test_a_network_that_sees_sky_puts_it_far_away_only_when_it_is_used() -> None:
    net = random_net()
    assert net.sky is not None
    with torch.no_grad():
        net.get_parameter("heads.segmentation.project.bias")[net.sky] = 1e4
    image, budget = torch.rand(1, 3, 64, 64), torch.ones(1)
    used, _ = net(image, budget)
    alone, _ = net(image, budget, tasks=("depth",))
    metres = torch.exp(used["depth"]) * zoom_of(64, 64)
    assert metres.min() == pytest.approx(SKY_METRES, rel=1e-3)
    assert torch.exp(alone["depth"]).max() < SKY_METRES / 2
    net.train()
    learning, _ = net(image, budget)
    assert torch.exp(learning["depth"]).max() < SKY_METRES / 2
