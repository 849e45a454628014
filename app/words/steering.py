"""The words of "Steer by hand". See `app.content`."""

from __future__ import annotations

TAB = "Steer by hand"
HINT = (
    "Paint where the network shall spend its compute, and where it shall skip. The budget is met "
    "as before: what you give to one place is taken from the others. (The adaptive policy takes "
    "nothing from them, so there the cost moves.)"
)
BRUSH = "Brush"
BRUSHES = {"spend": "spend here", "skip": "skip here", "erase": "eraser"}
SIZE = "Size"
CLEAR = "Clear"
SAVE_MAP = "Save the map"
SAVE_MAP_HINT = "A grey picture for pag.predict --steer"
MAP_FILE = "steering-map.png"
MAP_HINT = f"{MAP_FILE} is what “{SAVE_MAP}” saves in “{TAB}”."
CANVAS = "Paint on the photo"
RESULT = "Layers that ran, at the budget shown"
KEYS = (
    "By keyboard: the arrow keys move the outline; Space paints with the brush, S spends, K skips "
    "and E erases there."
)
RESULT_SCALE = ("no layer", "all layers")
RESULT_ALT = "Ponder cost of every pixel over the photo, at the budget shown"

NOTE = (
    "<strong>Steered by hand.</strong> {spend} of the photo is marked “spend here”, "
    "{skip} “skip here”."
)
TAKE_AWAY = "Take the steering away"

CHANGE_SPEND = (
    "Where you said <strong>spend here</strong>, {after:.1f} of {gates} layers ran on average; "
    "without your marks {before:.1f}."
)
CHANGE_SKIP = (
    "Where you said <strong>skip here</strong>, {after:.1f} of {gates} layers ran on average; "
    "without your marks {before:.1f}."
)
CHANGE_REST = "Everywhere else {after:.1f} ran, without your marks {before:.1f}."
CHANGE_OUTPUTS = (
    "{share} of the photo has another class now, and depth moved by {metres:.2f} m on average."
)
CHANGE_BUDGET = "Budget: {after:.3f} achieved, {before:.3f} without; {asked:.2f} was asked for."
CHANGE_FULL = "At full budget every layer runs everywhere, so steering changes nothing."
CHANGE_FAILED = "What changed could not be worked out. Paint again, or move the slider."

PAINTING_SHAPE = (
    "What was painted did not arrive as expected: a list of cells with their rows and columns, "
    "at most {cells} each."
)
PAINTING_COUNT = "{seen} painted cells arrived; expected {rows} rows of {columns}."
PAINTING_RANGE = "A painted cell is no number from -1 (skip here) to 1 (spend here)."

SCRIPT = {
    "marked": "{place}: {brush}",
    "erased": "{place}: left to the network",
    "none": "Nothing is painted.",
    "shares": "Painted: {spend} spend here, {skip} skip here.",
    "brushes": BRUSHES,
    "file": MAP_FILE,
}
"""What the page's script says; the words in braces are filled in by it."""
