"""Showing files in a process whose memory is poisoned.

glibc's `MALLOC_PERTURB_` fills every allocated or freed buffer with a byte. What a decoder, a
filter or NumPy leaves unwritten then holds that byte, or data of another file: it differs between
two runs with different poison that read the files in different orders.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

import pytest

from edgeecho.cine import read_cine
from edgeecho.common.errors import InputError

POISONS = (0x55, 0xC3)
IMAGE = re.compile(r'data:image/[a-z]+;base64,[^"\')]+')


def need_poison() -> None:
    """Skip where another C library is in use; fail where glibc's does not poison."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("only glibc poisons its memory")
    code = "import numpy as np; print(*np.unique(np.empty(5_000_000, np.uint8)[100:-100]))"
    done = run_poisoned(POISONS[0], ["-c", code])
    assert done.stdout.split() == [str(POISONS[0] ^ 0xFF)], "memory is not poisoned"


def run_poisoned(poison: int, words: Sequence[object]) -> subprocess.CompletedProcess[str]:
    """Python with these arguments, in a poisoned process."""
    return subprocess.run(
        [sys.executable, *map(str, words)],
        env={**os.environ, "MALLOC_PERTURB_": str(poison)},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def decode_all(
    poison: int, files: Sequence[Path], *, apart: bool = False
) -> dict[Path, list[object] | str]:
    """Of each file: the number and the hash of its frames, or why there are none.

    One process decodes them one after the other; `apart`: each in a process that decoded nothing
    before.
    """
    done = run_poisoned(poison, [__file__, "apart" if apart else "together", *files])
    assert done.returncode == 0, done.stderr
    return dict(zip(files, json.loads(done.stdout), strict=True))


def main() -> None:
    """See `decode_all`."""
    how, *files = sys.argv[1:]
    if how == "apart":
        # Forked, for importing the decoders again takes longer than most files do.
        with get_context("fork").Pool(1, maxtasksperchild=1) as pool:
            found = pool.map(_decode, files, chunksize=1)
    else:
        found = [_decode(file) for file in files]
    json.dump(found, sys.stdout)


def _decode(file: str) -> list[object] | str:
    try:
        frames = read_cine(Path(file)).frames
    except InputError as error:
        return str(error)
    return [len(frames), hashlib.sha256(frames.tobytes()).hexdigest()]


if __name__ == "__main__":
    main()
