"""What is said of the four outputs: agreement with full budget, comparing, depth in space,
and quality against compute."""

from __future__ import annotations

from app.words import latency

# Comparing with full budget
COMPARE = "Compare with full budget"

# Agreement with full budget, below each output; the first number is the task's headline
AGREEMENT = {
    "segmentation": "<b>{first:.1%}</b> of pixels have the class of full budget "
    "(<abbr title='mean intersection over union of the classes seen'>mIoU</abbr> {second:.2f}).",
    "boundary": "F-measure <b>{first:.2f}</b> against full budget, pixel by pixel from strength "
    "0.5 on. Strengths differ by {second:.3f} on average.",
    "depth": "<b>{first:.1%}</b> mean relative difference to full budget; {second:.1%} of pixels "
    "are within a factor of 1.25.",
    "normals": "<b>{first:.1f}°</b> mean angle to full budget; {second:.1%} of pixels are "
    "within 11.25°.",
}
AGREEMENT_NONE = "No pixel here can be compared with full budget."
AGREEMENT_FULL = "This is full budget, with which the others are compared."

# Depth in space
SPACE = "Show depth as"
SPACE_MODES = {"picture": "picture", "space": "3-D"}
SPACE_TURN = "Turn"
SPACE_RESET = "Front"

# Quality against compute
QUALITY_TAB = "Quality against compute"
QUALITY_HINT = (
    "How close each budget comes to what the same network says of <strong>this photo</strong> at "
    "full budget. That tells what is lost by skipping, not whether the network is right. "
    "The curves grow as the other budgets are computed; the ring is the budget shown. "
    "Click a point to go there."
)
QUALITY_EMPTY = "Once a photo is analysed, this compares every budget with full budget."
QUALITY_HERE = "This photo"
QUALITY_X = "budget"
QUALITY_NOW = "shown"
QUALITY_TITLES = {
    "segmentation": ("Segmentation: same class", "share of pixels", "Share of pixels whose class "
                     "is that of full budget. 1 is the same everywhere."),
    "boundary": ("Boundaries: F-measure", "F-measure", "Precision and recall of boundary "
                 "pixels in one number, their harmonic mean. 1 is the same."),
    "depth": ("Depth: relative difference", "absrel", "Mean of |metres − full budget's| / full "
              "budget's. 0 is the same; the axis points down."),
    "normals": ("Surface normals: angle", "degrees", "Mean angle between the directions. "
                "0 is the same; the axis points down."),
    "time": (latency.TITLE, latency.AXIS, latency.WHAT),
}  # fmt: skip
"""Task, or time -> (title, axis, what it is)."""
QUALITY_HOVER = "budget %{x:.2f}<br><b>%{y:.3f}</b><extra></extra>"
QUALITY_HOVER_TIME = "budget %{x:.2f}<br><b>%{y:.0f} ms</b><extra></extra>"
QUALITY_ALT = "{title}, against the budget"

HELDOUT = "Held-out photographs, against the truth"
HELDOUT_HINT = (
    "Scores on pictures that the network never learned from, at equal executed multiply-adds. "
    "Up is better in every chart; what falls far behind runs out of it. "
    "Measured on checkpoint {checkpoint}."
)
HELDOUT_OTHER = "The network that runs here is another one: checkpoint {running}."
HELDOUT_NONE = (
    "There are no results on held-out photographs here: neither `assets/results/baselines.json` "
    "nor `assets/results/evaluation.json` is there to be read."
)
HELDOUT_X = "executed multiply-adds"
HELDOUT_TITLE = "{task} · {dataset}"
HELDOUT_IMAGES = "{count} pictures"
HELDOUT_HOVER = "%{{x:.0%}} of the multiply-adds<br><b>{measure} %{{y:.3f}}</b>"
HELDOUT_TASKS = {
    "segmentation": "Segmentation",
    "boundary": "Boundaries",
    "depth": "Depth",
    "normals": "Surface normals",
}
HELDOUT_DATASETS = {
    "camvid": "CamVid",
    "bsds500": "BSDS500",
    "sevenscenes": "7-Scenes",
    "scenes": "rendered scenes",
}
HELDOUT_MEASURES = {
    "segmentation": ("mIoU", "Intersection over union of each class, averaged over classes."),
    "boundary": ("ODS", "Best F-measure at one threshold for all photographs, boundaries matched "
                 "one to one."),
    "depth": ("absrel", "Mean of |metres − true metres| / true metres. 0 is perfect; the axis "
              "points down."),
    "normals": ("median angle", "Half of the pixels are closer to the true direction than this, "
                "in degrees. The axis points down."),
}  # fmt: skip
"""Task -> (name of its headline measure, what it is)."""
HELDOUT_METHODS = {
    "learned": "pixel-wise gating",
    "scaled": "pixel-wise gating on a smaller picture",
    "random": "random pixels",
    "grid": "grid perforation",
    "grid_learned_shares": "grid perforation, learned layer shares",
    "whole_layers": "whole-layer skipping",
    "truncated": "truncated backbone",
    "lower_resolution": "lower resolution",
    "random_shares": "random pixels, learned layer shares",
}

# What the page's script says; the words in braces are filled in by it.
SCRIPT = {
    "agreementWaiting": "Agreement with full budget comes once full budget is computed.",
    "compareWaiting": "Full budget is being computed. The line comes as soon as it is there.",
    "compareOn": "Left of the line: budget {shown}. Right of it: full budget. Drag the line, or "
    "move it with the arrow keys.",
    "compareSame": "Both sides are full budget. Move the slider down to see what changes.",
    "divider": "Line between budget {shown} on the left and full budget on the right",
    "dividerAt": "{share} of the picture shows budget {shown}",
    "leftSide": "{shown}",
    "rightSide": "full",
    "fullAlt": "{title} At full budget.",
    "space": "Depth in space, in the photo's colours. Drag or use the arrow keys to turn it, + and "
    "- to come closer.",
    "spaceNote": "{count} points; drag to turn. Metres assume a usual camera, 57° along the "
    "longer side: with another one all grow or shrink together.",
}
