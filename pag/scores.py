"""Running scores of an evaluation: what the passes cost and how right they were."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pag.data import IGNORE, Sample
from pag.export import at_image_size
from pag.inference import Inference
from pag.metrics import (
    BoundaryCounts,
    BoundaryMetric,
    DepthMetric,
    NormalsMetric,
    SegmentationMetric,
    count_matches,
)


class BoundaryMatcher:
    """Counts boundary matches, the slow part, in other processes where there are any.

    Args:
        pool: None counts at once, in this process.
        ahead: images that may wait.
    """

    def __init__(self, pool: ProcessPoolExecutor | None, ahead: int) -> None:
        self.pool, self.ahead = pool, ahead
        self._waiting: deque[tuple[BoundaryMetric, Future[BoundaryCounts]]] = deque()

    def update(
        self, metric: BoundaryMetric, strength: np.ndarray, annotations: Sequence[np.ndarray]
    ) -> None:
        """Add one image to `metric`, at once or later; in order for each metric."""
        if self.pool is None:
            metric.update(strength, annotations)
            return
        arguments = (strength, annotations, metric.thresholds.size, metric.max_dist)
        self._waiting.append((metric, self.pool.submit(count_matches, *arguments)))
        self.collect(self.ahead)

    def collect(self, left: int = 0) -> None:
        """Wait until at most `left` images are waiting."""
        while len(self._waiting) > left:
            metric, counts = self._waiting.popleft()
            metric.add(counts.result())


@contextmanager
def boundary_matcher(workers: int) -> Iterator[BoundaryMatcher]:
    """Open a matcher with so many processes; with one, this process does it."""
    if workers == 1:
        yield BoundaryMatcher(None, 0)
        return
    # Forking a process whose torch has running threads may hang; spawning cannot.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield BoundaryMatcher(pool, ahead=2 * workers)


@dataclass(frozen=True)
class Spent:
    """What one pass over one image cost.

    Attributes:
        achieved: executed / dense multiply-adds.
        macs_executed: multiply-adds really done.
        seconds: of the network.
        active_fractions: share of open pixels of each gated layer, by name.
    """

    achieved: float
    macs_executed: int
    seconds: float
    active_fractions: dict[str, float]

    @classmethod
    def of(cls, inference: Inference) -> Spent:
        """What a record says that it cost."""
        return cls(
            achieved=inference.budget_achieved,
            macs_executed=inference.macs_executed,
            seconds=inference.seconds["network"],
            active_fractions={gate.name: gate.active_fraction for gate in inference.gates},
        )


class Score:
    """Running scores at one budget with one kind of masks.

    Args:
        budget: as requested.
        masks: what decided where to compute, a name for the row.
        tasks: to score.
        classes: of segmentation.
        matcher: does the boundaries.
        thresholds: of boundary strength.
    """

    def __init__(
        self,
        budget: float,
        masks: str,
        tasks: Sequence[str],
        classes: Sequence[str],
        matcher: BoundaryMatcher,
        thresholds: int,
    ) -> None:
        self.budget, self.masks, self.matcher = budget, masks, matcher
        build: dict[str, Callable[[], Any]] = {
            "segmentation": lambda: SegmentationMetric(classes, IGNORE),
            "boundary": lambda: BoundaryMetric(thresholds),
            "depth": DepthMetric,
            "normals": NormalsMetric,
        }
        self.metrics = {task: build[task]() for task in tasks}
        self._spent: list[Spent] = []

    def update(self, inference: Inference, sample: Sample, annotations: list[np.ndarray]) -> None:
        """Add one image: what it cost and how right it is."""
        self.add(at_image_size(inference), Spent.of(inference), sample, annotations)

    def add(
        self,
        maps: Mapping[str, np.ndarray],
        spent: Spent,
        sample: Sample,
        annotations: list[np.ndarray],
    ) -> None:
        """The same from `maps` of the scored tasks, at the image's own size."""
        self._spent.append(spent)
        for task, metric in self.metrics.items():
            if task == "boundary":
                self.matcher.update(metric, maps[task], annotations)
            else:
                metric.update(maps[task], getattr(sample, task))

    def row(self) -> dict[str, Any]:
        """Plain numbers, ready for JSON; see `evaluate`."""
        achieved = np.array([spent.achieved for spent in self._spent])
        return {
            "budget": self.budget,
            "masks": self.masks,
            "images": len(achieved),
            "achieved_mean": float(achieved.mean()),
            "achieved_max_deviation": float(np.abs(achieved - self.budget).max()),
            "macs_executed_mean": float(np.mean([s.macs_executed for s in self._spent])),
            "seconds_network_median": float(np.median([s.seconds for s in self._spent])),
            "active_fractions": {
                name: float(np.mean([s.active_fractions[name] for s in self._spent]))
                for name in self._spent[0].active_fractions
            },
            **{task: _plain(metric.result()) for task, metric in self.metrics.items()},
        }


def _plain(result: Any) -> dict[str, Any]:
    """A metric's result as plain numbers, without its curves."""
    return {k: v for k, v in asdict(result).items() if not isinstance(v, np.ndarray)}
