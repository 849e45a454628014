"""The sweep: the same photo at budgets from the floor to everything."""

from __future__ import annotations

import numpy as np

STEPS = 12


def sweep_budgets(floor: float, steps: int = STEPS) -> tuple[float, ...]:
    """Budgets from `floor` to 1 in even steps, each on a hundredth or the floor itself, rising."""
    rounded = {round(float(value), 2) for value in np.linspace(floor, 1.0, steps)}
    return tuple(sorted({max(value, floor) for value in rounded}))


def sweep_order(budgets: tuple[float, ...]) -> tuple[float, ...]:
    """The order in which they are computed: the ends, the middle, then ever finer.

    So the slider's whole range is roughly covered long before the sweep is complete.
    """
    order = [budgets[-1], budgets[0]] if len(budgets) > 1 else list(budgets)
    while len(order) < len(budgets):
        # The budget farthest from all that come before it.
        order.append(
            max(
                (b for b in budgets if b not in order),
                key=lambda b: (round(min(abs(b - known) for known in order), 6), b),
            )
        )
    return tuple(order)
