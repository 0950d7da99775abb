"""Reading an `.npz` whose headers may claim anything.

`numpy.load` allocates what a header claims before it reads, and hands the header to Python's own
parser, which has errors of every kind. Here nothing is larger than what the archive holds, and a
header is what `numpy.savez` writes or it is none (the format: NumPy's `lib/_format_impl.py`).
"""

from __future__ import annotations

import math
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

_MOST_BYTES = 1 << 30
"""Of all arrays of a file together. The reference clips of a bundle take 40 MB."""
_VERSION = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '([<>|](?:f[248]|[iu][1248]|b1))', 'fortran_order': (True|False), "
    rb"'shape': \(((?:[0-9]{1,18}, ?)*(?:[0-9]{1,18})?)\), \} *\n"
)
"""Numbers only: a bundle holds no text, no objects and no records."""


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an `.npz`, by name. `ValueError` where it is none, damaged or too large."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if (size := sum(member.file_size for member in members)) > _MOST_BYTES:
                raise ValueError(f"its arrays take {size / 1e9:.1f} GB")
            return {m.filename.removesuffix(".npy"): _read(archive, m) for m in members}
    except (OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(str(error) or "it is cut short") from error


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    # numpy writes no others; zipfile has errors of their own for each.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{member.filename} is compressed by another method")
    if member.flag_bits & 1:
        raise ValueError(f"{member.filename} is encrypted")
    content = archive.read(member)
    start = len(_VERSION) + 2
    end = start + int.from_bytes(content[len(_VERSION) : start], "little")
    header = _HEADER.fullmatch(content[start:end])
    if not content.startswith(_VERSION) or not header:
        raise ValueError(f"{member.filename} is no array of numbers")
    dtype = np.dtype(header[1].decode())
    order: Literal["C", "F"] = "F" if header[2] == b"True" else "C"
    shape = tuple(int(axis) for axis in header[3].split(b",") if axis.strip())
    if math.prod(shape) * dtype.itemsize != len(content) - end:
        raise ValueError(f"{member.filename} is not as large as its header says")
    return np.frombuffer(content, dtype, offset=end).reshape(shape, order=order)


def as_floats(array: NDArray[Any], ndim: int = 1) -> NDArray[np.float32]:
    """An array of finite numbers of `ndim` axes, each with at least one; else `ValueError`."""
    with np.errstate(over="ignore"):  # what is too large becomes infinite
        floats = array.astype(np.float32)
    if array.ndim != ndim or not array.size or not np.isfinite(floats).all():
        raise ValueError(f"expected finite numbers on {ndim} axes, got shape {array.shape}")
    return floats
