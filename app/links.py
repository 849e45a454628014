"""Settings in a link: read from an address, checked as any other wish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.actions import Desk
from app.wish import Wish
from app.words.takeaway import LINK_IGNORED
from pag import PAGError

NAMES = ("budget", "policy", "size", "labels", "execution")
LONGEST = 20  # characters of a value; anything longer is no setting


def read_link(query: Mapping[str, str], desk: Desk) -> tuple[Wish, list[str]]:
    """The settings of an address, and why any of them had to be left out.

    Args:
        query: names and values after the question mark; other names are nobody's business here.
        desk: knows what the network can run with.

    Returns:
        A wish that `desk` accepts, the usual settings where the address says nothing, and a
        sentence for each value that was left out.
    """
    wish, trouble = Wish(budget=desk.first_budget), []
    for name in NAMES:
        if name not in query:
            continue
        tried = replace(wish, **{name: _value(name, query[name])})
        try:
            desk.check(tried)
        except PAGError as error:
            trouble.append(str(error))
        else:
            wish = tried
    return wish, trouble


def left_out(trouble: list[str]) -> str:
    """What the visitor is told about the values that were left out; empty if there are none."""
    return LINK_IGNORED.format(reasons=" ".join(trouble)) if trouble else ""


def _value(name: str, text: str) -> Any:
    """The text as the number that it stands for; anything else as it is, to be refused."""
    text = text[:LONGEST]
    try:
        return {"budget": float, "size": int}.get(name, str)(text)
    except ValueError:
        return text
