"""The time that a budget takes: measured on this photo where it can be, predicted until then."""

from __future__ import annotations

from app import content
from app.words import latency as words
from pag import Inference

SLOT = "time"


def predicted(answer: Inference) -> str:
    """What the machine's table says of one answer beside full budget; empty without a table."""
    times = answer.seconds_predicted
    if not times or answer.budget_requested >= 1:
        return ""
    return words.PREDICTED.format(
        full=content.milliseconds(times["full"]), share=times["network"] / times["full"]
    )


def measured(answer: Inference, full: Inference) -> str:
    """The time of one answer beside that of full budget, both as they were measured."""
    if answer is full:
        return words.MEASURED_FULL
    here, everything = answer.seconds["network"], full.seconds["network"]
    said = words.MEASURED.format(
        here=content.milliseconds(here),
        full=content.milliseconds(everything),
        share=here / everything,
    )
    return said if here < everything else said + words.VARIES
