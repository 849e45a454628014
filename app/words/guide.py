"""Terms in plain words, and the guided tour."""

from __future__ import annotations

from typing import Any

TERMS = {
    "budget": (
        "The share of the full network's multiply-adds that may be spent on this photo. 1 is "
        "everything."
    ),
    "multiply-adds": (
        "One multiplication and one addition: the unit in which a network's work is counted. "
        "Papers write MACs, and GMACs for billions of them."
    ),
    "gate": (
        "A small unit in front of a layer. At every pixel it decides whether the layer computes "
        "there or lets the signal pass on unchanged."
    ),
    "active fraction": "The share of a layer's pixels at which its gate is open.",
    "ponder cost": "How many of the gated layers ran at a pixel.",
    "output stride": ("How many photo pixels along each side share one pixel of a layer's grid."),
    "layer name": (
        "Stage and block: res4_2 is the second block of stage 4. From stage to stage the network "
        "sees more of the photo at once."
    ),
    "stem": "The first convolution of the network, before all stages. It runs at every pixel.",
    "MultiPool": (
        "The layer of the last stage that lets every pixel choose its pooling field. It has no "
        "gate: each pixel computes the one field that it chose."
    ),
    "pooling field": (
        "What MultiPool looks at from a pixel of its grid: that pixel alone, or nine pixels, one "
        "dilation apart."
    ),
    "decoder": (
        "The layers that join the last stage with earlier, finer ones, so that the outputs have "
        "sharp edges."
    ),
    "heads": "The last layers, a few for each of the four outputs.",
    "dilation": (
        "The distance, in pixels of the layer's grid, between the nine pixels that a 3×3 filter "
        "looks at. A larger one looks farther for the same work."
    ),
    "exact": (
        "The policy that meets the budget on every photo: the pixels that wish most to be computed "
        "are kept until the budget is spent."
    ),
    "adaptive": (
        "The policy of the paper: each gate opens where its probability is above one half, so an "
        "easy photo costs less than was asked for."
    ),
    "scaled": (
        "The policy that meets the budget in two ways: down to 70% the gates skip, as with exact, "
        "and below that the network sees a smaller picture of which the gates keep 70%. Masks are "
        "shown where they belong in the photo."
    ),
    "grid perforation": (
        "Another way to spend less: layers compute on a regular grid of pixels, and each pixel "
        "between takes the value of the nearest one that was computed."
    ),
    "truncated backbone": (
        "Another way to spend less: the backbone, which is stem and stages, ends early. The gated "
        "layers after that are skipped everywhere."
    ),
}
"""Term, as it stands in the hints -> what it means."""

GLOSSARY = "Terms in plain words"
ASK = "What is meant by budget, multiply-adds, exact, adaptive, scaled? Point at a word, or tap it."

TOUR = "Take the tour"
TOUR_BACK = "Back"
TOUR_NEXT = "Next"
TOUR_END = "End the tour"
TOUR_DONE = "Done"
TOUR_COUNT = "{step} of {all}"
STEPS = (
    (
        "#photo",
        "",
        "Begin with a photo",
        "Drop one of your own here, or click an example below it. It stays on the machine that "
        "runs this page.",
    ),
    (
        "#budget",
        "",
        "Slide the budget",
        "It says what share of the full network's multiply-adds may be spent. Every panel follows "
        "the slider; Play runs through all budgets.",
    ),
    (
        "#outputs",
        "",
        "Four answers from one pass",
        "Classes, boundaries, depth and surface directions. Point at a place to read it in all of "
        "them, click to keep it.",
    ),
    (
        "#ponder-panel",
        "ponder",
        "Where the compute went",
        "Bright places had many layers computed, dark ones few. Lower the budget and watch what "
        "the network gives up first.",
    ),
    (
        "#gates-panel",
        "gates",
        "Layer by layer",
        "One mask for each gated layer: gold where it ran, dark where it was skipped. Click one to "
        "see it large.",
    ),
    (
        "#take-panel",
        "take",
        "Take it away",
        "Every picture raw or coloured, a report in one file, and a link that shows somebody else "
        "the same settings.",
    ),
)
"""(element, tab to open or empty, title, text) of each step of the tour."""


def tour_words() -> dict[str, Any]:
    """What the page's script needs for the tour."""
    return {
        "steps": STEPS,
        "count": TOUR_COUNT,
        "back": TOUR_BACK,
        "next": TOUR_NEXT,
        "done": TOUR_DONE,
        "end": TOUR_END,
    }
