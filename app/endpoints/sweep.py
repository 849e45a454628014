"""`/sweep`: one image at rising budgets, one result streamed after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from app.actions import Desk
from app.components import refusal
from app.endpoints.inputs import (
    add,
    image_input,
    labels_input,
    number_input,
    policy_input,
    size_input,
)
from app.photos import load_photo
from app.sweep import STEPS, sweep_budgets
from app.wish import Wish
from app.words import api
from pag import Inference, InputError, PAGError, summary

MOST_STEPS = 40


def add_sweep(desk: Desk) -> None:
    """Add `/sweep` (image, steps, policy, size, labels) to the blocks under construction."""

    def sweep(
        image: Any, steps: Any, policy: Any, size: Any, labels: Any
    ) -> Iterator[dict[str, Any]]:
        try:
            settings = desk.check(Wish(1.0, policy=policy, size=size, labels=labels))
            budgets = sweep_budgets(desk.floor, check_steps(steps))
            photo = load_photo(image, settings.size)
            curve: list[dict[str, float]] = []
            for step, budget in enumerate(budgets, 1):
                answer = desk.run_behind(photo, replace(settings, budget=budget))
                curve.append(point_of(answer))
                place = {"step": step, "steps": len(budgets), "curve": list(curve)}
                yield place | summary(answer)
        except PAGError as error:
            raise refusal(str(error)) from error

    inputs = [
        image_input(),
        number_input(STEPS, api.STEPS.format(most=MOST_STEPS)),
        policy_input(),
        size_input(),
        labels_input(desk),
    ]
    add(
        sweep,
        inputs,
        [gr.JSON(label=api.SWEEP_RESULT, visible=False)],
        api_name="sweep",
        api_description=api.SWEEP,
        concurrency_id="program-sweep",
    )


def point_of(answer: Inference) -> dict[str, float]:
    """What a sweep is plotted by, of one answer; named as in `pag.summary`."""
    return {
        "budget_requested": answer.budget_requested,
        "budget_achieved": answer.budget_achieved,
        "macs_executed": answer.macs_executed,
        "seconds": answer.seconds["network"],
    }


def check_steps(value: Any) -> int:
    """A whole number from 2 to `MOST_STEPS`.

    Raises:
        InputError: it is something else.
    """
    if isinstance(value, float) and value.is_integer():  # a number field gives whole floats
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 2 <= value <= MOST_STEPS:
        raise InputError(api.STEPS_WRONG.format(seen=repr(value)[:40], most=MOST_STEPS))
    return value
