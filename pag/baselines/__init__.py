"""What pixel-wise gating is compared with: simpler ways to spend less, with the same weights.

Every baseline is a gate policy, an execution, or a smaller input, and is scored and timed by
the code that scores and times the gates themselves: ``python -m pag.baselines``.
"""
