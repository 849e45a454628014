"""The times of a sweep, taken once more in quiet.

A sweep's passes run while the page that asked for them draws, often on the same few cores, so some
of them take twice their time. Once the page rests each is run again, and the quicker pass counts.
"""

from __future__ import annotations

from dataclasses import replace

from app.actions import Desk
from app.session import Session


def time_again(desk: Desk, session: Session) -> list[float] | None:
    """Run every remembered answer of the session's scene once more, for its time alone.

    Nobody waits for it: it stops as soon as anybody asks for anything, and among many visitors it
    never begins. Where the network does not share its processor with the page there is nothing to
    be done.

    Returns:
        The budgets that have been timed now, rising; None if somebody asked in between. What was
        timed until then stays so.

    Raises:
        PAGError: the network failed.
    """
    memory, photo, timed = session.memory, session.photo, []
    for budget, answer in session.known():
        key = session.key_at(budget)
        if photo is None or key is None or answer.device != "cpu" or memory.timed_in_quiet(key):
            continue
        if memory.recall(key) is not answer:  # its visitor has left
            continue
        if memory.interrupted or not desk.quiet:
            return None
        again = desk.run_for_time(photo, key.settings)
        if memory.recall(key) is not answer:
            continue
        if again.seconds["network"] < answer.seconds["network"]:
            answer = replace(answer, seconds=again.seconds)
        memory.remember(key, answer, in_quiet=True)
        timed.append(budget)
    return sorted(timed)
