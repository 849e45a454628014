"""What one visitor has open: plain, frozen data, the same for a page and for a test."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from app.memory import Memory
from app.models import OWN
from app.steering import Steering
from pag import Inference, Picture


@dataclass(frozen=True)
class Settings:
    """How the visitor wants the network to run; see `Predictor.__call__`.

    Attributes:
        steering: what is painted on the photo, or None.
        model: the network's name among `app.models.Models`.
    """

    budget: float = 0.6
    policy: str = "exact"
    execution: str = "auto"
    size: int = 480
    labels: str = "all"
    steering: Steering | None = None
    model: str = OWN


@dataclass(frozen=True)
class AnswerKey:
    """All that an answer depends on. The budget is rounded to the slider's step."""

    digest: str
    settings: Settings

    @property
    def scene(self) -> str:
        """What stays the same while the budget moves: the photo and all other settings."""
        question = repr((self.digest, replace(self.settings, budget=0.0)))
        return hashlib.sha256(question.encode()).hexdigest()[:16]

    @property
    def unsteered(self) -> AnswerKey:
        """The same question with nothing painted."""
        return replace(self, settings=replace(self.settings, steering=None))


@dataclass(frozen=True, eq=False)
class Photo:
    """The visitor's photo.

    Attributes:
        data: the file as it came, to decode again when the working size changes.
        digest: what identifies it among the answers remembered.
        picture: the photo decoded for `size`.
        size: the working size that `picture` was decoded for.
    """

    data: bytes = field(repr=False)
    digest: str
    picture: Picture = field(repr=False)
    size: int


@dataclass(frozen=True, eq=False)
class Session:
    """One visitor's state. Actions make a new one; nobody changes one but for its memory.

    Attributes:
        photo: the photo in use, or None before the first.
        settings: the settings of the answer on the screen.
        answer: what the screen shows, or None before the first answer.
        first: the scene's first answer: colours that depend on the picture follow it at
            every budget, steered or not, so that answers can be compared.
        message: what to tell the visitor about the last action; empty if all went well.
        memory: the answers remembered.
    """

    photo: Photo | None = None
    settings: Settings = Settings()
    answer: Inference | None = None
    first: Inference | None = None
    message: str = ""
    memory: Memory = field(default_factory=Memory, repr=False)

    @property
    def key(self) -> AnswerKey | None:
        """The question that `answer` answers."""
        return self.key_at(self.settings.budget)

    def key_at(self, budget: float) -> AnswerKey | None:
        """The same question at another budget."""
        if self.photo is None:
            return None
        return AnswerKey(self.photo.digest, replace(self.settings, budget=budget))

    @property
    def scene(self) -> str:
        """Names the photo and the settings but for the budget; empty before the first photo."""
        return self.key.scene if self.key else ""

    def known(self) -> list[tuple[float, Inference]]:
        """(budget, answer) of all that is remembered of this scene."""
        return [
            (key.settings.budget, answer)
            for key, answer in self.memory.items()
            if isinstance(key, AnswerKey) and key.scene == self.scene
        ]

    def remembered(
        self, budgets: Sequence[float], answer: Inference
    ) -> tuple[list[Inference], int]:
        """What is remembered of this scene, for tables that set its budgets side by side.

        Args:
            budgets: of the sweep.
            answer: the one that is shown, which is always among them.

        Returns:
            (the answers, budgets rising; how many were sent to the browser, but have had to
            make room since).
        """
        keys = [self.key_at(budget) for budget in budgets]
        known = [(key, self.memory.recall(key)) for key in keys]
        ready = {other.budget_requested: other for _, other in known if other is not None}
        ready[answer.budget_requested] = answer
        forgotten = sum(other is None and self.memory.was_sent(key) for key, other in known)
        return [ready[budget] for budget in sorted(ready)], forgotten

    def answered(self, photo: Photo, settings: Settings, answer: Inference) -> Session:
        """This session showing `answer`, with it remembered."""
        key = AnswerKey(photo.digest, settings)
        self.memory.remember(key, answer)
        alike = self.key is not None and key.unsteered.scene == self.key.unsteered.scene
        first = self.first if alike and self.first else answer
        if key.scene != self.scene:
            self.memory.browser_cleared()
        return Session(photo, settings, answer, first, memory=self.memory)

    def told(self, message: str) -> Session:
        """This session with a message; what it shows stays."""
        return replace(self, message=message)
