"""`/report`: one image, one HTML file."""

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
from app.photos import load_photo
from app.report import html_report
from app.views.download import in_cache
from app.wish import Wish
from app.words import api
from app.words.takeaway import REPORT_STEM


def add_report(desk: Desk, concurrency_id: str) -> None:
    """Add `/report` (image, budget, policy, size, labels) to the blocks under construction."""
    file = gr.File(label=api.REPORT_RESULT, visible=False)

    def report(image: Any, budget: Any, policy: Any, size: Any, labels: Any) -> str:
        settings = desk.check(Wish(budget, policy, size=size, labels=labels))
        answer = desk.run(load_photo(image, settings.size), settings)
        path = in_cache(file.GRADIO_CACHE) / f"{REPORT_STEM}.html"
        path.write_text(html_report(answer, settings, option=desk.models.option), encoding="utf-8")
        return str(path)

    inputs = [
        image_input(),
        number_input(desk.first_budget, api.BUDGET),
        policy_input(),
        size_input(),
        labels_input(desk),
    ]
    add(
        explained(report),
        inputs,
        [file],
        api_name="report",
        api_description=api.REPORT,
        concurrency_id=concurrency_id,
    )
