"""How long a network takes at a budget, by lines that were measured on one machine.

A gated layer of D multiply-adds, E of them executed, takes

    densely     overhead + slope * D
    sparsely    overhead + breadth * D + slope * E

milliseconds, and everything that no gate switches takes a line over its own multiply-adds.
`pag.machine` measures, `pag.latency_cache` keeps what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from numbers import Real
from typing import Any, Self

import numpy as np

from pag.break_even import MARGIN
from pag.break_even_tables import BreakEven
from pag.budget import BudgetTable
from pag.config import GATE_SCOPES
from pag.errors import BudgetError, InputError
from pag.fused_execution import AutoExecution
from pag.macs import NetworkCost

GIGA = 1e9
BUDGET_STEPS = 1000
"""From nothing to everything; budgets for a time are found to one of them."""


@dataclass(frozen=True)
class Kind:
    """Gated blocks that take equally long on maps of one size.

    Attributes:
        scope: ``block`` or ``conv``; see `PAGConfig.gate_scope`.
        width: channels inside the block, where its 3x3 is.
        stride, dilation: of its 3x3.
        depthwise: whether the 3x3 is.
        reduce, expand: multiply-adds per pixel of the first and the last 1x1.

    Raises:
        InputError: something of another type, as a damaged file may have.
    """

    scope: str
    width: int
    stride: int
    dilation: int
    depthwise: bool
    reduce: int
    expand: int

    def __post_init__(self) -> None:
        numbers = (self.width, self.stride, self.dilation, self.reduce, self.expand)
        good = all(isinstance(x, int) and not isinstance(x, bool) and x >= 0 for x in numbers)
        if not (good and self.scope in GATE_SCOPES and isinstance(self.depthwise, bool)):
            raise InputError(
                f"A kind of blocks has the scope {self.scope!r}, the numbers {numbers} and "
                f"depthwise {self.depthwise!r}; expected one of {', '.join(GATE_SCOPES)}, whole "
                "numbers from 0 up, and true or false."
            )


@dataclass(frozen=True)
class Timing:
    """One timing of one gated layer.

    Attributes:
        kind: of the block.
        dense: switched multiply-adds with the gate open everywhere.
        executed: those that the mask asked for.
        skipped: whether it ran sparsely.
        milliseconds: that it took.
    """

    kind: Kind
    dense: int
    executed: int
    skipped: bool
    milliseconds: float


@dataclass(frozen=True)
class Line:
    """Milliseconds over billions of multiply-adds; no coefficient is negative.

    Attributes:
        overhead: milliseconds whatever the size.
        slope: per billion multiply-adds done.
        breadth: per billion multiply-adds of the whole layer, done or not: what reading the
            mask and finding neighbours costs.
    """

    overhead: float
    slope: float
    breadth: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.overhead, self.slope, self.breadth)
        good = all(isinstance(x, int | float) and not isinstance(x, bool) for x in numbers)
        if not good or not all(0 <= x < math.inf for x in numbers):
            raise InputError(f"A line has the coefficients {numbers}; expected numbers from 0 up.")

    def at(self, done: float, whole: float = 0.0) -> float:
        """Milliseconds of `done` multiply-adds in a layer that has `whole` of them."""
        return self.overhead + (self.slope * done + self.breadth * whole) / GIGA


@dataclass(frozen=True)
class Lines:
    """Both ways to run one kind of block."""

    kind: Kind
    dense: Line
    sparse: Line

    @property
    def break_even(self) -> BreakEven:
        """Below which share sparse takes less time than dense, with `MARGIN` to spare."""
        keep = 1 - MARGIN
        share = overhead = 0.0
        if self.sparse.slope > 0:
            share = (keep * self.dense.slope - self.sparse.breadth) / self.sparse.slope
            overhead = (self.sparse.overhead - keep * self.dense.overhead) / self.sparse.slope
        kind = self.kind
        return BreakEven(
            kind.scope,
            kind.width,
            kind.stride,
            min(1.0, max(0.0, share)),
            max(0.0, overhead * GIGA),
            kind.depthwise,
        )


@dataclass(frozen=True)
class Latency:
    """What one network takes on one machine.

    Attributes:
        layers: the lines of each gated layer, by its name.
        ungated: of everything else: stem, gates, MultiPool, decoder, heads, and the maps of
            the record.
    """

    layers: Mapping[str, Lines]
    ungated: Line

    @cached_property
    def break_even(self) -> tuple[BreakEven, ...]:
        """The table for `AutoExecution`: of each family, the most careful of its kinds."""
        found: dict[tuple[str, int, int, bool], BreakEven] = {}
        for lines in self.layers.values():
            entry = lines.break_even
            family = (entry.scope, entry.width, entry.stride, entry.depthwise)
            other = found.get(family, entry)
            found[family] = BreakEven(
                *family[:3],
                min(entry.share, other.share),
                max(entry.overhead, other.overhead),
                family[3],
            )
        return tuple(found.values())

    def milliseconds(self, cost: NetworkCost, executed: Sequence[float]) -> float:
        """Of one pass under ``auto`` execution.

        Never falls where `executed` rises: a layer runs sparsely only where that is faster.

        Args:
            cost: of the network at the image's size.
            executed: switched multiply-adds of each gated layer, in network order.
        """
        total = self.ungated.at(cost.fixed)
        rules = AutoExecution(self.break_even)
        for layer, done in zip(cost.layers, executed, strict=True):
            lines = self.layers[layer.name]
            kind = lines.kind
            rule = rules.rule(kind.scope, kind.width, kind.stride, kind.depthwise)
            skips = rule is not None and rule.favours_sparse(done, layer.dense)
            total += (
                lines.sparse.at(done, layer.dense)
                if skips and done < layer.dense
                else lines.dense.at(layer.dense)
            )
        return total

    def budget_within(
        self, cost: NetworkCost, table: BudgetTable, milliseconds: float, factor: float = 1.0
    ) -> float:
        """The highest budget, in steps of 1 / `BUDGET_STEPS`, that takes at most so long.

        Args:
            cost: of the network at the image's size.
            table: how its layers follow the budget.
            milliseconds: of one pass under ``auto`` execution.
            factor: how many times as long as these lines say the machine takes now.

        Raises:
            BudgetError: no number above 0, or too short for any budget.
        """
        check_milliseconds(milliseconds)

        def takes(step: int) -> float:
            return factor * self.milliseconds(cost, table.allot(cost, step / BUDGET_STEPS))

        low, high = round(lowest_budget(cost) * BUDGET_STEPS), BUDGET_STEPS
        if (least := takes(low)) > milliseconds:
            raise BudgetError(
                f"The time asked for is {milliseconds:g} ms, but with every layer skipped "
                f"everywhere this network still takes some {math.ceil(least)} ms on this machine "
                "at this working size; ask for more, or for a smaller working size."
            )
        while low < high:
            middle = (low + high + 1) // 2
            if takes(middle) <= milliseconds:
                low = middle
            else:
                high = middle - 1
        return low / BUDGET_STEPS

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {
            "layers": {name: asdict(lines) for name, lines in self.layers.items()},
            "ungated": asdict(self.ungated),
        }

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Back from `to_dict`.

        Raises:
            InputError: something is missing, too much, or of another type.
        """
        try:
            layers = {
                str(name): Lines(
                    Kind(**lines["kind"]), Line(**lines["dense"]), Line(**lines["sparse"])
                )
                for name, lines in values["layers"].items()
            }
            return cls(layers, Line(**values["ungated"]))
        except (AttributeError, KeyError, TypeError) as error:
            raise InputError(f"This is no latency table: {error!r}.") from error


def lowest_budget(cost: NetworkCost) -> float:
    """The network's floor, rounded up to a step."""
    return math.ceil(cost.floor * BUDGET_STEPS) / BUDGET_STEPS


def check_milliseconds(value: float) -> float:
    """A usable time; `BudgetError` unless it is a number, finite and above 0."""
    if not isinstance(value, Real) or not 0 < value < math.inf:
        raise BudgetError(f"The time is {value!r} ms; expected a number of milliseconds above 0.")
    return value


def fit(
    kinds: Mapping[str, Kind],
    timings: Iterable[Timing],
    ungated: Iterable[tuple[int, float]],
) -> Latency:
    """The lines that come nearest to what was measured, relative errors counting.

    Args:
        kinds: of each gated layer, by its name.
        timings: of every kind, on maps of two sizes or more, densely and sparsely.
        ungated: (multiply-adds that no gate switches, milliseconds of all that is not a
            gated layer) at the same sizes.

    Raises:
        InputError: a kind was not timed densely.
    """
    points = list(timings)
    lines = {}
    for kind in dict.fromkeys(kinds.values()):
        own = [point for point in points if point.kind == kind]
        dense = [((1.0, p.dense / GIGA), p.milliseconds) for p in own if not p.skipped]
        sparse = [
            ((1.0, p.executed / GIGA, p.dense / GIGA), p.milliseconds) for p in own if p.skipped
        ]
        if not dense:
            raise InputError(f"No dense timing of a layer of width {kind.width} was given.")
        line = Line(*nearest(dense))
        # What was never seen skipping is never told to.
        never = Line(line.overhead, 0.0, breadth=line.slope)
        lines[kind] = Lines(kind, line, Line(*nearest(sparse)) if sparse else never)
    rest = [((1.0, macs / GIGA), milliseconds) for macs, milliseconds in ungated]
    return Latency({name: lines[kind] for name, kind in kinds.items()}, Line(*nearest(rest)))


def nearest(points: Sequence[tuple[tuple[float, ...], float]]) -> tuple[float, ...]:
    """The coefficients, none below 0, of least squared relative error.

    Args:
        points: (values, milliseconds) each; of the sums of coefficients times values, those
            nearest to the milliseconds are looked for.
    """
    times = np.array([max(milliseconds, 1e-6) for _, milliseconds in points])
    rows = np.array([values for values, _ in points]) / times[:, None]
    best, error = np.zeros(rows.shape[1]), math.inf
    # Which coefficients are above 0 is tried out: there are three at the most.
    for chosen in product((False, True), repeat=rows.shape[1]):
        some = np.array(chosen)
        found = np.zeros(rows.shape[1])
        found[some] = np.linalg.lstsq(rows[:, some], np.ones(len(rows)), rcond=None)[0]
        left = float(((rows @ found - 1) ** 2).sum())
        if (found >= 0).all() and left < error:
            best, error = found, left
    return tuple(best.tolist())
