"""What programs can call: named endpoints with typed inputs and outputs."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app import content
from app.actions import Desk, Wish
from app.components import BudgetNumber, PhotoInput, RawChoice, refusal
from app.figures import outputs, ponder
from app.session import Settings
from pag import PAGError, summary


def add_analyze(desk: Desk, concurrency_id: str) -> None:
    """Add `/analyze` (image, budget, policy) to the blocks under construction.

    It returns the scalars of the result, then five PNG files: the four outputs as the page
    colours them, and the ponder-cost map.
    """

    def analyze(image: Any, budget: Any, policy: Any) -> list[Any]:
        try:
            answer = desk.analyse(image, Wish(budget=budget, policy=policy))
        except PAGError as error:
            raise refusal(str(error)) from error
        return [
            summary(answer),
            outputs.segmentation_image(answer),
            outputs.boundary_image(answer),
            outputs.depth_image(answer),
            outputs.normals_image(answer),
            ponder.ponder_image(answer),
        ]

    inputs = [
        PhotoInput(label=content.ANALYZE_IMAGE, visible=False, elem_id="api-image"),
        BudgetNumber(desk.first_budget, label=content.ANALYZE_BUDGET, visible=False),
        RawChoice(
            list(content.POLICIES),
            value=Settings.policy,
            label=content.ANALYZE_POLICY,
            visible=False,
        ),
    ]
    labels = (
        content.SEGMENTATION_TASK,
        content.BOUNDARY_TASK,
        content.DEPTH_TASK,
        content.NORMALS_TASK,
        content.PONDER_TASK,
    )
    results = [
        gr.JSON(label=content.ANALYZE_RESULT, visible=False),
        *(gr.Image(label=label, format="png", visible=False) for label in labels),
    ]
    gr.Button(visible=False).click(
        analyze,
        inputs,
        results,
        api_name="analyze",
        api_description=content.ANALYZE_DESCRIPTION,
        concurrency_limit=1,
        concurrency_id=concurrency_id,
        show_progress="hidden",
    )
