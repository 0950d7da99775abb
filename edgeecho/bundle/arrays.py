"""Reading an untrusted `.npz` file.

`numpy.load` allocates what a header claims before it reads the data, and evaluates the header with
Python's parser, which may raise anything. Here nothing is allocated beyond the archive's content,
and only headers as `numpy.savez` writes them are accepted (NumPy's `lib/_format_impl.py`).
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
"""Limit for all arrays of a file together. The reference clips of a bundle take 40 MB."""
_VERSION = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '([<>|](?:f[248]|[iu][1248]|b1))', 'fortran_order': (True|False), "
    rb"'shape': \(((?:[0-9]{1,18}, ?)*(?:[0-9]{1,18})?)\), \} *\n"
)
"""Accepts numbers only: a bundle contains no text, objects or records."""


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an `.npz` by name; `ValueError` if it is not one, damaged or too large."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if (size := sum(member.file_size for member in members)) > _MOST_BYTES:
                raise ValueError(f"its arrays take {size / 1e9:.1f} GB")
            return {m.filename.removesuffix(".npy"): _read(archive, m) for m in members}
    except (OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(str(error) or "it is cut short") from error


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    # numpy writes no other methods, and zipfile raises different errors for each of them.
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
    """The array as float32; `ValueError` unless it is finite, not empty, and has `ndim` axes."""
    with np.errstate(over="ignore"):  # values that are too large become infinite
        floats = array.astype(np.float32)
    if array.ndim != ndim or not array.size or not np.isfinite(floats).all():
        raise ValueError(f"expected finite numbers on {ndim} axes, got shape {array.shape}")
    return floats
