"""`/analyze`: one image at one budget, with its pictures."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app import content
from app.actions import Desk
from app.endpoints.inputs import add, explained, image_input, number_input, policy_input
from app.figures import outputs, ponder
from app.wish import Wish
from app.words import api
from pag import summary


def add_analyze(desk: Desk, concurrency_id: str) -> None:
    """Add `/analyze` (image, budget, policy) to the blocks under construction.

    It returns the scalars of the result, then five PNG files: the four outputs as the page
    colours them, and the ponder-cost map.
    """

    def analyze(image: Any, budget: Any, policy: Any) -> list[Any]:
        answer = desk.analyse(image, Wish(budget=budget, policy=policy))
        return [
            summary(answer),
            outputs.segmentation_image(answer),
            outputs.boundary_image(answer),
            outputs.depth_image(answer),
            outputs.normals_image(answer),
            ponder.ponder_image(answer),
        ]

    labels = (
        content.SEGMENTATION_TASK,
        content.BOUNDARY_TASK,
        content.DEPTH_TASK,
        content.NORMALS_TASK,
        content.PONDER_TASK,
    )
    results = [
        gr.JSON(label=api.ANALYZE_RESULT, visible=False),
        *(gr.Image(label=label, format="png", visible=False) for label in labels),
    ]
    add(
        explained(analyze),
        [image_input(), number_input(desk.first_budget, api.BUDGET), policy_input()],
        results,
        api_name="analyze",
        api_description=api.ANALYZE,
        concurrency_id=concurrency_id,
    )
