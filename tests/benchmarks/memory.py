"""Peak memory of the app: ``python -m tests.benchmarks.memory --out assets/results/memory.json``.

Serves the app in a process of its own and asks it as several busy programs at once would: passes at
the usual and at the largest working size, whole sweeps, and a report. Resident memory is read from
the system after each step (Linux).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gradio_client import Client, handle_file

from app.examples import FOLDER
from pag.benchmark.memory import resident

PATIENCE = 300  # seconds until the app answers
VISITORS = 4


def connect(port: int) -> Client:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return Client(f"http://127.0.0.1:{port}", verbose=False)
        except Exception:
            if time.monotonic() > until:
                raise
            time.sleep(2)


def measure(port: int, process: int) -> dict[str, dict[str, int]]:
    steps: dict[str, dict[str, int]] = {}
    clients: list[Client] = []
    photo = handle_file(FOLDER / "street.jpg")

    def note(name: str) -> None:
        steps[name] = resident(process)

    def at_once(**question: Any) -> None:
        jobs = [client.submit(image=photo, **question) for client in clients]
        for job in jobs:
            job.result()

    clients.append(connect(port))
    note("started")
    clients += [connect(port) for _ in range(VISITORS - 1)]
    at_once(budget=0.6, api_name="/analyze")
    note(f"{VISITORS} passes at 480")
    at_once(steps=12, api_name="/sweep")
    note(f"{VISITORS} sweeps of 12 at 480")
    at_once(budget=1.0, size=960, api_name="/report")
    note(f"{VISITORS} reports at 960")
    at_once(budget=0.5, other_budget=1.0, size=960, api_name="/compare")
    note(f"{VISITORS} comparisons at 960")
    return steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--port", type=int, default=7899)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "app.py", "--port", str(options.port), "--device", "cpu"]
        environment = os.environ | {"GRADIO_TEMP_DIR": folder}
        app = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            steps = measure(options.port, app.pid)
        finally:
            app.terminate()
            app.wait()
    result = {
        "unit": "MB of resident memory",
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "as many as cores"),
        "steps": steps,
        "peak": max(step["peak"] for step in steps.values()),
    }
    options.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
