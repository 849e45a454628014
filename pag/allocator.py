"""The C library's memory, on a CPU: what one pass gives back the next one takes again."""

from __future__ import annotations

import ctypes
import functools
import platform

TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8  # of the GNU C library's malloc.h
MOST = 2**31 - 1


@functools.cache
def keep_freed_memory() -> bool:
    """Let the process keep what it frees, up to 2 GiB at the end of its heap and all before it.

    Feature maps take tens of megabytes each. The GNU C library gives pieces of that size back to
    the system, which zeroes and maps every page of the next one: at 640x480 up to 24,000 page
    faults in a pass with every gate open, of which none are left. In return the process stays as
    large as it once was.

    It holds for the whole process, from now on, and for threads that start later.

    Returns:
        Whether this is the GNU C library and it agreed; elsewhere nothing changes.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    # Only the first arena grows in one piece, and only what is not mapped by itself is kept.
    settings = ((MMAP_MAX, 0), (TRIM_THRESHOLD, MOST), (ARENA_MAX, 1))
    library = ctypes.CDLL(None)
    return all([library.mallopt(name, value) == 1 for name, value in settings])
