"""Lower resolution: its input size, its multiply-adds, its outputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pag.baselines.methods import LowerResolution, Setting
from pag.baselines.resolution import MAX_STRETCH, nearest_size, small_maps
from pag.break_even import prepare
from pag.config import LABEL_SETS
from pag.export import at_image_size
from pag.heads import zoom_of
from pag.images import resize
from pag.macs import Size, network_cost
from pag.network import PAGNet
from pag.predictor import Predictor
from tests.checkpoints import random_net
from tests.counting import counted
from tests.tiny_data import make_sample

TASKS = ("segmentation", "depth", "normals")


@pytest.fixture(scope="module")
def net() -> PAGNet:
    return prepare(random_net())


def share(net: PAGNet, size: Size, full: Size) -> float:
    return network_cost(net, size, TASKS).dense / network_cost(net, full, TASKS).dense


@pytest.mark.parametrize("image_size", [(360, 480), (481, 321), (480, 640), (300, 300)])
@pytest.mark.parametrize("budget", [0.8, 0.6, 0.5])
def test_the_smaller_size_meets_the_budget(net: PAGNet, image_size: Size, budget: float) -> None:
    full = nearest_size(net, image_size, TASKS, 1.0, 480)
    size = nearest_size(net, image_size, TASKS, budget, 480)
    assert share(net, size, full) == pytest.approx(budget, abs=0.01)
    stretch = (size[0] / size[1]) / (full[0] / full[1])
    assert abs(np.log(stretch)) <= MAX_STRETCH


def test_full_budget_is_the_working_size_and_too_low_a_one_the_smallest(net: PAGNet) -> None:
    assert nearest_size(net, (480, 640), TASKS, 1.0, 320) == (240, 320)
    assert nearest_size(net, (90, 120), TASKS, 1.0, 480) == (90, 120)  # never enlarged
    assert nearest_size(net, (480, 640), TASKS, 1e-6, 480) == (32, 43)


@torch.inference_mode()
def test_the_network_multiplies_what_its_input_size_says(net: PAGNet) -> None:
    size = nearest_size(net, (128, 160), TASKS, 0.6, 480)
    image = torch.rand(1, 3, *size).contiguous(memory_format=torch.channels_last)
    with counted() as count:
        maps, trace = small_maps(net, image, TASKS, (128, 160), "all")
    assert count.macs == trace.macs_executed.item()
    # MultiPool's 1x1 path saves a little more than the closed form knows beforehand.
    assert trace.macs_executed.item() + trace.pool_saved.item() == (
        network_cost(net, size, TASKS).dense
    )
    assert {task: values.shape[:3] for task, values in maps.items()} == dict.fromkeys(
        TASKS, (1, 128, 160)
    )


@torch.inference_mode()
def test_logits_are_enlarged_once_and_not_classes(net: PAGNet) -> None:
    image = torch.rand(1, 3, 40, 56).contiguous(memory_format=torch.channels_last)
    raw, _ = net(image, torch.ones(1), tasks=TASKS, finished=False)

    def answered(labels: str) -> dict[str, np.ndarray]:
        found, _ = small_maps(net, image, TASKS, (64, 96), labels)
        return {task: values[0].numpy() for task, values in found.items()}

    def enlarge(task: str) -> np.ndarray:
        wide = F.interpolate(raw[task], (64, 96), mode="bilinear", align_corners=False)
        return wide[0].permute(1, 2, 0).numpy()

    maps = answered("all")
    classes = enlarge("segmentation").argmax(2)
    assert (maps["segmentation"] == classes).mean() > 0.999  # but for ties in rounding
    zoom = zoom_of(40, 56)
    np.testing.assert_allclose(maps["depth"], zoom * np.exp(enlarge("depth")[..., 0]), rtol=1e-5)
    assert maps["normals"].shape == (64, 96, 3)
    np.testing.assert_allclose(np.linalg.norm(maps["normals"], axis=2), 1, rtol=1e-5)
    indoor = answered("indoor")
    assert indoor["segmentation"].min() >= len(LABEL_SETS["street"]) > maps["segmentation"].min()


def test_at_full_budget_it_is_the_full_network(predictor: Predictor) -> None:
    sample = make_sample((), 0)
    method = LowerResolution(Setting(predictor, TASKS, "street", 96))
    maps, spent = method.answer(sample.image, 0, 1.0)
    record = predictor(sample.image, 1.0, tasks=TASKS, labels="street", size=96)
    expected = at_image_size(record)
    assert spent.macs_executed == record.macs_executed
    assert (maps["segmentation"] == expected["segmentation"]).all()
    np.testing.assert_allclose(maps["depth"], expected["depth"], rtol=1e-5)
    np.testing.assert_allclose(maps["normals"], expected["normals"], atol=1e-5)


def test_it_sees_the_image_made_smaller(predictor: Predictor) -> None:
    sample, setting = make_sample((), 0), Setting(predictor, ("depth",), "all", 96)
    maps, spent = LowerResolution(setting).answer(sample.image, 0, 0.6)
    size = nearest_size(predictor.net, sample.size, ("depth",), 0.6, 96)
    pixels = setting.tensor(resize(sample.image, size), size)
    expected, _ = small_maps(predictor.net, pixels, ("depth",), sample.size, "all")
    assert (maps["depth"] == expected["depth"][0].numpy()).all()
    assert spent.macs_executed < 0.7 * network_cost(predictor.net, sample.size, ("depth",)).dense
