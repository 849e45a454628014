"""What a visitor can do: each action takes a session and gives the next one.

An action that fails for a reason the visitor can mend gives the session as it was, with
a message; the answer on the screen stays. No Gradio here: the page and the endpoint
both come through these functions, so both check everything on the server.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from app import content
from app.analyser import Analyser
from app.measuring import Learn, Measuring
from app.models import Models
from app.photos import fit_photo, load_photo
from app.session import AnswerKey, Photo, Session, Settings
from app.steering import read_painting
from app.sweep import STEPS, sweep_budgets
from app.turn import Turn
from app.wish import POLICIES, Wish, check_budget, check_choice, check_wish
from app.words import two as two_words
from pag import LABEL_SETS, Inference, InputError, PAGError, Picture

FIRST_RUNNING = 0.4  # right above its floor a network shows its worst
STAND_BACK = 0.1  # seconds that a sweep waits while its visitor's own request runs


class Desk:
    """The actions, around networks that serve one request at a time.

    Args:
        analyser: the page's own network.
        others: how others, to be set beside it, are loaded, by name.
        learn: measures the page's network on this machine, once, while nobody waits.
        option: see `app.models.Models`.
        steps: how many budgets a sweep has.

    Attributes:
        quiet_after: seconds without an answer until it counts as quiet.
    """

    quiet_after = 1.0

    def __init__(
        self,
        analyser: Analyser,
        others: Mapping[str, Callable[[], Analyser]] | None = None,
        learn: Learn | None = None,
        option: str = "",
        steps: int = STEPS,
    ) -> None:
        self.analyser = analyser
        self.steps = steps
        self.models = Models(analyser, others or {}, option)
        self._turn = Turn()
        self._answered = 0.0
        self.measuring = Measuring(learn, self._turn) if learn else None

    @property
    def floor(self) -> float:
        """The lowest budget that can be asked for."""
        return self.analyser.floor

    @property
    def first_budget(self) -> float:
        """The budget at which the page opens; of what gates can switch, so much runs or more."""
        return max(Settings.budget, round(self.floor + FIRST_RUNNING * (1 - self.floor), 2))

    @property
    def budgets(self) -> tuple[float, ...]:
        """The budgets of a sweep, rising."""
        return sweep_budgets(self.floor, self.steps)

    @property
    def label_sets(self) -> tuple[str, ...]:
        """The label sets that this network was trained on."""
        classes = set(self.analyser.config.classes)
        return tuple(name for name, labels in LABEL_SETS.items() if classes & set(labels))

    @property
    def quiet(self) -> bool:
        """Whether nobody has been answered for a while, and nobody waits."""
        return not self._turn.busy and time.monotonic() - self._answered >= self.quiet_after

    def check(self, wish: Wish) -> Settings:
        """Settings that the network can run with; see `app.wish.check_wish`."""
        return check_wish(wish, self.floor, self.label_sets)

    def open(self, session: Session, source: Any, wish: Wish) -> Session:
        """A new photo, analysed with the settings wished for."""
        with session.memory.interrupt():
            try:
                settings = self.check(wish)
                return self._answer(session, load_photo(source, settings.size), settings)
            except PAGError as error:
                return session.told(str(error))

    def adjust(self, session: Session, wish: Wish) -> Session:
        """Other settings for the photo in use."""
        with session.memory.interrupt():
            try:
                settings = self.check(wish)
                if session.photo is None:
                    raise InputError(content.NO_PHOTO)
                settings = replace(settings, steering=session.settings.steering)
                return self._answer(session, fit_photo(session.photo, settings.size), settings)
            except PAGError as error:
                return session.told(str(error))

    def steer(self, session: Session, painting: Any, budget: Any) -> Session:
        """Compute spent and skipped where the visitor painted; None takes the steering away."""
        with session.memory.interrupt():
            try:
                photo, settings = self._question(session, budget)
                steering = read_painting(painting)
                return self._answer(session, photo, replace(settings, steering=steering))
            except PAGError as error:
                return session.told(str(error))

    def step(self, session: Session, budget: Any) -> Inference | None:
        """The photo in use at one more budget, computed behind everybody's own requests.

        None if the visitor's own request has come in between; what is in the network by
        then is finished.

        Raises:
            InputError: there is no photo.
            BudgetError: the budget is no number that the network can meet.
        """
        photo, settings = self._question(session, budget)
        answer = session.memory.recall(AnswerKey(photo.digest, settings))
        if answer is None and not session.memory.interrupted:
            with self._turn.behind():
                if session.memory.interrupted:
                    return None
                answer = self._run(photo, settings)
            session.memory.remember(AnswerKey(photo.digest, settings), answer)
        return answer

    def answer_at(self, session: Session, budget: Any, **differing: Any) -> Inference:
        """The photo in use at a budget; what is remembered costs nobody any time.

        Args:
            session: whose photo it is.
            budget: unchecked.
            differing: fields of `Settings`, checked, in place of the session's.

        Raises:
            InputError: there is no photo.
            BudgetError: the budget is no number that the network can meet.
        """
        photo, settings = self._question(session, budget, **differing)
        answer = session.memory.recall(AnswerKey(photo.digest, settings))
        if answer is None:
            answer = self._infer(photo, settings)
            session.memory.remember(AnswerKey(photo.digest, settings), answer)
        return answer

    def beside(self, session: Session, budget: Any, what: Any, value: Any) -> Inference:
        """The photo in use with one setting changed, to be compared with what is shown.

        Args:
            session: whose photo it is.
            budget: unchecked.
            what: ``policy``, ``model`` or ``steering``.
            value: the other policy or model; what is painted is left out, whatever it says.

        Raises:
            InputError: there is no photo, or no such setting.
            BudgetError: the budget is no number that the network can meet.
            WeightsError: the other network cannot be loaded.
        """
        what = check_choice(two_words.AGAINST, what, ("policy", "model", "steering"))
        if what == "policy":
            value = check_choice(content.POLICY, value, POLICIES)
        elif what == "model":
            value = check_choice(two_words.SCRIPT["groups"]["model"], value, self.models.others)
        else:
            value = None
        return self.answer_at(session, budget, **{what: value})

    def _question(self, session: Session, budget: Any, **differing: Any) -> tuple[Photo, Settings]:
        if session.photo is None:
            raise InputError(content.NO_PHOTO)
        settings = replace(session.settings, **differing)
        floor = self.models.get(settings.model).floor
        return session.photo, replace(settings, budget=check_budget(budget, floor))

    def sweep(self, session: Session) -> list[Inference]:
        """The photo in use at all budgets of the sweep, rising; remembered ones as they are.

        Raises:
            InputError: there is no photo.
        """
        answers = []
        for budget in self.budgets:
            # A step that had to stand back is asked for again, now that it is waited for.
            while (answer := self.step(session, budget)) is None:
                time.sleep(STAND_BACK)
            answers.append(answer)
        return answers

    def analyse(self, source: Any, wish: Wish) -> Inference:
        """One answer without a session, for the endpoint.

        Raises:
            InputError: the image cannot be used, or a choice is unknown.
            BudgetError: the budget is not a number that the network can meet.
        """
        settings = self.check(wish)
        return self._infer(load_photo(source, settings.size), settings)

    def run(self, photo: Photo, settings: Settings) -> Inference:
        """A photo with checked settings, computed as soon as it is its turn."""
        return self._infer(photo, settings)

    def run_for_time(self, photo: Photo, settings: Settings) -> Inference:
        """As `run_behind`, but it is nobody's answer: it stays as quiet as it is."""
        with self._turn.behind():
            return self._compute(photo, settings)

    def run_behind(self, photo: Photo, settings: Settings) -> Inference:
        """A photo with checked settings, computed once nobody waits for a single answer."""
        with self._turn.behind():
            return self._run(photo, settings)

    def _answer(self, session: Session, photo: Photo, settings: Settings) -> Session:
        answer = session.memory.recall(AnswerKey(photo.digest, settings))
        if answer is None:
            answer = self._infer(photo, settings)
            # From here on the pixels that the network saw are enough, and are much smaller.
            photo = replace(photo, picture=Picture(answer.image, photo.picture.size))
        return session.answered(photo, settings, answer)

    def _infer(self, photo: Photo, settings: Settings) -> Inference:
        with self._turn.now():
            return self._run(photo, settings)

    def _run(self, photo: Photo, settings: Settings) -> Inference:
        answer = self._compute(photo, settings)
        self._answered = time.monotonic()
        if self.measuring:
            self.measuring.answered()
        return answer

    def _compute(self, photo: Photo, settings: Settings) -> Inference:
        return self.models.get(settings.model)(
            photo.picture,
            settings.budget,
            policy=settings.policy,
            execution=settings.execution,
            labels=settings.labels,
            size=settings.size,
            steer=settings.steering.grid if settings.steering else None,
        )
