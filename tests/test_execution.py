"""Choosing how to execute, and the whole network under every execution."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from pag import cpu
from pag.break_even import prepare
from pag.break_even_tables import COMPILED, UNCOMPILED, BreakEven
from pag.budget import BudgetTable, ExactPolicy, OpenPolicy
from pag.cpu import build
from pag.errors import InputError
from pag.execution import DenseExecution, Execution, OneField
from pag.fused_execution import (
    EXECUTIONS,
    AutoExecution,
    Everywhere,
    SparseExecution,
    build_execution,
)
from pag.macs import block_cost
from pag.network import PAGNet, Trace
from tests.backbones import VARIANTS, multipool, variants
from tests.checkpoints import random_net
from tests.counting import counted
from tests.test_sparse import assert_close, blobs, fused_block, inputs

ALWAYS = tuple(dataclasses.replace(entry, share=1.0, overhead=0.0) for entry in COMPILED)


@pytest.fixture(scope="module", params=variants(*VARIANTS[:3]))
def net(request: pytest.FixtureRequest) -> PAGNet:
    return prepare(random_net(**request.param))


def picture(height: int, width: int, batch: int = 1) -> Tensor:
    torch.manual_seed(5)
    coarse = torch.rand(batch, 3, 5, 6)
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)


@torch.inference_mode()
def run(
    net: PAGNet, image: Tensor, budgets: tuple[float, ...], execution: Execution
) -> tuple[dict[str, Tensor], Trace]:
    policy = ExactPolicy(BudgetTable.uniform(tuple(net.gates)))
    return net(image, torch.tensor(budgets), policy, execution=execution)


# ---------------------------------------------------------------- the whole network


@pytest.mark.parametrize(
    "make",
    [SparseExecution, AutoExecution, lambda: AutoExecution(ALWAYS)],
    ids=["sparse", "auto", "always"],
)
def test_every_execution_gives_the_same_answers_and_masks(
    net: PAGNet, make: Callable[[], Execution]
) -> None:
    image, budgets = picture(67, 93, batch=2), (0.6, 0.75)
    expected, reference = run(net, image, budgets, DenseExecution())
    outputs, trace = run(net, image, budgets, make())
    for task, values in outputs.items():
        assert_close(values, expected[task], 1e-4)
    for gate, dense in zip(trace.gates, reference.gates, strict=True):
        assert torch.equal(gate.mask, dense.mask)
    assert torch.equal(trace.dilation, reference.dilation)
    assert any(0 < gate.mask.float().mean() < 1 for gate in trace.gates)


@pytest.mark.parametrize("name", ["sparse", "auto"])
def test_full_budget_is_what_the_network_gives_without_gates(net: PAGNet, name: str) -> None:
    image = picture(64, 96)
    with torch.inference_mode():
        expected, _ = net(image, torch.tensor([1.0]), OpenPolicy())
    outputs, _ = run(net, image, (1.0,), build_execution(name))
    for task, values in outputs.items():
        assert_close(values, expected[task])


def test_the_network_multiplies_what_its_trace_says(net: PAGNet) -> None:
    image = picture(66, 98)
    for execution, budget in ((SparseExecution(), 0.6), (AutoExecution(ALWAYS), 0.7)):
        with counted() as count:
            _, trace = run(net, image, (budget,), execution)
        assert count.macs == trace.macs_executed.item()


# ---------------------------------------------------------------- choosing


class Spy:
    """Counts the multiply-adds of one residual branch."""

    def __init__(self, table: tuple[BreakEven, ...], scope: str = "block", width: int = 4) -> None:
        self.execution, self.scope = AutoExecution(table), scope
        self.block, self.a = fused_block(width=width), inputs((16, 20))
        self.cost = block_cost("x", self.block, scope, (16, 20), 1)

    def skips(self, mask: Tensor) -> bool:
        with counted() as count:
            out = self.execution.residual(self.block, self.a, mask, self.scope)
        assert_close(out, DenseExecution().residual(self.block, self.a, mask, self.scope).detach())
        everything = 2 * (self.cost.dense + self.cost.ungated)
        return count.macs < everything

    def share(self, mask: Tensor) -> float:
        return self.cost.executed(mask).sum().item() / (2 * self.cost.dense)


def table(share: float, overhead: float = 0.0, width: int = 4) -> tuple[BreakEven, ...]:
    return tuple(BreakEven(scope, width, 1, share, overhead) for scope in ("block", "conv"))


@pytest.mark.parametrize("scope", ["block", "conv"])
def test_auto_skips_exactly_below_the_break_even_share_halo_included(scope: str) -> None:
    mask = blobs((2, 1, 16, 20))
    share = Spy(table(1.0), scope).share(mask)
    assert Spy(table(share + 1e-6), scope).skips(mask)
    assert not Spy(table(share - 1e-6), scope).skips(mask)
    if scope == "block":
        assert share > mask.float().mean()  # the halo costs more than the pixels themselves


def test_auto_lets_small_maps_run_densely() -> None:
    mask = blobs((2, 1, 16, 20))
    assert Spy(table(1.0, overhead=0.0)).skips(mask)
    assert not Spy(table(1.0, overhead=1e7)).skips(mask)


def test_auto_takes_the_next_smaller_width_and_is_dense_without_one() -> None:
    mask = blobs((2, 1, 16, 20))
    assert Spy((*table(1.0, width=2), *table(0.0, width=8))).skips(mask)
    assert not Spy(table(1.0, width=8)).skips(mask)
    assert AutoExecution(table(1.0)).rule("block", 4, 2) is None
    assert AutoExecution(table(1.0)).rule("block", 4, 1, depthwise=True) is None


def test_auto_never_skips_with_a_full_mask_or_when_told_not_to() -> None:
    full = torch.ones(2, 1, 16, 20, dtype=torch.bool)
    assert not Spy(table(1.0)).skips(full)
    assert not Spy(table(0.0)).skips(torch.zeros_like(full))


@pytest.mark.skipif(build.compiler() is None, reason="no C compiler")
def test_auto_always_skips_where_tiles_are_taken() -> None:
    mask = blobs((2, 1, 16, 20))
    assert Spy(table(0.0, width=32), width=32).skips(mask)
    assert not Spy(table(0.0, width=32), "conv", width=32).skips(mask)
    with cpu.switched_off():
        assert not Spy(table(0.0, width=32), width=32).skips(mask)


@pytest.mark.parametrize("table", [COMPILED, UNCOMPILED])
def test_the_default_tables_cover_the_network(net: PAGNet, table: tuple[BreakEven, ...]) -> None:
    execution = AutoExecution(table)
    for name, block in net.backbone.blocks:
        if block.gated:
            scope = net.config.gate_scope
            rule = execution.rule(scope, block.width, block.stride, block.depthwise)
            assert rule is not None, name
            assert rule.favours_sparse(0, 1e9) and not rule.favours_sparse(1e9, 1e9)


def test_auto_refuses_a_network_that_is_not_fused() -> None:
    block = random_net().backbone.blocks[0][1]
    a, mask = torch.rand(1, 64, 4, 4), torch.ones(1, 1, 4, 4)
    with pytest.raises(InputError, match="fuse_batchnorm"):
        AutoExecution().residual(block, a, mask, "block")


@pytest.mark.parametrize(("share", "overhead"), [(-0.1, 0), (1.1, 0), (float("nan"), 0), (0.5, -1)])
def test_a_break_even_out_of_range_is_refused(share: float, overhead: float) -> None:
    with pytest.raises(InputError, match="expected a share"):
        BreakEven("block", 64, 1, share, overhead)


def test_executions_are_built_by_name() -> None:
    kinds = [type(build_execution(name)) for name in EXECUTIONS]
    assert kinds == [AutoExecution, SparseExecution, DenseExecution]
    with pytest.raises(InputError, match="expected one of auto, sparse, dense"):
        build_execution("fast")


@torch.inference_mode()
def test_one_field_is_what_a_network_does_that_chooses_it_everywhere(net: PAGNet) -> None:
    image, pool = picture(67, 93), multipool(net.backbone)
    kept = pool.selector[-1].bias.clone()  # type: ignore[union-attr]
    for index, dilation in enumerate(pool.dilations):
        outputs, trace = run(net, image, (0.7,), OneField(dilation))
        assert (trace.dilation == index).all()
        pool.selector[-1].bias[index] += 1e4  # type: ignore[index]
        expected, reference = run(net, image, (0.7,), DenseExecution())
        pool.selector[-1].bias.copy_(kept)  # type: ignore[union-attr]
        assert (trace.pool_saved == reference.pool_saved).all()
        for task, output in outputs.items():
            assert_close(output, expected[task])
    with pytest.raises(InputError, match="dilation is 3; expected one of"):
        run(net, image, (0.7,), OneField(3))


class Looking(AutoExecution):
    """Fails when it is asked, as it would have to look at a mask then."""

    def residual(self, *given: object) -> Tensor:  # type: ignore[override]
        raise AssertionError("a gate that is known to be open was looked at")


@torch.inference_mode()
def test_gates_known_to_be_open_are_not_looked_at(net: PAGNet) -> None:
    image, policy = picture(64, 96, batch=2), ExactPolicy(BudgetTable.uniform(tuple(net.gates)))
    expected, _ = net(image, torch.ones(2), OpenPolicy())
    for chosen in (policy, OpenPolicy()):
        outputs, trace = net(image, torch.ones(2), chosen, execution=Looking())
        assert torch.equal(trace.macs_executed, trace.macs_dense)
        for task, output in outputs.items():
            assert_close(output, expected[task])
    with pytest.raises(AssertionError, match="looked at"):
        net(image, torch.tensor([1.0, 0.9]), policy, execution=Looking())


@torch.inference_mode()
def test_everywhere_is_the_network_without_masks() -> None:
    block, a = fused_block(), inputs((6, 7))
    mask, onto = torch.ones(2, 1, 6, 7, dtype=torch.bool), torch.randn(2, 10, 6, 7)
    for scope in ("block", "conv"):
        found = Everywhere().residual(block, a, mask, scope, onto.clone())
        assert torch.equal(found, block.branch(a) + onto)
