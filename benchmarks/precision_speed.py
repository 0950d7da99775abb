"""A bundle's precisions on the CPU engines, taking turns: `python benchmarks/precision_speed.py B`.

Writes a Markdown table of the time of one clip and its ratio to ONNX Runtime in FP32. Turns of one
run each make the comparison fair on a machine whose speed drifts.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from edgeecho.bundle import open_model, read_manifest
from edgeecho.common.environment import read_environment
from edgeecho.engines import load_engine

BASE = ("onnxruntime", "fp32")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--runs", type=int, default=20)
    arguments = parser.parse_args()
    manifest = read_manifest(arguments.bundle)
    engines = {
        (name, precision): load_engine(name, open_model(arguments.bundle, precision=precision))
        for name in ("onnxruntime", "openvino")
        for precision in manifest.artefacts
    }
    spec = manifest.preprocess
    shape = (1, 3, spec.frames, spec.size, spec.size)
    clip = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in engines}
    for turn in range(arguments.runs + 1):
        for key, engine in engines.items():
            start = time.perf_counter()
            engine.run(clip)
            if turn:  # the first warms up
                seconds[key].append(time.perf_counter() - start)
    base = np.array(seconds[BASE])
    width = manifest.architecture["width"]
    environment = read_environment()
    print(f"{manifest.name} {manifest.version}, width {width:g}, one clip of {shape[1:]}")
    print(f"{arguments.runs} turns on {environment.cpu}\n")
    print("| engine | precision | median ms | times as fast as onnxruntime fp32 | 90 % of turns |")
    print("|---|---|---|---|---|")
    for (name, precision), values in seconds.items():
        ratios = base / np.array(values)
        low, middle, high = np.percentile(ratios, [5, 50, 95])
        print(
            f"| {name} | {precision} | {1000 * np.median(values):.0f} | {middle:.2f} | "
            f"{low:.2f} to {high:.2f} |"
        )


if __name__ == "__main__":
    main()
