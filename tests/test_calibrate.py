"""Calibration: from a training state to a checkpoint whose layers follow the budget."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pag.calibrate import build_table, measure
from pag.macs import network_cost
from tests.checkpoints import random_net


def test_table_rises_from_closed_to_open_in_every_layer() -> None:
    shares = np.array([[0.5, 0.2], [0.1, 0.4], [0.9, 0.3]])
    table = build_table(("a", "b"), shares)
    array = np.array(table.shares)
    assert not array[0].any() and (array[-1] == 1).all()
    assert (np.diff(array, axis=0) >= 0).all()
    assert array[1].tolist() == [0.1, 0.4]  # the row that spends least comes first


def test_measured_shares_are_those_of_the_gates_thresholds() -> None:
    net = random_net()
    images = [torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(i)) for i in (0, 1)]
    shares = measure(net, images, (0.05, 0.95))
    assert shares.shape == (2, 15)
    assert (shares[0] <= shares[1]).all()
    assert shares[1].mean() > 0.9 > 0.1 > shares[0].mean()


def test_allotments_follow_the_measured_shares() -> None:
    net = random_net()
    names = tuple(net.gates)
    shares = np.linspace(0.1, 0.9, len(names))[None]
    table = build_table(names, shares)
    cost = network_cost(net, (96, 128), ())
    dense = np.array([layer.dense for layer in cost.layers])
    budget = (cost.fixed + float(shares[0] @ dense)) / cost.dense
    assert np.allclose(np.array(table.allot(cost, budget)) / dense, shares[0], atol=1e-3)
    assert sum(table.allot(cost, 0.8)) == pytest.approx(0.8 * cost.dense - cost.fixed, rel=1e-6)
