"""The report: one file that says what its records say, and how to get the same again."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from app import content
from app.actions import Desk
from app.comparison import compare_summary
from app.models import model_option
from app.report import html_report
from app.session import Session, Settings
from app.views import outputs, takeaway
from app.wish import Wish
from app.words import guide, steering
from app.words import takeaway as words
from pag import Inference
from tests.app.fake import FakePredictor
from tests.records import build_inference


@pytest.fixture(scope="module")
def answer() -> Inference:
    return build_inference(60, 85, seed=4, image_size=(121, 170))


@pytest.fixture
def session(desk: Desk, photo_file: Path) -> Session:
    return desk.open(Session(), photo_file, Wish(0.5))


class Page(HTMLParser):
    """What is on a page: tags, addresses, and the text."""

    VOID = ("meta", "img", "link", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.addresses: list[str] = []
        self.alts: list[str] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "action", "data"):
                self.addresses.append(value or "")
            if name == "alt":
                self.alts.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def report(answer: Inference) -> str:
    others = [build_inference(60, 85, seed=4, budget=b) for b in (0.3, 0.6, 1.0)]
    return html_report(answer, Settings(0.6, size=320, labels="street"), others)


def test_the_report_is_one_file_without_network(report: str) -> None:
    page = Page(report)
    assert "script" not in page.seen
    assert len(page.addresses) == 1 + 4 + 1 + 2 + 1  # photo, outputs, ball, compute, gates
    assert all(address.startswith("data:image/") for address in page.addresses)
    assert all(len(alt) > 10 for alt in page.alts)
    assert not re.search(r"url\(|@import|https?://", report)
    assert "@media print" in report


def test_the_report_says_what_the_record_says(report: str, answer: Inference) -> None:
    text = re.sub(r"\s+", " ", Page(report).text)
    assert f"{answer.budget_achieved:.3f}" in text
    assert answer.checkpoint in text
    assert "320 px, seen at 85 × 60" in text
    assert "170 × 121 px" in text
    for gate in answer.gates:
        row = f"{gate.name}{gate.stride}{gate.active_fraction:.1%}{gate.macs_executed / 1e6:.1f}"
        assert row in text
    for term, meaning in guide.TERMS.items():
        assert f"{term[0].upper()}{term[1:]}" in text
        assert meaning in text
    assert "--budget 0.60 --policy exact --execution auto --labels street --size 320" in text
    assert "kong2019pag" in text


@pytest.mark.parametrize("share", [1, 0.64], ids=["exact", "scaled"])
def test_what_has_no_gate_is_whole_or_as_much_as_a_smaller_picture_takes(
    answer: Inference, share: float
) -> None:
    whole = answer.macs_dense - sum(gate.macs_dense for gate in answer.gates)
    spared = round((1 - share) * whole)
    smaller = dataclasses.replace(answer, macs_executed=answer.macs_executed - spared)
    text = Page(html_report(smaller, Settings())).text
    executed = f"{(whole - spared) / 1e6:.1f}"
    assert f"{words.LAYERS_REST}––{executed}{whole / 1e6:.1f} {share:.0%}" in text


def test_the_report_sets_the_budgets_side_by_side(report: str, answer: Inference) -> None:
    text = Page(report).text
    low, full = (build_inference(60, 85, seed=4, budget=b) for b in (0.3, 1.0))
    alike = compare_summary(low, full)["agreement"]
    assert f"{alike['segmentation']:.1%}{alike['depth']:.1%}{alike['normals']:.1f}°" in text
    assert words.BUDGETS not in Page(html_report(answer, Settings())).text


def test_the_report_is_the_same_for_the_same_records(report: str, answer: Inference) -> None:
    others = [build_inference(60, 85, seed=4, budget=b) for b in (0.3, 0.6, 1.0)]
    assert report == html_report(answer, Settings(0.6, size=320, labels="street"), others)


def test_the_legends_are_those_of_the_page(report: str, answer: Inference) -> None:
    legends = {**outputs.scene(answer).html, **outputs.fill(answer, answer).html}
    assert len(legends) == 4
    assert all(html in report for html in legends.values())


def test_a_report_of_fewer_tasks() -> None:
    page = Page(html_report(build_inference(40, 50, tasks=("depth",)), Settings()))
    assert content.DEPTH in page.text
    assert content.BOUNDARY not in page.text


def test_the_report_of_the_page_knows_the_other_budgets(
    desk: Desk, session: Session, tmp_path: Path
) -> None:
    for budget in desk.budgets[::4]:
        desk.step(session, budget)
    path = takeaway.make(session, {"what": "report", "budget": 0.5}, desk, str(tmp_path))
    text = Page(Path(path).read_text(encoding="utf-8")).text
    assert words.BUDGETS in text
    for budget in desk.budgets[::4]:
        assert f"{budget:.2f}" in text


def report_at(desk: Desk, session: Session, budget: float, folder: Path) -> str:
    """The text of the report that the page offers at a budget."""
    path = takeaway.make(session, {"what": "report", "budget": budget}, desk, str(folder))
    return Page(Path(path).read_text(encoding="utf-8")).text


def test_the_command_is_of_the_answer_that_is_shown(
    desk: Desk, session: Session, tmp_path: Path
) -> None:
    text = report_at(desk, session, 0.8, tmp_path)  # the session is at 0.5
    assert "--budget 0.80 " in text
    assert "--steer" not in text and words.STEERED not in text
    assert "--model" not in text and "--checkpoint" not in text


def test_a_steered_report_says_so_and_how_to_steer_again(
    desk: Desk, session: Session, tmp_path: Path
) -> None:
    painting = {"rows": 2, "columns": 2, "cells": [1, 0, 0, 0]}
    text = report_at(desk, desk.steer(session, painting, 0.5), 0.5, tmp_path)
    assert f"{words.STEERED}on 25% of the photo" in text
    assert "--steer steering-map.png" in text
    assert steering.SCRIPT["file"] == "steering-map.png"


@pytest.mark.parametrize(
    ("chosen", "option"),
    [
        ((None, None), ""),
        (("mobilenetv2", None), "--model mobilenetv2"),
        ((None, "/home/me/runs/mine"), "--checkpoint mine"),
    ],
)
def test_the_command_runs_the_network_of_the_page(
    fake: FakePredictor,
    photo_file: Path,
    tmp_path: Path,
    chosen: tuple[str | None, str | None],
    option: str,
) -> None:
    desk = Desk(fake, option=model_option(*chosen))
    text = report_at(desk, desk.open(Session(), photo_file, Wish(0.5)), 0.5, tmp_path)
    command = next(line for line in text.splitlines() if "pag.predict" in line)
    assert command.endswith(f"--size 480 {option}".strip())
