"""`/pixel`: everything that a record says of one place."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.actions import Desk
from app.endpoints.inputs import (
    add,
    explained,
    image_input,
    labels_input,
    number_input,
    policy_input,
    size_input,
)
from app.figures.pixel import pixel_story
from app.photos import load_photo
from app.wish import Wish
from app.words import api
from pag import Inference, InputError


def add_pixel(desk: Desk, concurrency_id: str) -> None:
    """Add `/pixel` (image, x, y, budget, policy, size, labels) to the blocks."""

    def pixel(
        image: Any, x: Any, y: Any, budget: Any, policy: Any, size: Any, labels: Any
    ) -> dict[str, Any]:
        settings = desk.check(Wish(budget, policy, size=size, labels=labels))
        photo = load_photo(image, settings.size)
        height, width = photo.picture.size
        place = check_place("x", x, width), check_place("y", y, height)
        return pixel_facts(desk.run(photo, settings), *place)

    inputs = [
        image_input(),
        number_input(0, api.X),
        number_input(0, api.Y),
        number_input(desk.first_budget, api.BUDGET),
        policy_input(),
        size_input(),
        labels_input(desk),
    ]
    add(
        explained(pixel),
        inputs,
        [gr.JSON(label=api.PIXEL_RESULT, visible=False)],
        api_name="pixel",
        api_description=api.PIXEL,
        concurrency_id=concurrency_id,
    )


def check_place(axis: str, value: Any, size: int) -> int:
    """A pixel's index along an axis of `size` pixels.

    Raises:
        InputError: it is no number, or outside the image.
    """
    seen = repr(value)[:40]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not abs(value) <= 1e9:  # nor is NaN
        raise InputError(api.PLACE_NOT_NUMBER.format(axis=axis, seen=seen))
    if not 0 <= value < size:
        raise InputError(api.PLACE_OUTSIDE.format(axis=axis, seen=seen, last=size - 1))
    return int(value)


def pixel_facts(answer: Inference, x: int, y: int) -> dict[str, Any]:
    """What a record says of pixel (`x`, `y`) of the image that was handed in, ready for JSON."""
    height, width = answer.image_size
    told = pixel_story(answer, (x + 0.5) / width, (y + 0.5) / height)
    return {
        "x": told.x,
        "y": told.y,
        "budget_requested": answer.budget_requested,
        "budget_achieved": answer.budget_achieved,
        "class": told.name,
        "boundary": told.boundary,
        "depth": told.depth,
        "normal": None if told.normal is None else list(told.normal),
        "dilation": told.dilation,
        "reach": told.reach,
        "layers_ran": told.count,
        "layers": [
            {"name": layer.name, "ran": layer.ran, "probability": layer.probability}
            for layer in told.layers
        ],
        "kilo_macs": told.kilo_macs,
        "kilo_macs_dense": told.dense_kilo_macs,
    }
