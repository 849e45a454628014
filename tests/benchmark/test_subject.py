"""What is measured: images and networks."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pag.benchmark.recorded import record
from pag.benchmark.subject import Recipe, Subject, load_images
from pag.break_even import prepare
from pag.budget import BudgetTable
from pag.errors import BudgetError, WeightsError
from tests.checkpoints import random_net

SIZE = (64, 96)


@pytest.fixture(scope="module")
def subject() -> Subject:
    net = prepare(random_net())
    return Subject(net, BudgetTable.uniform(tuple(net.gates)), "random")


def test_photographs_are_taken_in_turn_and_then_mirrored(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, *SIZE, 3), dtype=np.uint8)
    paths = [str(tmp_path / f"{index}.png") for index in range(2)]
    for path, values in zip(paths, pixels, strict=True):
        Image.fromarray(values).save(path)
    images = load_images(paths, SIZE, 5)
    assert images.is_contiguous(memory_format=torch.channels_last)
    expected = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    assert torch.equal(images[:2], expected)
    assert torch.equal(images[2:4], expected.flip(3))
    assert torch.equal(images[4], expected[0])


def test_noise_differs_within_a_batch_and_not_between_runs() -> None:
    images = load_images([], SIZE, 2)
    assert images.shape == (2, 3, *SIZE) and 0 <= images.min() < images.max() <= 1
    assert not torch.equal(images[0], images[1])
    assert torch.equal(images, load_images([], SIZE, 2))


def test_a_recipe_can_be_sent_and_makes_the_same_network_again(checkpoint: Path) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, second = (pickle.loads(pickle.dumps(Recipe(scope="conv"))).make() for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert first.described() == {"weights": "random", "backbone": "resnet50", "scope": "conv"}
    for one, other in zip(first.net.parameters(), second.net.parameters(), strict=True):
        assert torch.equal(one, other)
    loaded = Recipe(checkpoint).make()
    assert len(loaded.weights) > 6 and len(loaded.table.shares) == 3
    with pytest.raises(WeightsError):
        Recipe("nowhere").make()


@torch.inference_mode()
def test_what_a_layer_read_is_recorded(subject: Subject) -> None:
    image = load_images([], SIZE)
    layers, (pool, x) = record(subject, image, 0.6)
    assert [seen.cost.name for seen in layers] == list(subject.net.gates)
    executed = sum(seen.cost.executed(seen.mask).item() for seen in layers)
    dense = sum(seen.cost.dense for seen in layers)
    assert 0 < executed < dense
    _, first = subject.net.backbone.stem(image)
    block = dict(subject.net.backbone.blocks)["res2_1"]
    assert torch.equal(layers[0].reduced, block.reduce(block.preactivation(first)))
    # At full budget features are those of an ordinary pass, so the choice is, too.
    _, (pool, x) = record(subject, image, 1.0)
    _, trace = subject.net(image, torch.ones(1))
    assert torch.equal(pool(x)[1], trace.dilation)


def test_layers_cannot_be_recorded_below_the_floor(subject: Subject) -> None:
    with pytest.raises(BudgetError, match="ask for"):
        record(subject, load_images([], SIZE), 0.01)


def test_a_subject_and_its_images_have_the_type_asked_for() -> None:
    recipe = Recipe(dtype="bfloat16")
    net, image = recipe.make().net, recipe.images([], (64, 96), 2)
    assert {value.dtype for value in net.parameters()} == {image.dtype} == {torch.bfloat16}
    assert image.is_contiguous(memory_format=torch.channels_last)
    kernel = dict(net.backbone.blocks)["res2_1"].conv2.weight
    assert kernel.is_contiguous(memory_format=torch.channels_last)
