"""Typed errors whose messages are written for the person who caused them.

Every message says what was seen and what was expected, in plain words, and is safe
to show in a user interface: no paths, no tensors, no tracebacks.
"""


class PAGError(Exception):
    """Base of every error that a caller of ``pag`` can get wrong and put right."""


class InputError(PAGError, ValueError):
    """The input (an image, an option, a data folder) cannot be used as it is."""


class BudgetError(PAGError, ValueError):
    """The compute budget is not a number, or outside what the network can reach."""


class WeightsError(PAGError, RuntimeError):
    """A checkpoint is missing, incomplete, or does not fit the network."""
