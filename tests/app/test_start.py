"""The program's start where the page cannot be served."""

from __future__ import annotations

import socket

import pytest

from app import one_thread
from tests.app.fake import FakePredictor
from tests.app.test_tools import start


def test_a_port_in_use_is_said_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(one_thread, "predictor_class", lambda: FakePredictor)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemExit) as end:
            start(monkeypatch, "--port", str(port))
    assert end.value.code == 2
    told = capsys.readouterr().err
    assert "another program may use that port" in told
    assert "--port" in told and str(port) in told
