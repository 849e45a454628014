"""Grid perforation: grids and nearest positions by hand, and inside the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pag.backbones.block import BlockInput, ResidualBlock
from pag.baselines.layers import TablePolicy
from pag.baselines.perforation import (
    Perforation,
    grid_costs,
    grid_lines,
    grid_mask,
    nearest_computed,
    nearest_grid,
)
from pag.break_even import prepare
from pag.budget import BudgetTable
from pag.errors import InputError
from pag.execution import DenseExecution, Execution
from pag.fused_execution import SparseExecution
from pag.macs import block_cost
from pag.network import PAGNet
from tests.checkpoints import random_net
from tests.counting import counted


@pytest.fixture(scope="module", params=["block", "conv"])
def net(request: pytest.FixtureRequest) -> PAGNet:
    return prepare(random_net(gate_scope=request.param))


def blocks(net: PAGNet) -> list[ResidualBlock]:
    """One of stride 1 and one of stride 2."""
    named = dict(net.backbone.blocks)
    return [named["res2_2"], named["res3_1"]]


class Numbered(Execution):
    """An execution that numbers the open positions from 1, row by row; the others are 0."""

    def residual(
        self,
        block: ResidualBlock,
        a: Tensor | BlockInput,
        mask: Tensor,
        scope: str,
        onto: Tensor | None = None,
    ) -> Tensor:
        assert onto is None
        return (mask.flatten().cumsum(0).view_as(mask) * mask).float()


def test_lines_are_evenly_spaced() -> None:
    assert grid_lines(6, 3).tolist() == [1, 3, 5]
    assert grid_lines(7, 2).tolist() == [1, 5]
    assert grid_lines(5, 5).tolist() == [0, 1, 2, 3, 4]
    assert grid_lines(9, 1).tolist() == [4]
    assert grid_lines(9, 0).tolist() == []


def test_a_grid_is_open_where_rows_cross_columns() -> None:
    mask = grid_mask((3, 6), 1, 2)[0, 0]
    assert mask.nonzero().tolist() == [[1, 1], [1, 4]]
    assert not grid_mask((3, 6), 0, 0).any() and grid_mask((3, 6), 3, 6).all()


def test_nearest_position_by_hand() -> None:
    mask = torch.zeros(1, 1, 4, 5, dtype=torch.bool)
    mask[0, 0, [[0], [3]], [1, 4]] = True
    # Columns 0 to 2 are nearest to column 1, and 3 to 4; rows 0 and 1 to row 0, 2 and 3 to 3.
    # From column 2.5 on it is 4: column 2 is 1 from 1 and 2 from 4.
    above, below = [1, 1, 1, 4, 4], [16, 16, 16, 19, 19]
    assert nearest_computed(mask).view(4, 5).tolist() == [above, above, below, below]


def test_of_two_at_the_same_distance_the_first_is_taken() -> None:
    mask = torch.tensor([[[[True, False, True]]]])
    assert nearest_computed(mask).tolist() == [0, 0, 2]


def test_skipped_positions_take_the_nearest_value() -> None:
    mask = grid_mask((3, 6), 1, 2)
    block = torch.nn.Module()
    out = Perforation(Numbered()).residual(block, torch.empty(0), mask, "block")  # type: ignore[arg-type]
    assert out[0, 0].tolist() == [[1, 1, 1, 2, 2, 2]] * 3


def test_every_image_has_its_own_grid() -> None:
    mask = torch.cat([grid_mask((2, 2), 1, 1), grid_mask((2, 2), 2, 2), grid_mask((2, 2), 0, 0)])
    out = Perforation(Numbered()).residual(None, torch.empty(0), mask, "block")  # type: ignore[arg-type]
    # One value everywhere; four of its own; nothing computed, so nothing to take.
    assert out.flatten(1).tolist() == [[1, 1, 1, 1], [2, 3, 4, 5], [0, 0, 0, 0]]


def test_a_mask_that_is_no_grid_is_refused() -> None:
    mask = torch.eye(3, dtype=torch.bool)[None, None]
    with pytest.raises(InputError, match="3 pixels in 3 rows and 3 columns; expected a grid"):
        nearest_computed(mask)


@torch.inference_mode()
def test_values_are_those_of_dense_execution_at_the_nearest_position(net: PAGNet) -> None:
    for block in blocks(net):
        a = torch.rand(1, block.conv1.in_channels, 12, 16)
        a = a.contiguous(memory_format=torch.channels_last)
        size = (12 // block.stride, 16 // block.stride)
        mask = grid_mask(size, 3, 5)
        everywhere = DenseExecution().residual(
            block, a, torch.ones_like(mask), net.config.gate_scope
        )
        expected = everywhere.flatten(2)[..., nearest_computed(mask)].unflatten(2, size)
        for inner in (None, SparseExecution(), DenseExecution()):
            out = Perforation(inner).residual(block, a, mask, net.config.gate_scope)
            torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_density_one_is_dense_execution(net: PAGNet) -> None:
    image = torch.rand(1, 3, 64, 96).contiguous(memory_format=torch.channels_last)
    policy = TablePolicy(BudgetTable.uniform(tuple(net.gates)), nearest_grid)
    expected, _ = net(image, torch.ones(1))
    outputs, trace = net(image, torch.ones(1), policy, execution=Perforation())
    assert all(gate.mask.all() for gate in trace.gates)
    for task, values in outputs.items():
        torch.testing.assert_close(values, expected[task], rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_grids_meet_the_budget_and_nothing_else_is_multiplied(net: PAGNet) -> None:
    image = torch.rand(1, 3, 96, 128).contiguous(memory_format=torch.channels_last)
    policy = TablePolicy(BudgetTable.uniform(tuple(net.gates)), nearest_grid)
    with counted() as count:
        _, trace = net(image, torch.tensor([0.8]), policy, execution=Perforation(SparseExecution()))
    assert count.macs == trace.macs_executed.item()
    achieved = (trace.macs_executed / trace.macs_dense).item()
    assert achieved == pytest.approx(0.8, abs=0.01)
    shares = [gate.executed.item() / gate.cost.dense for gate in trace.gates]
    assert max(shares) - min(shares) < 0.2  # the same everywhere, but for whole rows


@pytest.mark.parametrize("scope", ["block", "conv"])
def test_costs_of_grids(net: PAGNet, scope: str) -> None:
    for block in blocks(net):
        cost = block_cost("x", block, scope, (12, 16), 4)
        grids, spent = grid_costs(cost)
        height, width = cost.output_size
        assert grids[0] == (0, 0) and grids[-1] == (height, width)
        assert spent[0] == 0 and spent[-1] == cost.dense
        for (rows, columns), macs in zip(grids, spent, strict=True):
            assert macs == cost.executed(grid_mask(cost.output_size, rows, columns)).item()
            # About equally dense both ways: each is rounded up from the same density.
            if rows:
                assert max((rows - 1) / height, (columns - 1) / width) < min(
                    rows / height, columns / width
                )


def test_the_nearest_grid_is_chosen(net: PAGNet) -> None:
    cost = block_cost("x", blocks(net)[0], "block", (12, 16), 4)
    grids, spent = grid_costs(cost)
    for share in (0.0, 0.2, 0.5, 0.77, 1.0):
        mask, macs = nearest_grid(cost, torch.zeros(1, 1, 12, 16), share * cost.dense)
        assert macs == cost.executed(mask).item()
        assert abs(macs - share * cost.dense) == np.abs(spent - share * cost.dense).min()
    assert len(grids) == len(spent)
