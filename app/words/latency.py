"""What is said of the time that a budget takes."""

from __future__ import annotations

MEASURED = (
    "<strong>{here}</strong> here, {full} at full budget: <strong>{share:.0%}</strong> of its "
    "time, measured on this photo."
)
VARIES = " Passes take longer while this machine does something else, too."
MEASURED_FULL = "This is full budget, with which the others' time is compared."
PREDICTED = (
    "{full} at full budget: <strong>{share:.0%}</strong> of its time should be needed here, says "
    "what was measured of this machine."
)

# The chart
TITLE = "Time: the network"
AXIS = "milliseconds"
WHAT = (
    "Measured on this photo: one pass for each budget and, once the page rests, one more, of which "
    "the quicker counts. A point may lie a little off."
)

# The program's own start
MEASURE = (
    "learn how fast this machine is, once, while nobody waits: skipping is then used only where "
    "it is faster here, and times are predicted"
)
FAILED = "measuring this machine failed"
