"""The inputs that endpoints share. Values come through unchecked: `Desk.check` judges them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

import gradio as gr

from app import content
from app.actions import Desk
from app.components import BudgetNumber, PhotoInput, RawChoice, refusal
from app.session import Settings
from app.wish import SIZES
from app.words import api
from pag import PAGError


def image_input() -> Any:
    """An uploaded image file."""
    return PhotoInput(label=api.IMAGE, visible=False)


def number_input(value: float, label: str) -> Any:
    """A number as it comes."""
    return BudgetNumber(value, label=label, visible=False)


def policy_input(label: str = api.POLICY) -> Any:
    """The budget's policy."""
    return RawChoice(list(content.POLICIES), value=Settings.policy, label=label, visible=False)


def size_input() -> Any:
    """The working size."""
    return RawChoice(list(SIZES), value=Settings.size, label=api.SIZE, visible=False)


def labels_input(desk: Desk) -> Any:
    """One of the label sets that this network knows."""
    return RawChoice(list(desk.label_sets), value=Settings.labels, label=api.LABELS, visible=False)


def add(answer: Callable[..., Any], inputs: list[Any], outputs: list[Any], **options: Any) -> None:
    """Add an endpoint to the blocks under construction; `options` are those of an event."""
    # Where endpoints are tools (`app.tools`), Gradio takes what it says of each parameter from
    # the function's docstring.
    named = zip(signature(answer).parameters, inputs, strict=True)
    answer.__doc__ = "\n".join(["Args:", *(f"    {name}: {item.label}" for name, item in named)])
    gr.Button(visible=False).click(
        answer, inputs, outputs, concurrency_limit=1, show_progress="hidden", **options
    )


def explained(answer: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with what its caller can mend told in words for a person."""

    @wraps(answer)
    def guarded(*given: Any) -> Any:
        try:
            return answer(*given)
        except PAGError as error:
            raise refusal(str(error)) from error

    return guarded
