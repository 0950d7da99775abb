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
from pathlib import Path

import pytest

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


def decode_all(poison: int, files: Sequence[Path]) -> dict[str, object]:
    """By name: the hash of a file's frames with their number, or why there are none."""
    done = run_poisoned(poison, [__file__, *files])
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def main() -> None:
    """Decode the files that are named, one after the other, in this process."""
    from edgeecho.cine import read_cine
    from edgeecho.common.errors import InputError

    found: dict[str, object] = {}
    for file in map(Path, sys.argv[1:]):
        try:
            frames = read_cine(file).frames
        except InputError as error:
            found[file.name] = str(error)
        else:
            found[file.name] = [len(frames), hashlib.sha256(frames.tobytes()).hexdigest()]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
