"""The words of "Two at once". See `app.content`."""

from __future__ import annotations

TAB = "Two at once"
HINT = (
    "A is the answer that is shown. Choose what to put beside it: the outline and the kept place "
    "are the same in both."
)
AGAINST = "B is"
SHOW = "Look at"
SHOWS = {
    "segmentation": "classes",
    "boundary": "boundaries",
    "depth": "depth",
    "normals": "normals",
    "ponder": "ponder cost",
}
VIEWS = {
    "a": ("A, the answer shown", "A: the chosen picture of the answer that is shown"),
    "b": ("B, beside it", "B: the same picture of the other answer"),
    "difference": ("Where they differ", "Where A and B differ, in colour over the photo"),
}
NUMBERS = (
    "<strong>{achieved:.3f}</strong> achieved, {requested:.2f} asked for · "
    "<strong>{executed:.2f}</strong> of {dense:.2f} billion multiply-adds · "
    "<strong>{time}</strong> network"
)
FAILED = "The other answer could not be computed. Choose again."
UNKNOWN = "What to put beside it is {seen}; expected {expected}."

SCRIPT = {
    "groups": {
        "budget": "another budget",
        "policy": "another policy",
        "model": "another model",
        "steering": "the steering",
    },
    "budget": "budget {budget}",
    "policy": {
        "exact": "exact policy",
        "adaptive": "adaptive policy",
        "scaled": "scaled policy",
    },
    "model": "model {name}",
    "steering": "without your steering",
    "captions": {"a": "A · budget {budget}", "b": "B · {name}"},
    "failed": FAILED,
    "waiting": "B is being computed …",
    "differ": {
        "segmentation": "{share} of the pixels have another class.",
        "boundary": "Boundary strength differs by {mean} on average.",
        "depth": "Depth differs by {mean} m on average.",
        "normals": "Surfaces are turned by {mean}° on average.",
        "ponder": "A ran more layers at {more} of the places, fewer at {less}.",
    },
    "keys": {
        "plain": [["off", "A and B differ; the stronger, the more"]],
        "ponder": [["on", "A ran more layers"], ["off", "A ran fewer"]],
        "scale": [["scale", "layers that ran, dark none to bright all"]],
    },
}
"""What the page's script says; the words in braces are filled in by it."""
