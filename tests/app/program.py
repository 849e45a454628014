"""A program that asks the app by plain HTTP, as it would in any language."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

PATIENCE = 300.0  # seconds; shared machines are slow at times


class Program:
    """One caller of one server. It stands in line from the moment that `ask` returns."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=f"{url.rstrip('/')}/gradio_api/", timeout=PATIENCE)

    def upload(self, file: Path) -> dict[str, Any]:
        """Hand in a file; what comes back is given as an image to `ask`."""
        answer = self.http.post("upload", files={"files": (file.name, file.read_bytes())})
        return {"path": answer.raise_for_status().json()[0], "meta": {"_type": "gradio.FileData"}}

    def ask(self, name: str, *data: Any) -> str:
        """Call an endpoint; the question's number, by which `answer` waits."""
        answer = self.http.post(f"call/{name}", json={"data": data})
        return answer.raise_for_status().json()["event_id"]

    def answer(self, name: str, question: str) -> list[Any]:
        """Wait until a question is answered."""
        with self.http.stream("GET", f"call/{name}/{question}") as stream:
            event = ""
            for line in stream.iter_lines():
                key, _, value = line.partition(": ")
                event = value if key == "event" else event
                if key == "data" and event in ("complete", "error"):
                    assert event == "complete", value
                    return json.loads(value)
        raise AssertionError("the server ended the answer early")

    def fetch(self, file: dict[str, Any]) -> bytes:
        """A file of an answer."""
        return self.http.get(file["url"]).raise_for_status().content

    def close(self) -> None:
        self.http.close()
