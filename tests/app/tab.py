"""A visitor without a browser: what the page's script says to the server, said by a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
import httpx

from app.session import Session
from tests.app.fake import PATIENCE

WISH = (0.6, "exact", "auto", 480, "all")
"""What the page's controls say when it opens: `app.wish.Wish`, field by field."""


class Tab:
    """What a browser does when the page opens: it says that it lives, and asks what `load` asks."""

    def __init__(self, blocks: gr.Blocks, visitor: str) -> None:
        self.blocks = blocks
        self.visitor = visitor
        self.http = httpx.Client(base_url=f"{blocks.local_url}gradio_api/", timeout=PATIENCE)
        self.heartbeat = self.http.stream("GET", f"heartbeat/{visitor}")
        self.heartbeat.__enter__()
        for name in ("open_first", "arrive"):
            self.ask(name, None)

    @property
    def session(self) -> Session | None:
        """The server's, or None where it has let go of it."""
        if self.visitor not in self.blocks.state_holder:
            return None
        data = self.blocks.state_holder.session_data[self.visitor].state_data
        return next((value for value in data.values() if isinstance(value, Session)), None)

    def ask(self, name: str, *data: Any, question: Any = None) -> list[Any]:
        """What the function `name` of the page answers.

        Args:
            name: of the function.
            data: the values of its components; None for the session.
            question: what the page's script asks beside them.
        """
        number = next(n for n, fn in self.blocks.fns.items() if fn.name == name)
        asked = {"data": data, "fn_index": number, "session_hash": self.visitor}
        if question is not None:
            asked["event_data"] = question
        self.http.post("queue/join", json=asked).raise_for_status()
        parameters = {"session_hash": self.visitor}
        with self.http.stream("GET", "queue/data", params=parameters) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data: ")) if line else {}
                if message.get("msg") == "process_completed":
                    assert message["success"], message
                    return message["output"]["data"]
        raise AssertionError(f"{name} was not answered")

    def choose(self, photo: Path) -> dict[str, Any]:
        """The message that a photo of their own is answered with: the scene and a first frame."""
        with photo.open("rb") as file:
            reply = self.http.post("upload", files={"files": (photo.name, file)})
        (path,) = reply.raise_for_status().json()
        image = {"path": path, "meta": {"_type": "gradio.FileData"}}
        return self.ask("open_photo", None, image, *WISH)[-1]

    def step(self, scene: str, budget: float) -> dict[str, Any]:
        """The message that one more budget of the sweep is answered with."""
        return self.ask("step", None, question={"scene": scene, "budget": budget})[0]

    def close(self) -> None:
        """What the server sees when the tab is closed."""
        self.heartbeat.__exit__(None, None, None)

    def end(self) -> None:
        """Close every connection."""
        self.http.close()
