"""How close the budget shown comes to full budget: below each output, and in time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.agreement import agreement
from app.content import outputs as words
from app.views import latency
from pag import TASKS, Inference

SLOT = "agreement-{task}"


def entry(answer: Inference, full: Inference, budget: float) -> dict[str, Any]:
    """One budget's agreement with full budget, ready for JSON.

    Args:
        answer: at the budget.
        full: at full budget; the same record at budget 1.
        budget: the one asked for, by which the browser finds it.

    Returns:
        ``budget``, ``values`` (the headline of each task, None without one, and milliseconds)
        and ``html`` by slot.
    """
    found = agreement(answer, full)
    pairs = {task: getattr(found, task) for task in TASKS}
    return {
        "budget": budget,
        "values": {task: pair[0] if pair else None for task, pair in pairs.items()}
        | {latency.SLOT: 1000 * answer.seconds["network"]},
        "html": {
            SLOT.format(task=task): words.AGREEMENT_FULL
            if answer is full
            else _sentence(task, pair)
            for task, pair in pairs.items()
        }
        | {latency.SLOT: latency.measured(answer, full)},
    }


def entries(answers: Iterable[tuple[float, Inference]], full: Inference) -> list[dict[str, Any]]:
    """`entry` for (budget, answer) pairs, the budgets rising."""
    ordered = sorted(answers, key=lambda pair: pair[0])
    return [entry(answer, full, budget) for budget, answer in ordered]


def _sentence(task: str, pair: tuple[float, float] | None) -> str:
    if pair is None:
        return words.AGREEMENT_NONE
    return words.AGREEMENT[task].format(first=pair[0], second=pair[1])
