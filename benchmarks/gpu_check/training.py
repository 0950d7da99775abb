"""Two epochs of the real `edgeecho train`, and how busy they kept the GPU.

python training.py DATA WORK [--narrow]
"""

from __future__ import annotations

import argparse
import csv
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import mean

from edgeecho.common.files import write_json
from edgeecho.dataset import read_dataset

_QUERY = "--query-gpu=utilization.gpu,memory.used"


def main() -> int:
    """Write WORK/training.json; the exit code is that of the training."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--narrow", action="store_true")
    options = parser.parse_args()
    run = options.work / "run"
    # Fewer than the recipe's 20, for cards with little memory.
    narrow = ("--width", "0.0625", "--size", "56", "--batch-size", "5")
    size = narrow if options.narrow else ("--batch-size", "8")
    train = ("train", options.data, "--out", run, "--epochs", "2", *size)
    seen = options.work / "nvidia-smi.csv"
    smi = shutil.which("nvidia-smi")
    with seen.open("w") as stream:
        sampler = smi and subprocess.Popen(
            [smi, _QUERY, "--format=csv,noheader,nounits", "--loop-ms=200"], stdout=stream
        )
        try:
            code = subprocess.call([sys.executable, "-m", "edgeecho", *map(str, train)])
        finally:
            if sampler:
                sampler.kill()
                sampler.wait()
    if code:
        return code
    with (run / "log.csv").open(encoding="utf-8") as table:
        seconds = [float(row["seconds"]) for row in csv.DictReader(table)]
    clips = sum(video.split == "TRAIN" for video in read_dataset(options.data))
    samples = [line.split(",") for line in seen.read_text().splitlines()]
    whole = [[float(v) for v in s] for s in samples if len(s) == 2 and s[0].strip().isdigit()]
    write_json(
        options.work / "training.json",
        {
            "clips": clips,
            "seconds": seconds,
            # Of the second epoch: the first also chooses kernels. Validation is part of it.
            "clips_per_second": clips / seconds[-1] if seconds[-1] else None,
            # Of the whole process, its start included.
            "gpu_busy_percent": mean(s[0] for s in whole) if whole else None,
            "gpu_memory_mb": max(s[1] for s in whole) if whole else None,
            "samples": len(whole),
        },
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
