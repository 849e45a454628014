"""What the whole process uses, but for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Switch:
    """On, but within `off`, also where one such block lies in another or runs beside it."""

    def __init__(self) -> None:
        self._blocks: list[bool] = []

    @property
    def is_on(self) -> bool:
        return not self._blocks

    @contextmanager
    def off(self) -> Iterator[None]:
        """Within this it is off."""
        self._blocks.append(True)
        try:
            yield
        finally:
            self._blocks.pop()
