"""Latency tables: lines found again, break-even by hand, times that rise with the budget."""

from __future__ import annotations

import copy
import json
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from pag import Predictor
from pag.break_even import MARGIN
from pag.budget import BudgetTable
from pag.errors import BudgetError, InputError
from pag.inference import TASKS
from pag.latency import Kind, Latency, Line, Lines, Timing, fit, lowest_budget, nearest
from pag.macs import network_cost
from pag.scaling import share_out
from tests.costs import tiny_cost
from tests.latencies import made_up

NARROW = Kind("block", 64, 1, 1, False, 100, 100)
WIDE = Kind("block", 128, 1, 1, False, 200, 200)
SIZE = (96, 128)


def timings(kind: Kind, dense: Line, sparse: Line) -> list[Timing]:
    """What a machine of these lines would say, on maps of two sizes."""
    found = []
    for whole in (1_000_000_000, 90_000_000):
        found.append(Timing(kind, whole, whole, False, dense.at(whole)))
        for share in (0.2, 0.5, 0.9):
            done = round(share * whole)
            found.append(Timing(kind, whole, done, True, sparse.at(done, whole)))
    return found


# ---------------------------------------------------------------- fitting


def test_lines_are_found_again() -> None:
    truth = {
        "a": Lines(NARROW, Line(0.2, 12.0), Line(0.5, 14.0, 1.5)),
        "b": Lines(WIDE, Line(0.0, 9.0), Line(0.3, 9.5, 0.0)),
        "c": Lines(NARROW, Line(0.2, 12.0), Line(0.5, 14.0, 1.5)),
    }
    points = [t for lines in truth.values() for t in timings(lines.kind, lines.dense, lines.sparse)]
    rest = Line(7.0, 20.0)
    kinds = {name: lines.kind for name, lines in truth.items()}
    found = fit(kinds, points, [(m, rest.at(m)) for m in (3 * 10**9, 2 * 10**8)])
    assert list(found.layers) == ["a", "b", "c"]
    for name, lines in truth.items():
        for line, expected in ((found.layers[name].dense, lines.dense),
                               (found.layers[name].sparse, lines.sparse)):  # fmt: skip
            assert line.overhead == pytest.approx(expected.overhead, abs=1e-6)
            assert line.slope == pytest.approx(expected.slope, rel=1e-6)
            assert line.breadth == pytest.approx(expected.breadth, abs=1e-6)
    assert (found.ungated.overhead, found.ungated.slope) == pytest.approx((7.0, 20.0))


def test_no_coefficient_falls_below_zero() -> None:
    # The straight line through these starts at -1.
    points = [((1.0, x), x - 1.0) for x in (2.0, 3.0, 4.0)]
    overhead, slope = nearest(points)
    assert overhead == 0
    # Of relative errors: the slope s minimises the sum of (s x / y - 1)^2.
    ratios = np.array([2.0, 1.5, 4 / 3])
    assert slope == pytest.approx(ratios.sum() / (ratios**2).sum())


def test_what_was_never_seen_skipping_is_never_told_to() -> None:
    dense_only = [t for t in timings(NARROW, Line(0.2, 12.0), Line(0.5, 14.0)) if not t.skipped]
    found = fit({"a": NARROW}, dense_only, [(10**9, 1.0)])
    assert found.break_even[0].share == 0
    assert not found.break_even[0].favours_sparse(0, 1e9)
    with pytest.raises(InputError, match="dense timing"):
        fit({"a": WIDE}, dense_only, [(10**9, 1.0)])


# ---------------------------------------------------------------- break-even


def test_break_even_is_where_sparse_takes_as_long_as_dense_less_a_margin() -> None:
    lines = Lines(NARROW, Line(0.1, 10.0), Line(0.4, 12.0, 1.0))
    entry = lines.break_even
    for whole in (1e9, 3e8):
        even = entry.share * whole - entry.overhead
        assert lines.sparse.at(even, whole) == pytest.approx(
            (1 - MARGIN) * lines.dense.at(whole), rel=1e-6
        )
    assert (entry.scope, entry.width, entry.stride, entry.depthwise) == ("block", 64, 1, False)


@pytest.mark.parametrize(
    ("sparse", "share"),
    [(Line(0.0, 4.0), 1.0), (Line(0.0, 50.0, 11.0), 0.0), (Line(1.0, 0.0, 5.0), 0.0)],
)
def test_break_even_stays_within_its_range(sparse: Line, share: float) -> None:
    assert Lines(NARROW, Line(0.2, 10.0), sparse).break_even.share == share


def test_a_family_goes_by_its_most_careful_kind() -> None:
    other = Kind("block", 64, 1, 1, False, 400, 100)
    quick = Lines(NARROW, Line(0.0, 10.0), Line(0.3, 10.0))
    slow = Lines(other, Line(0.0, 10.0), Line(0.1, 20.0))
    found = Latency({"a": quick, "b": slow}, Line(0.0, 0.0)).break_even
    assert len(found) == 1
    assert found[0].share == slow.break_even.share < quick.break_even.share
    assert found[0].overhead == quick.break_even.overhead > slow.break_even.overhead


# ---------------------------------------------------------------- predicting


def test_milliseconds_by_hand() -> None:
    cost = tiny_cost(2)
    kinds = [
        Kind("block", 64, layer.block_stride, 1, False, layer.reduce, layer.expand)
        for layer in cost.layers
    ]
    dense, sparse = Line(1.0, 100.0), Line(0.9, 120.0)
    latency = Latency(
        {layer.name: Lines(k, dense, sparse) for layer, k in zip(cost.layers, kinds, strict=True)},
        Line(3.0, 1e4),
    )
    first, second = (layer.dense for layer in cost.layers)
    # Half of the first layer is faster skipped, nine tenths of the second are not.
    found = latency.milliseconds(cost, [0.5 * first, 0.9 * second])
    expected = (3 + 1e4 * 50_000 / 1e9) + (0.9 + 120 * 0.5 * first / 1e9) + (1 + 100 * second / 1e9)
    assert found == pytest.approx(expected)
    assert latency.milliseconds(cost, [first, second]) == pytest.approx(
        3.5 + 2 + 100 * (first + second) / 1e9
    )


@pytest.mark.parametrize("seed", range(6))
def test_times_never_fall_as_the_budget_rises(predictor: Predictor, seed: int) -> None:
    rng = np.random.default_rng(seed)

    def line(*scales: float) -> Line:
        return Line(*(float(scale * rng.random()) for scale in scales))

    measured = made_up(predictor.net)
    kinds = {lines.kind: Lines(lines.kind, line(1, 20), line(1, 25, 5))
             for lines in measured.layers.values()}  # fmt: skip
    latency = Latency({n: kinds[v.kind] for n, v in measured.layers.items()}, line(9, 9))
    cost = network_cost(predictor.net, SIZE, ("depth",))
    steps = range(math.ceil(1000 * cost.floor), 1001)
    times = [latency.milliseconds(cost, predictor.table.allot(cost, b / 1000)) for b in steps]
    assert all(a <= b + 1e-9 for a, b in pairwise(times))


def test_no_budget_is_slower_than_full_budget_where_skipping_never_pays(
    predictor: Predictor,
) -> None:
    latency = made_up(predictor.net, sparse=Line(9.0, 9000.0, 900.0))
    cost = network_cost(predictor.net, SIZE, ("depth",))
    times = {latency.milliseconds(cost, predictor.table.allot(cost, b)) for b in (0.5, 0.8, 1.0)}
    assert len(times) == 1


# ---------------------------------------------------------------- asking for a time


@pytest.fixture
def timed(predictor: Predictor) -> Predictor:
    """The predictor with a made-up table; the one of all tests stays without."""
    one = copy.copy(predictor)
    one.use(made_up(one.net))
    return one


def test_the_budget_is_the_highest_that_fits(timed: Predictor) -> None:
    lowest = lowest_budget(network_cost(timed.net, SIZE, ("depth",)))
    least = timed.milliseconds(lowest, SIZE, ["depth"])
    most = timed.milliseconds(1.0, SIZE, ["depth"])
    for share in (0.0, 0.2, 0.55, 0.9):
        asked = least + share * (most - least)
        budget = timed.budget_within(asked, SIZE, ["depth"])
        assert timed.milliseconds(budget, SIZE, ["depth"]) <= asked
        assert timed.milliseconds(min(1.0, budget + 0.001), SIZE, ["depth"]) > asked
    assert timed.budget_within(most, SIZE, ["depth"]) == 1
    assert timed.budget_within(1e9, SIZE) == 1
    # Twice as slow a machine needs twice the time.
    asked = least + 0.5 * (most - least)
    assert timed.budget_within(2 * asked, SIZE, ["depth"], factor=2.0) == timed.budget_within(
        asked, SIZE, ["depth"]
    )


def test_a_time_too_short_for_any_budget_is_explained(timed: Predictor) -> None:
    least = timed.milliseconds(lowest_budget(network_cost(timed.net, SIZE, TASKS)), SIZE)
    with pytest.raises(BudgetError, match=f"1 ms, .* still takes some {math.ceil(least)} ms"):
        timed.budget_within(1, SIZE)


@pytest.mark.parametrize("value", [0, -3, math.nan, math.inf])
def test_no_time_is_no_time(timed: Predictor, value: float) -> None:
    with pytest.raises(BudgetError, match="milliseconds above 0"):
        timed.budget_within(value, SIZE)


def test_nothing_is_predicted_before_anything_was_measured(predictor: Predictor) -> None:
    assert predictor.latency is None
    for ask in (predictor.milliseconds, predictor.budget_within):
        with pytest.raises(InputError, match=r"pag\.machine"):
            ask(0.8, SIZE)
    with pytest.raises(BudgetError, match="budget is"):
        predictor.milliseconds(7, SIZE)


def test_a_record_says_what_was_predicted_of_it(timed: Predictor, predictor: Predictor) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    options: dict[str, Any] = {"tasks": ["depth"], "size": 96}
    record = timed(pixels, 0.7, **options)
    assert dict(record.seconds_predicted) == pytest.approx(
        {
            "network": timed.milliseconds(0.7, (64, 96), ["depth"]) / 1000,
            "full": timed.milliseconds(1.0, (64, 96), ["depth"]) / 1000,
        }
    )
    assert record.seconds_asked is None
    scaled = timed(pixels, 0.4, policy="scaled", **options)
    seen, kept = share_out(timed.net, (64, 96), ("depth",), 0.4)
    assert scaled.network_size == seen != (64, 96)
    assert dict(scaled.seconds_predicted) == pytest.approx(
        {
            "network": timed.milliseconds(kept, seen, ["depth"]) / 1000,
            "full": record.seconds_predicted["full"],
        }
    )
    assert not timed(pixels, 0.7, policy="adaptive", **options).seconds_predicted
    assert not timed(pixels, 0.7, execution="dense", **options).seconds_predicted
    assert not predictor(pixels, 0.7, **options).seconds_predicted


def test_auto_goes_by_what_was_measured(predictor: Predictor) -> None:
    never = copy.copy(predictor)
    never.use(made_up(never.net, sparse=Line(9.0, 9000.0, 900.0)))
    assert all(entry.share == 0 for entry in never._executions["auto"].table)  # type: ignore[attr-defined]
    assert predictor._executions["auto"] is not never._executions["auto"]


# ---------------------------------------------------------------- plain values


def test_a_table_comes_back_from_json(predictor: Predictor) -> None:
    latency = made_up(predictor.net)
    assert Latency.from_dict(json.loads(json.dumps(latency.to_dict()))) == latency


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("ungated"),
        lambda d: d["ungated"].update(slope=-1),
        lambda d: d["ungated"].update(slope=math.nan),
        lambda d: d["ungated"].update(slope="1"),
        lambda d: d["ungated"].update(curve=1),
        lambda d: d.update(layers=[1]),
        lambda d: d["layers"].update(x=None),
        lambda d: d["layers"]["res2_1"].pop("kind"),
        lambda d: d["layers"]["res2_1"]["kind"].update(width="64"),
    ],
)
def test_what_is_no_table_is_refused(predictor: Predictor, spoil: Any) -> None:
    values = made_up(predictor.net).to_dict()
    spoil(values)
    with pytest.raises(InputError):
        Latency.from_dict(values)


def test_a_uniform_table_meets_the_floor() -> None:
    cost = tiny_cost()
    assert lowest_budget(cost) >= cost.floor
    table = BudgetTable.uniform(tuple(layer.name for layer in cost.layers))
    assert sum(table.allot(cost, lowest_budget(cost))) >= 0
