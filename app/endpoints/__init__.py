"""What programs can call: named endpoints with typed inputs and outputs, one a file.

All of them come through `app.actions.Desk`, which checks everything on the server and
lets one request compute at a time.
"""

from __future__ import annotations

from app.actions import Desk
from app.endpoints.analyze import add_analyze
from app.endpoints.compare import add_compare
from app.endpoints.pixel import add_pixel
from app.endpoints.report import add_report
from app.endpoints.sweep import add_sweep


def add_endpoints(desk: Desk, concurrency_id: str) -> None:
    """Add all endpoints to the blocks under construction.

    Args:
        desk: answers them.
        concurrency_id: of the line in which they wait with the page's visitors. A sweep has a
            line of its own, and takes its turn behind everybody's single answers.
    """
    add_analyze(desk, concurrency_id)
    add_sweep(desk)
    add_pixel(desk, concurrency_id)
    add_compare(desk, concurrency_id)
    add_report(desk, concurrency_id)
