"""What programs read about the endpoints, and what they are told when something is wrong."""

from __future__ import annotations

IMAGE = "Image file, uploaded; addresses elsewhere on the web are not fetched"
BUDGET = "Compute budget: executed / dense multiply-adds, from the network's floor to 1"
OTHER_BUDGET = "Compute budget of the second pass"
POLICY = "Budget policy: exact, adaptive or scaled"
OTHER_POLICY = "Budget policy of the second pass: exact, adaptive or scaled"
SIZE = "Working size: longer side in pixels at which the network sees the image"
LABELS = "Label set that segmentation chooses among"
STEPS = "How many budgets, evenly from the network's floor to 1: 2 to {most}"
X = "Pixels from the left edge of the image, from 0"
Y = "Pixels from the upper edge of the image, from 0"

ANALYZE = (
    "Runs the network on one image at one compute budget. Returns the scalars of the result "
    "(budgets, multiply-adds, seconds measured and predicted, class shares, active fraction of "
    "each gate, share of each dilation), the four outputs coloured as on the page, and the "
    "ponder-cost map, all as PNG."
)
ANALYZE_RESULT = "Scalars of the result"
SWEEP = (
    "Runs the network on one image at rising budgets, and streams the scalars of one result after "
    "the other as they are ready: those of /analyze, with 'step' and 'steps' to count them. The "
    "'curve' of each has budget, multiply-adds and seconds of all steps so far, so that the last "
    "one tells of the whole sweep. Whoever waits at the page is served between two steps."
)
SWEEP_RESULT = "Scalars of one result"
PIXEL = (
    "Says all about one place of an image at one budget: class, boundary strength, depth in metres "
    "along the camera's axis, unit normal (x right, y down, z forward), the dilation chosen, every "
    "gated layer with whether it ran and its gate's own probability, and the multiply-adds spent."
)
PIXEL_RESULT = "What the record says of the place"
COMPARE = (
    "Runs one image at two budgets or policies. Returns the scalars of both results, how far the "
    "outputs agree (the second is the measure), and what the first cost relative to the second."
)
COMPARE_RESULT = "Both results and their agreement"
REPORT = (
    "Runs the network on one image and returns a report as one HTML file that needs no network: "
    "settings, numbers, pictures, the table of layers, how to read it, and the citation."
)
REPORT_RESULT = "The report, an HTML file"

STEPS_WRONG = "The number of steps is {seen}; expected a whole number from 2 to {most}."
PLACE_NOT_NUMBER = "{axis} is {seen}; expected a number of pixels."
PLACE_OUTSIDE = "{axis} is {seen}; the image has pixels 0 to {last} on that axis."

MCP = (
    "offer the endpoints as tools to language models, at /gradio_api/mcp/ of the page's address; "
    "needs the package mcp"
)
MCP_PIN = "mcp==1.30.0"
NO_MCP = (
    "--mcp needs a package that is not installed. Install it with `pip install {pin}`, "
    "or start without --mcp."
)
