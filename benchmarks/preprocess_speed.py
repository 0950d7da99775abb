"""How fast one state of the code preprocesses a video, against another: their times in turn.

    git worktree add ../before COMMIT
    taskset -c 0 python benchmarks/preprocess_speed.py ../before . edgeecho/models/example.avi

Everything between the decoded frames and the clips for the network, whose engine is a dummy. Each
tree answers in a process of its own, and time is the processor's, which other programs disturb
less. Printed are the medians, and the mean ratio within a round with its 95 % interval.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np

from edgeecho.tools.bench.statistics import paired_ratio
from edgeecho.tools.bench.turns import take_turns

ROUNDS = 30

_WORKER = """
import sys, time
from pathlib import Path
import numpy as np
from edgeecho.bundle import open_model
from edgeecho.cine import read_cine
from edgeecho.engines import Outputs
from edgeecho.inference import make_ready, run_clips
from edgeecho.preprocess import ClipMode, clip_starts
class Engine:
    def run(self, clips):
        return Outputs(np.zeros(len(clips), np.float32), np.zeros((len(clips), 1), np.float32))
spec = open_model(None).preprocess
cine = read_cine(Path(sys.argv[1]))
for line in sys.stdin:
    begin = time.process_time()
    prepared = make_ready(cine, spec, None).prepared
    starts = clip_starts(len(prepared.frames), spec, ClipMode.parse(line.strip()))
    run_clips(prepared, spec, Engine(), starts)
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

    def ms(self, clips: str) -> float:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{clips}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def end(self) -> None:
        self._process.communicate()


def main(before: str, after: str, *videos: str) -> None:
    for video in videos:
        trees = {tree: Tree(tree, video) for tree in (before, after)}
        for clips in ("center", "stride:16"):
            tasks = {name: partial(tree.ms, clips) for name, tree in trees.items()}
            times = take_turns(tasks, rounds=ROUNDS, warmup=2)
            ratio = paired_ratio(times[after], times[before])
            old, new = (np.median(times[tree]) for tree in (before, after))
            print(
                f"{Path(video).name}, {clips}: {old:.1f} ms before, {new:.1f} ms after; "
                f"ratio {ratio.value:.3f} ({ratio.low:.3f} to {ratio.high:.3f})"
            )
        for tree in trees.values():
            tree.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
