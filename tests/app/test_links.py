"""Settings in a link: what can be used is, the rest is left out with a word."""

from __future__ import annotations

import pytest

from app.actions import Desk
from app.links import left_out, read_link
from app.wish import Wish


def test_an_address_without_settings_gives_the_usual_ones(desk: Desk) -> None:
    assert read_link({"__theme": "dark", "photo": "x.jpg"}, desk) == (Wish(budget=0.6), [])
    assert left_out([]) == ""


def test_all_settings_come_through(desk: Desk) -> None:
    query = {
        "budget": "0.45", "policy": "adaptive", "size": "640", "labels": "street",
        "execution": "dense",
    }  # fmt: skip
    assert read_link(query, desk) == (Wish(0.45, "adaptive", "dense", 640, "street"), [])


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("budget", "7", "0.20 to 1"),
        ("budget", "nan", "0.20 to 1"),
        ("budget", "half", "'half'"),
        ("budget", "", "0.20 to 1"),
        ("policy", "greedy", "one of exact, adaptive"),
        ("size", "481", "320, 480, 640, 960"),
        ("size", "9" * 5000, "320, 480, 640, 960"),
        ("size", "4_8_0_0", "320, 480, 640, 960"),
        ("labels", "<script>", "one of street"),
        ("execution", "fast", "auto, sparse, dense"),
    ],
)
def test_a_bad_value_is_left_out_and_the_others_hold(
    desk: Desk, name: str, value: str, says: str
) -> None:
    query = {"budget": "0.3", "policy": "adaptive"} | {name: value}
    wish, trouble = read_link(query, desk)
    assert len(trouble) == 1
    assert says in left_out(trouble)
    assert len(left_out(trouble)) < 300
    desk.check(wish)
    assert wish.policy == ("exact" if name == "policy" else "adaptive")
    assert wish.budget == (0.6 if name == "budget" else 0.3)
