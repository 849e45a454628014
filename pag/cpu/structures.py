"""What the compiled kernels take: the structures of the C sources, field by field."""

from __future__ import annotations

import ctypes

from torch import Tensor


class Convolution(ctypes.Structure):
    """`Arranged.convolution` makes one."""

    _fields_ = (
        ("weight", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("taps", ctypes.c_int32),
        ("channels", ctypes.c_int32),
        ("outputs", ctypes.c_int32),
        ("depthwise", ctypes.c_int32),
        ("low", ctypes.c_float),
        ("high", ctypes.c_float),
    )


class Clamp(ctypes.Structure):
    """How channels are clamped before anything reads them; without values: not at all."""

    _fields_ = (("low", ctypes.c_void_p), ("high", ctypes.c_void_p))


class Geometry(ctypes.Structure):
    """Where a 3x3 convolution reads."""

    _fields_ = tuple(
        (name, ctypes.c_int32)
        for name in (
            "batch", "height", "width", "from_height", "from_width", "stride", "dilation",
        )
    )  # fmt: skip


def declare(library: ctypes.CDLL) -> None:
    """Say what the functions of the C sources take."""
    pointer, number = ctypes.c_void_p, ctypes.c_int32
    library.pag_list.argtypes = (pointer,) * 6
    library.pag_part.argtypes = (pointer,) * 5
    library.pag_room.argtypes = (number, number)
    library.pag_room.restype = ctypes.c_int64
    library.pag_spatial.argtypes = (
        *(pointer,) * 7, number, pointer, pointer, number, *(pointer,) * 3, number,
    )  # fmt: skip
    library.pag_pointwise.argtypes = (pointer,) * 3 + (number,) + (pointer,) * 3 + (number,) * 2
    library.pag_project.argtypes = (
        *(pointer,) * 3, ctypes.c_float, number, number, pointer, number,
    )  # fmt: skip
    library.pag_finish.argtypes = (
        *(pointer,) * 8, number, pointer, number, pointer, pointer, number,
    )  # fmt: skip
    library.pag_keep.argtypes = (pointer,) * 2 + (ctypes.c_double,) * 3 + (pointer,) * 3
    library.pag_keep.restype = ctypes.c_double
    for name in ("list", "part", "spatial", "pointwise", "project", "finish"):
        getattr(library, f"pag_{name}").restype = None


def at(tensor: Tensor | None) -> int | None:
    """Where a tensor's values lie; null for None."""
    return None if tensor is None else tensor.data_ptr()
