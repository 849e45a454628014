"""What is written on the chart of the benchmark."""

from __future__ import annotations

RUNS = {
    "auto": "pixel-wise gating, auto",
    "sparse": "sparse in every layer",
    "dense": "dense, masked",
    "lower_resolution": "lower resolution, equal multiply-adds",
}
"""By the benchmark's name of the run, in the order of the legend."""
PROPORTIONAL = "time in proportion to the budget"
X = "multiply-adds, share of full"
Y = "time / time at full budget"
TITLE = "{width} × {height}, batch {batch}"
SLOWER = "slower than full budget (hollow)"
NOTE = (
    "{processor}{instructions}, threads: {threads}, torch {torch}; {backbone} {weights}; "
    "medians of {repeats}"
)
INSTRUCTIONS = " with {}"
"""Of the processor, where the report names them."""
BUSY = "; the machine was busy with something else"
"""Added to the note."""
