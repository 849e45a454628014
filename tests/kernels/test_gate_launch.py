"""A gate's kernels against what the CPU does, and the exact policy that never waits."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch

from pag import budget as budgets
from pag.backbones import BlockInput, unopened
from pag.budget import BudgetTable, ExactPolicy
from pag.cuda import gate_launch
from pag.fused_execution import SparseExecution
from pag.gate import PixelGate, Projection
from pag.macs import LayerCost, halved
from pag.ranking import by_sorting
from tests.checkpoints import random_net
from tests.kernels.test_launch import NoWaiting, expected_of
from tests.test_sparse import assert_close, blobs, fused_block, inputs, output_shape


def cost_of(stride: int, dilation: int, scope: str) -> LayerCost:
    size = (9, 14)
    output = size if stride == 1 else halved(size)
    return LayerCost("res2_1", 4, scope, 64, 576, 256, size, output, stride, dilation)


@pytest.mark.parametrize(
    ("stride", "dilation", "scope"),
    [(1, 1, "block"), (1, 2, "block"), (2, 1, "block"), (2, 2, "block"), (1, 1, "conv")],
)
def test_the_pixels_kept_are_those_of_sorting(
    stride: int, dilation: int, scope: str, device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_launch, "COUNT_BLOCK", 64)  # several blocks, the last one not full
    cost = cost_of(stride, dilation, scope)
    torch.manual_seed(stride)
    logits = torch.randn(5, 1, *cost.output_size)
    logits[1] *= 1e-3
    logits[2] += 5.0
    logits[3] -= 5.0
    targets = torch.tensor([0.3, 0.7, 1.2, -0.1, 0.01], dtype=torch.float64) * cost.dense
    mask, spent = gate_launch.keep_highest(cost, logits.to(device), targets.to(device))
    assert mask.dtype == torch.bool and mask.shape == logits.shape
    assert 0 < mask[0].sum() < mask[0].numel() and mask[2].all() and not mask[3].any()
    for one, target, found, cost_found in zip(logits, targets, mask, spent, strict=True):
        expected, expected_cost = by_sorting(cost, one[None], float(target))
        assert torch.equal(found.cpu()[None], expected)
        assert float(cost_found) == expected_cost


def test_equal_logits_are_all_kept_or_none(device: torch.device) -> None:
    cost = cost_of(1, 1, "block")
    logits = torch.zeros(3, 1, *cost.output_size)
    logits[:, :, :3] = 1.0
    logits[:, :, 0, 0] = -0.0  # equal to 0
    targets = torch.tensor([0.02, 0.35, 0.9], dtype=torch.float64) * cost.dense
    mask, spent = gate_launch.keep_highest(cost, logits.to(device), targets.to(device))
    assert not mask[0].any() and mask[2].all()
    assert torch.equal(mask[1].cpu(), logits[1] > 0)
    assert torch.equal(spent, cost.executed(mask))


@pytest.mark.parametrize("channels", [8, 150])
@torch.inference_mode()
def test_logits_of_a_gate(channels: int, device: torch.device) -> None:
    torch.manual_seed(0)
    conv = Projection(channels).to(device)
    conv.bias.fill_(0.25)  # type: ignore[union-attr]
    x = torch.randn(2, channels, 5, 7).to(device)
    found = gate_launch.project(conv, x, None)
    assert_close(found, conv(x))
    narrow = gate_launch.project(conv.to(torch.bfloat16), x.to(torch.bfloat16), None)
    assert narrow.dtype == torch.float32
    assert_close(narrow, found, 0.03)


@pytest.mark.parametrize("stride", [1, 2])
@torch.inference_mode()
def test_a_block_opens_as_it_is_read(stride: int, device: torch.device) -> None:
    block = fused_block(stride, 1).to(device)
    # Below and above 0, so that the opening matters.
    x = (inputs((7, 6)).to(device) - 0.5) * 4
    mask = blobs(output_shape(x, block)).to(device)
    a = BlockInput(block, x)
    assert unopened(a)[1] is not None
    found = SparseExecution().residual(block, a, mask, "block")
    assert not a.is_opened
    assert_close(found, expected_of(block, a.opened, mask, "block"))
    if stride == 1:
        gate = PixelGate(x.shape[1]).to(device)
        again = BlockInput(block, x)
        logits = gate_launch.project(gate.project, x, unopened(again)[1])
        assert_close(logits, gate.project(a.opened))


def test_the_exact_policy_meets_the_budget_without_waiting(
    device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "decides_there", lambda x: True)
    net = random_net()
    cost, wanted = net.cost((64, 96)), torch.tensor([0.55, 0.8, 1.0])
    policy = ExactPolicy(BudgetTable.uniform(tuple(net.gates)))
    logits = [torch.randn(3, 1, *layer.output_size).to(device) for layer in cost.layers]
    saved = torch.full((3,), 1e6, dtype=torch.float64, device=device)
    # A first pass copies what is constant.
    for guard in (nullcontext(), NoWaiting()):
        decisions = policy.begin(cost, wanted)
        with guard:
            masks = [decisions.decide(i, one) for i, one in enumerate(logits[:-1])]
            decisions.note_pool(saved)
            masks.append(decisions.decide(len(masks), logits[-1]))
    executed = torch.stack(
        [layer.executed(mask) for layer, mask in zip(cost.layers, masks, strict=True)]
    ).sum(0)
    achieved = (executed.cpu() + cost.fixed - 1e6) / (cost.dense - 1e6)
    # A pixel of the last layer more or less.
    assert (achieved - wanted).abs().max() < 1.5e6 / cost.dense
    assert all(mask[2].all() for mask in masks)
