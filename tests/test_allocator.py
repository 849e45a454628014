"""What is freed is kept, seen from the page faults of a process of its own."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from pag.allocator import keep_freed_memory

MAPS = """
import resource, threading, torch
from pag.allocator import keep_freed_memory
{first}
def fill():
    for _ in range(12):
        maps = [torch.ones(4_000_000), torch.ones(30_000_000)]
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
        del maps
faults = []
thread = threading.Thread(target=fill)
thread.start()
thread.join()
print(faults[-1] - faults[-4])
"""


def faults(first: str) -> int:
    """Page faults of maps made again and again: of the last ones, when all has found its place."""
    command = [sys.executable, "-c", MAPS.format(first=first)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_maps_made_again_cause_no_page_faults() -> None:
    assert faults("assert keep_freed_memory()") < 200 < faults("")


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not keep_freed_memory.__wrapped__()
