"""How far people agree: everybody is scored against the others, and nobody against themselves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pag.annotators import agreement, main
from pag.data.bsds500 import BSDS500
from pag.errors import InputError
from tests.tiny_data import write_bsds


def lines(*rows: int) -> np.ndarray:
    """(60, 80) bool, a line of 80 pixels in each of these rows."""
    drawn = np.zeros((60, 80), dtype=bool)
    drawn[list(rows)] = True
    return drawn


def test_people_who_draw_the_same_agree() -> None:
    result = agreement([[lines(10, 40)] * 3])
    assert (result.ods, result.images) == (1.0, 3)


def test_agreement_is_that_counted_by_hand() -> None:
    # Of three people one draws a second line, which nobody else does: 3 of 4 lines are right.
    # The others drew 3 lines for the first to find, of which 2 are found, as many for the
    # second, and 2 for the third, who finds both.
    result = agreement([[lines(10), lines(10), lines(10, 40)]])
    assert result.precision == pytest.approx([3 / 4])
    assert result.recall == pytest.approx([6 / 8])
    assert result.ods == pytest.approx(3 / 4)


def test_a_drawing_that_stands_alone_says_nothing() -> None:
    alone, pair = [lines(10)], [lines(10), lines(40)]
    assert agreement([alone, pair]).images == 2
    assert agreement([alone, pair]).ods == 0
    with pytest.raises(InputError, match="two annotators"):
        agreement([alone])


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bsds(tmp_path / "BSDS500", "val", count=3)
    out = tmp_path / "people.json"
    assert main(["--data", str(tmp_path), "--limit", "2", "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    assert report == json.loads(capsys.readouterr().out)
    photographs = BSDS500(tmp_path / "BSDS500", "val")
    wanted = agreement([photographs.annotations(0), photographs.annotations(2)])
    assert (report["photographs"], report["drawings"]) == (2, 4)
    assert 0 < report["f_measure"] == wanted.ods < 1  # one of each pair drew a pixel lower
    assert [report["precision"], report["recall"]] == [wanted.precision[0], wanted.recall[0]]


@pytest.mark.parametrize(
    ("more", "message"), [(["--limit", "0"], "limit is 0"), (["--split", "moon"], "moon")]
)
def test_what_does_not_fit_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    write_bsds(tmp_path / "BSDS500", "val")
    with pytest.raises(SystemExit) as stop:
        main(["--data", str(tmp_path), *more])
    assert stop.value.code == 2 and message in capsys.readouterr().err
