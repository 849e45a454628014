"""Settings as they are wished for, and the check that they can be had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from app import content
from app.session import Settings
from pag import BudgetError, InputError

POLICIES = tuple(value for _, value in content.POLICIES)
EXECUTIONS = tuple(value for _, value in content.EXECUTIONS)
SIZES = (320, 480, 640, 960)
BUDGET_STEP = 0.01


@dataclass(frozen=True)
class Wish:
    """Settings as they arrive from a browser or a program: unchecked."""

    budget: Any = Settings.budget
    policy: Any = Settings.policy
    execution: Any = Settings.execution
    size: Any = Settings.size
    labels: Any = Settings.labels


def check_wish(wish: Wish, floor: float, label_sets: tuple[str, ...]) -> Settings:
    """Settings that a network can run with.

    Args:
        wish: unchecked.
        floor: the lowest budget that can be asked of the network.
        label_sets: those that it was trained on.

    Raises:
        BudgetError: the budget is missing, no number, not finite, or out of reach.
        InputError: policy, execution, working size or label set is not on offer.
    """
    return Settings(
        budget=check_budget(wish.budget, floor),
        policy=check_choice(content.POLICY, wish.policy, POLICIES),
        execution=check_choice(content.EXECUTION, wish.execution, EXECUTIONS),
        size=check_choice(content.SIZE, wish.size, SIZES),
        labels=check_choice(content.LABELS, wish.labels, label_sets),
    )


def check_budget(value: Any, floor: float) -> float:
    """A budget from `floor` to 1, rounded to the slider's step.

    Raises:
        BudgetError: the value is missing, no number, not finite, or outside.
    """
    if value is None:
        raise BudgetError(content.BUDGET_MISSING.format(floor=floor))
    seen = repr(value)[:40]
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise BudgetError(content.BUDGET_NOT_NUMBER.format(seen=seen, floor=floor))
    if not abs(value) <= 1e9:  # nor is NaN, nor a whole number too large for a float
        raise BudgetError(content.BUDGET_NOT_NUMBER.format(seen=seen, floor=floor))
    budget = round(float(value), 2)
    if not floor - BUDGET_STEP / 2 <= budget <= 1.0:
        raise BudgetError(content.BUDGET_OUTSIDE.format(seen=seen, floor=floor))
    return max(budget, floor)


def check_choice(what: str, value: Any, offered: tuple[Any, ...]) -> Any:
    """`value` if it is on offer.

    Raises:
        InputError: it is not; names `what` was asked and all that is offered.
    """
    if isinstance(value, str | int) and not isinstance(value, bool) and value in offered:
        return value
    expected = ", ".join(map(str, offered))
    raise InputError(
        content.CHOICE_UNKNOWN.format(what=what.lower(), seen=repr(value)[:40], expected=expected)
    )
