"""What one visitor has open: plain, frozen data, the same for a page and for a test."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pag import Inference, Picture

REMEMBERED = 8  # answers kept for one visitor; about 10 MB each at a working size of 480


@dataclass(frozen=True)
class Settings:
    """How the visitor wants the network to run; see `Predictor.__call__`."""

    budget: float = 0.6
    policy: str = "exact"
    execution: str = "auto"
    size: int = 480
    labels: str = "all"


@dataclass(frozen=True)
class AnswerKey:
    """All that an answer depends on. The budget is rounded to the slider's step."""

    digest: str
    settings: Settings


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
    """One visitor's state. Actions make a new one; nobody changes one.

    Attributes:
        photo: the photo in use, or None before the first.
        settings: the settings of the answer on the screen.
        answer: what the screen shows, or None before the first answer.
        answers: answers remembered, least recently used first.
        message: what to tell the visitor about the last action; empty if all went well.
    """

    photo: Photo | None = None
    settings: Settings = Settings()
    answer: Inference | None = None
    answers: tuple[tuple[AnswerKey, Inference], ...] = ()
    message: str = ""

    def recall(self, key: AnswerKey) -> Inference | None:
        """The remembered answer to exactly this question, if there is one."""
        return next((answer for known, answer in self.answers if known == key), None)

    def answered(self, photo: Photo, settings: Settings, answer: Inference) -> Session:
        """This session showing `answer`, with it remembered and the oldest forgotten."""
        key = AnswerKey(photo.digest, settings)
        others = tuple((k, a) for k, a in self.answers if k != key)
        answers = (*others, (key, answer))[-REMEMBERED:]
        return Session(photo, settings, answer, answers)

    def told(self, message: str) -> Session:
        """This session with a message; what it shows stays."""
        return replace(self, message=message)
