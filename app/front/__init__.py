"""The page's own script: its files in one piece, with the words that it says.

The files share one scope and are joined in the order of `FILES`. There is no build step
and nothing is fetched: the script goes into the page's head.
"""

from __future__ import annotations

import json
from pathlib import Path

from app import content
from app.palette import DIFFERENCE
from app.words import guide, steering, takeaway, two

FILES = (
    *("core", "nudge", "sweep", "times", "link", "large", "charts", "layers", "field", "pixel"),
    *("compare", "legend", "surface", "space", "quality", "steer", "two"),
    *("takeaway", "terms", "tour", "examples"),
)


def script() -> str:
    """A `<script>` element for the head of the page."""
    folder = Path(__file__).parent
    words = content.SCRIPT | content.outputs.SCRIPT
    words |= {
        "keys": content.GATES_KEYS,
        "readout": content.READOUT,
        "fieldHint": content.FIELD_HINT,
        "pixelEmpty": content.PIXEL_EMPTY,
        "examples": content.EXAMPLE_NAMES,
        "colours": DIFFERENCE,
        "steer": steering.SCRIPT,
        "two": two.SCRIPT,
        "takeaway": takeaway.SCRIPT,
        "terms": guide.TERMS,
        "tour": guide.tour_words(),
    }
    # "</" would end the element early.
    spoken = json.dumps(words, ensure_ascii=False).replace("</", "<\\/")
    parts = [(folder / f"{name}.js").read_text(encoding="utf-8") for name in FILES]
    body = "\n".join(['"use strict";', f"const words = {spoken};", *parts])
    return f"<script>(() => {{\n{body}\n}})();</script>"
