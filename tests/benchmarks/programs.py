"""Eight programs ask at once: ``python -m tests.benchmarks.programs --out FILE.json``.

The server's own part of eight visitors at once, without the drawing of eight browsers: plain HTTP.
Each of eight photographs is analysed first while nobody else asks, which gives the work that it is;
then all are asked for at once. Nobody should wait for longer than the work asked for up to then,
one's own included, and answers should come in the order of asking.

The result is put under ``programs`` into a file of `tests.benchmarks.waits`; its other parts stay.
"""

from __future__ import annotations

import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.look import launch_options
from app.one_thread import OneThreadPredictor
from app.ui import build_app
from pag.timing import machine
from tests.app.program import Program
from tests.benchmarks.conditions import listed, photograph

COUNT = 8
BUDGET = 0.6


def measure(address: str, count: int = COUNT) -> dict[str, Any]:
    """Seconds of each program, in the order of asking, alone and at once.

    Returns:
        ``alone_seconds`` and ``together_seconds``; ``work_seconds``, what all of them take one
        after the other; ``order``, which question each answer belonged to as they came, counted
        from 0; ``share_of_work``, each program's wait relative to the work up to its own.
    """
    programs = [Program(address) for _ in range(count)]
    uploads = []
    with TemporaryDirectory() as folder:
        for number, program in enumerate(programs):
            file = Path(folder) / f"{number}.jpg"
            file.write_bytes(photograph(1200, 900 + 20 * number, 70 + number))
            uploads.append(program.upload(file))
    arrived: list[int] = []

    def wait(number: int, question: str) -> float:
        programs[number].answer("analyze", question)
        arrived.append(number)
        return time.perf_counter()

    def ask(number: int) -> str:
        return programs[number].ask("analyze", uploads[number], BUDGET, "exact")

    wait(0, ask(0))  # warms what the first analysis loads
    alone = []
    for number in range(count):
        started = time.perf_counter()
        alone.append(wait(number, ask(number)) - started)
    arrived.clear()
    started, jobs = [], []
    with ThreadPoolExecutor(count) as threads:
        for number in range(count):
            started.append(time.perf_counter())
            jobs.append(threads.submit(wait, number, ask(number)))
        ended = [job.result() for job in jobs]
    for program in programs:
        program.close()
    together = [end - start for start, end in zip(started, ended, strict=True)]
    shares = [own / work for own, work in zip(together, accumulate(alone), strict=True)]
    return {
        "budget": BUDGET,
        "alone_seconds": listed(alone, 2),
        "work_seconds": round(sum(alone), 2),
        "together_seconds": listed(together, 2),
        "order": list(arrived),
        "share_of_work": listed(shares, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    predictor = OneThreadPredictor.from_checkpoint(options.checkpoint, device="cpu")
    blocks = build_app(predictor)
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    found = {"checkpoint": predictor.digest, "machine": machine()} | measure(address)
    blocks.close()
    print(json.dumps(found, indent=1))
    if options.out:
        report = json.loads(options.out.read_text()) if options.out.exists() else {}
        text = json.dumps(report | {"programs": found}, indent=1) + "\n"
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
