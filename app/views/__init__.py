"""The panels of the page, one a file.

Every panel has `build()`, which makes its components inside the current `gr.Blocks` and
returns them, and `render(session)`, which returns one update for each of them in the same
order. A panel reads the session and changes nothing.
"""
