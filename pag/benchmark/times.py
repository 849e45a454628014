"""A time in place of a budget: how near passes come to the milliseconds asked for."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pag.benchmark.subject import Recipe
from pag.errors import InputError
from pag.images import open_image, resize
from pag.machine import measure
from pag.macs import Size
from pag.predictor import Predictor
from pag.within import Pacer

NEAR = 0.1
"""A time is met by a pass that is no further from it than this share of it."""


@dataclass(frozen=True)
class TimeMet:
    """Passes within a time, on images of one size.

    Attributes:
        size: (H, W) of the images.
        budget: of which the table says that it takes the time asked for.
        asked: milliseconds.
        unpaced: milliseconds that passes at that budget took / asked, the median.
        taken: milliseconds of the passes that `pag.within.Pacer` gave / asked: their median,
            lowest and highest.
        budgets: lowest and highest budget of these passes.
        met: share of them that are within `NEAR`.
    """

    size: Size
    budget: float
    asked: float
    unpaced: float
    taken: dict[str, float]
    budgets: tuple[float, float]
    met: float


def measure_times(
    recipe: Recipe,
    paths: Sequence[str],
    sizes: Sequence[Size],
    budgets: Sequence[float],
    repeats: int,
) -> Iterator[TimeMet]:
    """Measure this machine, then ask for the times that the table says of `budgets`.

    Args:
        recipe: of a checkpoint; where compute goes depends on what was learned.
        paths: of photographs.
        sizes, budgets: every size with every budget.
        repeats: passes of each photograph.

    Raises:
        InputError: no checkpoint or photograph.
        BudgetError: a budget out of the network's reach.
    """
    if recipe.checkpoint is None or not paths:
        raise InputError("Times are asked for with a checkpoint and photographs; expected both.")
    predictor = Predictor.from_checkpoint(recipe.checkpoint)
    predictor.use(measure(predictor))
    pacer = Pacer(predictor)
    for size in sizes:
        images = [resize(open_image(path).pixels, size) for path in paths]
        for budget in budgets:
            asked = predictor.milliseconds(budget, size)
            plain = [
                predictor(image, budget, size=max(size)).seconds["network"]
                for image in images
                for _ in range(repeats)
            ]
            paced = [
                pacer(image, asked, size=max(size)) for image in images for _ in range(repeats)
            ]
            taken = [1000 * record.seconds["network"] / asked for record in paced]
            spent = [record.budget_requested for record in paced]
            yield TimeMet(
                size=size,
                budget=budget,
                asked=round(asked, 3),
                unpaced=round(1000 * statistics.median(plain) / asked, 4),
                taken={
                    "median": round(statistics.median(taken), 4),
                    "lowest": round(min(taken), 4),
                    "highest": round(max(taken), 4),
                },
                budgets=(min(spent), max(spent)),
                met=round(statistics.fmean(abs(share - 1) <= NEAR for share in taken), 4),
            )
