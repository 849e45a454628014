"""Meeting a time in place of a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pag.errors import BudgetError, InputError
from pag.images import fit_size
from pag.inference import TASKS, Inference
from pag.latency import check_milliseconds, lowest_budget
from pag.macs import Size
from pag.predictor import DEFAULT_SIZE, Photo, Predictor, open_picture, wanted_tasks

NEAR = 0.03
"""A pass this close to the time asked for is taken as it is."""
TRIES = 4


class Pacer:
    """Runs a predictor within a given time, image after image.

    The first budget comes from what was measured on this machine. A machine is never quite as
    fast as it was, so a pass corrects the prediction by one factor, and the next one is nearer.

    Args:
        predictor: one that has measured its machine; see `pag.machine`.

    Attributes:
        factor: time measured / time predicted, of the passes so far.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.factor = 1.0
        self._warm: set[Size] = set()

    def __call__(
        self,
        image: Photo,
        milliseconds: float,
        *,
        size: int = DEFAULT_SIZE,
        tasks: Sequence[str] = TASKS,
        **options: Any,
    ) -> Inference:
        """One photograph, with the highest budget that the time allows.

        Args:
            image: as `Predictor` takes it.
            milliseconds: that the network may take. A time that even full budget does not
                need is not used up.
            size, tasks, options: as `Predictor` takes them; the policy is ``exact`` and the
                execution ``auto``, of which alone the time is known before.

        Returns:
            The pass that came nearest, with `Inference.seconds_asked`, and what was expected
            of it in `Inference.seconds_predicted`.

        Raises:
            InputError: an unusable image or option, or a machine not measured yet.
            BudgetError: a time that is too short, or no number above 0.
        """
        check_milliseconds(milliseconds)
        check_timed(options.get("policy", "exact"), options.get("execution", "auto"))
        picture = open_picture(image, size)
        shape = fit_size(*picture.size, size)
        least = lowest_budget(self.predictor.net.cost(shape, wanted_tasks(tasks)))
        # What the table rules out is refused; what the machine is too slow for now is not.
        self.predictor.budget_within(milliseconds, shape, tasks)

        def fitting() -> float:
            try:
                return self.predictor.budget_within(milliseconds, shape, tasks, self.factor)
            except BudgetError:
                return least

        budget = fitting()
        if shape not in self._warm:
            # The first pass of a shape prepares kernels, and says nothing of the next one.
            self.predictor(picture, budget, size=size, tasks=tasks, **options)
            self._warm.add(shape)
        best: Inference | None = None
        for _ in range(TRIES):
            found = self._run(picture, budget, milliseconds, size=size, tasks=tasks, **options)
            if best is None or _distance(found) < _distance(best):
                best = found
            short = found.seconds["network"] * 1000 <= milliseconds
            spent = budget == 1 if short else budget == least
            if spent or _distance(best) <= NEAR:
                break
            budget = fitting()
        assert best is not None
        return best

    def _run(self, image: Photo, budget: float, milliseconds: float, **options: Any) -> Inference:
        """One pass; `factor` follows it."""
        record = self.predictor(image, budget, **options)
        table = record.seconds_predicted
        expected = {name: seconds * self.factor for name, seconds in table.items()}
        self.factor = record.seconds["network"] / table["network"]
        return replace(record, seconds_predicted=expected, seconds_asked=milliseconds / 1000)


def check_timed(policy: object, execution: object) -> None:
    """`InputError` unless passes run in the way whose time is known before."""
    if (policy, execution) != ("exact", "auto"):
        raise InputError(
            f"A time was asked for with {policy} policy and {execution} execution; "
            "expected exact policy and auto execution, whose time is known before."
        )


def _distance(record: Inference) -> float:
    """How far a pass was from the time asked for, as a share of it."""
    assert record.seconds_asked is not None
    return abs(record.seconds["network"] / record.seconds_asked - 1)
