"""How fast one state of the code preprocesses a video, against another: their times in turn.

    git worktree add ../before COMMIT
    taskset -c 0 python benchmarks/preprocess_speed.py ../before . edgeecho/models/example.avi

Everything between the decoded frames and the central clip for the network, without decoding. Each
tree answers in a process of its own; time is that of the processor, which other programs disturb
less. Printed are medians, and the ratio with a 95 % interval (bootstrap of the median).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

ROUNDS = 30

_WORKER = """
import sys, time
from pathlib import Path
from edgeecho.bundle import open_model
from edgeecho.cine import read_cine
from edgeecho.inference import make_ready
from edgeecho.preprocess import ClipMode, clip_starts, gather_clips, normalise, pad_short
spec = open_model(None).preprocess
cine = read_cine(Path(sys.argv[1]))
for line in sys.stdin:
    begin = time.process_time()
    frames = make_ready(cine, spec, None).prepared.frames
    (start,) = clip_starts(len(frames), spec, ClipMode("center"))
    near = frames[start : start + spec.frames * spec.period]
    video = pad_short(normalise(near, spec), spec)
    gather_clips(video, clip_starts(1, spec, ClipMode("center")) * 0, spec)
    print((time.process_time() - begin) * 1e3, flush=True)
"""


class Tree:
    """A process that preprocesses one video with the code of one tree."""

    def __init__(self, tree: str, video: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _WORKER, str(Path(video).resolve())],
            env={**os.environ, "PYTHONPATH": str(Path(tree).resolve())},
            cwd=tree,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ms(self) -> float:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def end(self) -> None:
        self._process.communicate()


def main(before: str, after: str, *videos: str) -> None:
    for video in videos:
        trees = Tree(before, video), Tree(after, video)
        for tree in trees:  # warm up
            tree.ms()
        times = np.array([[tree.ms() for tree in trees] for _ in range(ROUNDS)])
        for tree in trees:
            tree.end()
        chosen = np.random.default_rng(0).integers(ROUNDS, size=(2000, ROUNDS))
        ratios = np.median(times[chosen, 1], axis=1) / np.median(times[chosen, 0], axis=1)
        old, new = np.median(times, axis=0)
        low, high = np.percentile(ratios, [2.5, 97.5])
        print(
            f"{Path(video).name}: {old:.1f} ms before, {new:.1f} ms after, "
            f"ratio {new / old:.3f} ({low:.3f} to {high:.3f})"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
