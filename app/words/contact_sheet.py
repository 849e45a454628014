"""What is written on the contact sheet."""

from __future__ import annotations

COLUMNS = (
    "Photograph",
    "Segmentation",
    "Boundaries",
    "Depth (near is bright)",
    "Normals (pale blue faces you)",
    "Ponder cost at {budget:.2g}",
)
CLASS = "{name} {share:.0%}"
METRES = "{near:.1f} to {far:.1f} m"
SPENT = "{mean:.1f} of {gates} layers on average"
SAME_CLASS = "class as at full budget: {share:.0%}"
NOTE = (
    "Checkpoint {checkpoint}, longer side {size} pixels; outputs at full budget. "
    "Ponder cost: layers that ran, dark 0 to bright {gates}."
)
LICENCES = "Photographs are shown scaled down. CC BY 2.0: creativecommons.org/licenses/by/2.0"
