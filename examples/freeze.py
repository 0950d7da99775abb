"""`freeze.py VIDEO OUT.avi`: the video that a frozen scanner records, one picture repeated.

It is the video's first frame, as often as the video has frames, at its frame rate.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from edgeecho import read_cine
from edgeecho.common.errors import InputError
from edgeecho_train.phantom.writer import encode


def freeze(video: Path, out: Path) -> None:
    """Write the first frame of `video` over and over, in grey."""
    cine = read_cine(video)
    if cine.fps is None:
        raise InputError(f"{video.name} has no frame rate to repeat its frame at: choose another")
    encode(out, cine.frames[:1, ..., 0].repeat(len(cine.frames), axis=0), cine.fps)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    freeze(given.video, given.out)
