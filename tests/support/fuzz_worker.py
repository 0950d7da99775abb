"""Reads mutated files and reports each outcome: `python fuzz_worker.py CORPUS FIRST LAST`.

A case's number alone decides which file of the corpus is used and how it is changed. Each case is
one line of JSON; an exception other than `EdgeEchoError` is a finding and does not end the run.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

from edgeecho.bundle import open_model
from edgeecho.cine import read_cine
from edgeecho.common.errors import EdgeEchoError
from edgeecho.preprocess import VideoFacts, prepare

SPEC = open_model(None).preprocess


def mutate(source: random.Random, data: bytes, other: bytes) -> bytes:
    """One to three random changes."""
    out = bytearray(data)
    for _ in range(source.randint(1, 3)):
        if not out:
            break
        kind = source.choice(
            ("flip", "flip head", "cut", "zero", "number", "drop", "double", "splice")
        )
        at = source.randrange(len(out))
        length = min(len(out) - at, source.choice((1, 4, 100, 5000)))
        if kind.startswith("flip"):
            reach = min(len(out), 2000) if kind == "flip head" else len(out)
            for _ in range(source.choice((1, 10, 200))):
                out[source.randrange(reach)] = source.randrange(256)
        elif kind == "cut":
            del out[at:]
        elif kind == "zero":
            out[at : at + length] = bytes(length)
        elif kind == "number":
            # Sizes, counts and rates: the values at which arithmetic breaks.
            value = source.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF, 2_000_000_000))
            place = source.randrange(min(len(out), 2000))
            out[place : place + 4] = value.to_bytes(4, source.choice(("little", "big")))
        elif kind == "drop":
            del out[at : at + length]
        elif kind == "double":
            out[at:at] = out[at : at + length]
        else:
            out[at : at + length] = other[at : at + length]
    return bytes(out)


def peak_mb() -> float:
    """Peak resident memory since the last call to `reset_peak`."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def reset_peak() -> None:
    """Let the kernel count the peak anew (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def run(path: Path) -> str:
    """What became of a file."""
    try:
        cine = read_cine(path)
        prepared = prepare(cine, SPEC)
        facts = VideoFacts.of(cine, prepared, SPEC)
    except EdgeEchoError as error:
        return f"error: {error}"
    except Exception:  # noqa: BLE001 - to find these is what it is for
        return "CRASH: " + traceback.format_exc()
    return f"read: {facts.frames} frames, damage {facts.damage}"


def main() -> None:
    """Run the cases FIRST to LAST - 1."""
    corpus = sorted(Path(sys.argv[1]).iterdir())
    first, last = int(sys.argv[2]), int(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder:
        for case in range(first, last):
            source = random.Random(case)
            chosen, other = source.choice(corpus), source.choice(corpus)
            path = Path(folder) / f"case{chosen.suffix}"
            path.write_bytes(mutate(source, chosen.read_bytes(), other.read_bytes()))
            reset_peak()
            print(json.dumps({"begins": case, "file": chosen.name}), flush=True)
            begin = time.perf_counter()
            outcome = run(path)
            seconds = time.perf_counter() - begin
            facts = {"case": case, "s": seconds, "mb": peak_mb(), "outcome": outcome}
            print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
