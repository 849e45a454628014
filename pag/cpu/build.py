"""Compiling the kernels, once for each processor, into the user's cache folder."""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch

from pag.cache import cache_folder, write_whole
from pag.timing import processor

SOURCES = tuple(sorted(Path(__file__).parent.glob("*.[ch]")))
COMPILERS = ("cc", "gcc", "clang")
"""Tried in this order, after the one that the environment names as ``CC``."""
FLAGS = (
    "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math",
    "-fopenmp", "-fPIC",
)  # fmt: skip
WIDE = ("-mprefer-vector-width=512",) if platform.machine() in ("x86_64", "AMD64") else ()
"""GCC takes half of the widest vectors otherwise, where there are such."""
LONGEST = 120  # seconds that compiling may take


logger = logging.getLogger(__name__)


class NoCompilerError(RuntimeError):
    """There is nothing on this machine that compiles C."""


def library() -> ctypes.CDLL:
    """The compiled kernels: those in the cache folder, or made now.

    Raises:
        NoCompilerError: nothing is in the cache, and nothing compiles.
        RuntimeError, OSError: what was compiled, or could not be.
    """
    name = f"kernels-{fingerprint()}.so"
    try:
        kept = cache_folder() / name
        if kept.exists():
            return ctypes.CDLL(str(kept))
    except (OSError, RuntimeError):
        pass  # no folder, or no library in it: compile anew
    with tempfile.TemporaryDirectory() as made:
        draft = Path(made) / name
        compile_kernels(draft)
        keep(draft, name)
        return ctypes.CDLL(str(draft))  # stays loaded when the file is gone


def keep(draft: Path, name: str) -> None:
    """Put a library into the cache folder; where that cannot be, it is compiled again."""
    try:
        write_whole(cache_folder() / name, draft.read_bytes())
    except (OSError, RuntimeError) as error:
        logger.warning("The compiled kernels were not kept: %s.", error)


def fingerprint() -> str:
    """What compiled kernels hold for: these sources, these flags, this processor and PyTorch."""
    parts = (
        *(source.read_text(encoding="utf-8") for source in SOURCES),
        *FLAGS,
        *WIDE,
        platform.platform(),
        processor(),
        torch.backends.cpu.get_cpu_capability(),
        torch.__version__,
        str(openmp()),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def compile_kernels(target: Path) -> None:
    """Compile into the shared library `target`.

    Raises:
        NoCompilerError: there is no compiler.
        RuntimeError: the compiler gave up; with what it said.
    """
    found = compiler()
    if found is None:
        raise NoCompilerError(f"found no C compiler ({', '.join(COMPILERS)})")
    units = {path: target.with_name(f"{path.stem}.o") for path in SOURCES if path.suffix == ".c"}
    threads = openmp()
    # Kernels share the threads of PyTorch: a second set would fight with them over the cores.
    link = ["-fopenmp"] if threads is None else [str(threads)]
    for command in (
        *([found, *FLAGS, *WIDE, "-c", str(path), "-o", str(unit)] for path, unit in units.items()),
        [found, "-shared", *map(str, units.values()), *link, "-o", str(target)],
    ):
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=LONGEST, check=False
            )
        except subprocess.TimeoutExpired as problem:
            raise RuntimeError(f"{found} took longer than {LONGEST} s") from problem
        if done.returncode:
            raise RuntimeError(f"{found} failed: {done.stderr.strip()[:300]}")


def compiler() -> str | None:
    """Path of the C compiler, or None."""
    named = os.environ.get("CC", "")
    return next(filter(None, map(shutil.which, filter(None, (named, *COMPILERS)))), None)


def openmp() -> Path | None:
    """The OpenMP library that PyTorch brings along, or None where it uses the system's."""
    package = Path(torch.__file__).parent
    folders = (package / "lib", package.parent / "torch.libs")
    return next((f for folder in folders for f in sorted(folder.glob("libgomp*.so*"))), None)
