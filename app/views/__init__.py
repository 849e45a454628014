"""The panels of the page, one a file.

Every panel has `build()`, which makes its component inside the current `gr.Blocks`: its
fixed markup, with slots where contents go. `fill(answer, first)` gives the contents at one
budget; `scene(first)`, where there is one, those that hold at every budget. `first` is the
scene's first answer, by which colours that depend on the picture are chosen. Fills go to the
browser (`app.frames`), which puts them into the slots (`app/front`).
"""
