"""What is said where pictures, files, reports and links are taken away."""

from __future__ import annotations

TAB = "Take it away"
HINT = (
    "What is shown, as files. <strong>Coloured</strong> pictures have the colours of the page, at "
    "the size at which the network saw the photo. <strong>Raw</strong> files hold the "
    "values themselves, at the photo's own size."
)
FORMATS = {"coloured": "Coloured PNG", "png": "Raw PNG", "npy": "Raw NumPy"}
"""Kind of file -> what its button says."""
HEAD = ("Picture", "Coloured", "Raw", "Raw values are")
RAW = {
    "segmentation": "class ids, 8 bits; result.json in the zip names them",
    "boundary": "strength: 65535 is 1 in the 16-bit PNG, float32 in NumPy",
    "depth": "millimetres in the 16-bit PNG, float32 metres in NumPy",
    "normals": "x, y, z from −1 to 1 as 0 to 65535 in the 16-bit PNG, float32 in NumPy",
    "ponder": "how many layers ran, 8 bits",
    "dilation": "the dilation itself, 8 bits; 0 is the 1×1 path",
    "gates": "one mask a layer on its own grid: PNG files zipped, or one NumPy archive",
}
ONE_ROW = "{name}: {kind}"
PONDER = "Ponder cost"
DILATION = "Pooling fields"
GATES = "Layer by layer"

ALL_TITLE = "All of it"
ZIP = "Everything (.zip)"
ZIP_HINT = "The same folder as <code>python -m pag.predict</code> writes: all raw files."
REPORT = "Report (.html)"
REPORT_HINT = (
    "One page with settings, numbers, pictures and the table of layers. It opens from disk, "
    "needs no network, and prints."
)
LINK_TITLE = "Show somebody the same"
LINK = "Copy link to these settings"
LINK_HINT = "Budget, policy, working size, label set and execution. Never your photo."
LINK_LABEL = "Link to these settings"

SCRIPT = {
    "making": "The file is being made …",
    "made": "Done. The file is among your downloads.",
    "nothing": "There is nothing to take away yet. Choose a photo first.",
    "copied": "Copied. Whoever opens it sees these settings.",
    "by_hand": "This browser lets no page copy. The link is selected: press Ctrl+C or ⌘C.",
}
UNKNOWN = "There is no such file to take away; expected one of {expected}."
LINK_IGNORED = "Part of the link was left out, and the usual settings hold there. {reasons}"

STEM = "pag-explorer"
REPORT_STEM = "pag-explorer-report"

# The report
REPORT_TITLE = "What the network computed, pixel by pixel"
REPORT_LEAD = (
    "PAG Explorer ran one photograph through a network with pixel-wise attentional gates at a "
    "budget of <strong>{budget:.2f}</strong>: it spent <strong>{achieved:.1%}</strong> of the "
    "multiply-adds of the full network, {executed:.2f} of {dense:.2f} billion, in {time}."
)
SETTINGS = "Settings"
FLOOR = "Lowest budget for this photo"
POLICY = "Policy"
EXECUTION = "Execution"
SIZE = "Working size"
SIZE_VALUE = "{size} px, seen at {width} × {height}"
LABELS = "Label set"
DEVICE = "Device"
CHECKPOINT = "Checkpoint"
STEERED = "Steered by hand"
STEERED_VALUE = "on {share} of the photo"
PHOTO = "Photo"
PHOTO_VALUE = "{width} × {height} px"
PHOTO_TITLE = "The photo"
PHOTO_HINT = "Scaled to the working size."
PHOTO_ALT = "The photo, scaled to the working size"
OUTPUTS = "Four outputs"
COMPUTE = "Where the compute went"
PONDER_HINT = (
    "Ponder cost: how many of the {gates} gated layers ran at each pixel, {mean:.1f} on average. "
    "Bright places got most of the compute."
)
PONDER_ALT = "Ponder cost as colours over the photo: bright is much"
DILATION_HINT = "The pooling field that each pixel chose in MultiPool, one layer of the last stage."
DILATION_ALT = "The pooling field chosen at every pixel, in discrete colours"
GATES_HINT = "Gold is where a layer ran, dark is where it was skipped. Layers in network order."
GATES_ALT = "The masks of all gated layers over the photo"
LAYERS = "Table of layers"
LAYERS_HEAD = ("Layer", "Stride", "Active", "Million multiply-adds", "Whole layer", "Computed")
LAYERS_REST = "without a gate"
BUDGETS = "The same photo at other budgets"
BUDGETS_HINT = (
    "Agreement with the same network at budget {full:.2f}, not with the truth. The budgets are "
    "those that were ready when the report was made."
)
BUDGETS_HEAD = (
    "Budget", "Achieved", "Billion multiply-adds", "Network, ms", "Same class",
    "Depth differs by", "Surface turned by",
)  # fmt: skip
DEGREES = "{value:.1f}°"
NOTHING = "–"
READING = "How to read it"
COMMAND = "The same from the command line"
CITE = "Cite the paper"
MADE = "Made by PAG Explorer. The photo is part of this file: share it as you would the photo."
