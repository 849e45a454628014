"""`/compare`: one image at two budgets or policies."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.actions import Desk
from app.comparison import compare_summary
from app.endpoints.inputs import (
    add,
    explained,
    image_input,
    labels_input,
    number_input,
    policy_input,
    size_input,
)
from app.photos import load_photo
from app.wish import Wish
from app.words import api
from pag import summary


def add_compare(desk: Desk, concurrency_id: str) -> None:
    """Add `/compare` (image, budget, other_budget, policy, other_policy, size, labels)."""

    def compare(
        image: Any,
        budget: Any,
        other_budget: Any,
        policy: Any,
        other_policy: Any,
        size: Any,
        labels: Any,
    ) -> dict[str, Any]:
        # Both are checked before either is computed.
        first = desk.check(Wish(budget, policy, size=size, labels=labels))
        second = desk.check(Wish(other_budget, other_policy, size=size, labels=labels))
        photo = load_photo(image, first.size)
        a, b = desk.run(photo, first), desk.run(photo, second)
        return {"first": summary(a), "second": summary(b)} | compare_summary(a, b)

    inputs = [
        image_input(),
        number_input(desk.first_budget, api.BUDGET),
        number_input(1.0, api.OTHER_BUDGET),
        policy_input(),
        policy_input(api.OTHER_POLICY),
        size_input(),
        labels_input(desk),
    ]
    add(
        explained(compare),
        inputs,
        [gr.JSON(label=api.COMPARE_RESULT, visible=False)],
        api_name="compare",
        api_description=api.COMPARE,
        concurrency_id=concurrency_id,
    )
