"""Files asked of a real Triton on this machine's CPU: how long an answer takes.

    python benchmarks/triton_latency.py --requests 40

Narrow network, Python backend, the example phantoms in turn.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path += [str(ROOT), str(ROOT / "tests" / "support")]

import tritonclient.http as triton  # noqa: E402
from triton_server import serving  # noqa: E402

from edgeecho.tools.triton import write_repository  # noqa: E402

VIDEOS = [
    path.read_bytes() for path in sorted((ROOT / "examples" / "phantoms" / "Videos").iterdir())
]


def ask(address: str, content: bytes) -> float:
    """Seconds from the first byte to the answer."""
    given = triton.InferInput("file", [1], "BYTES")
    given.set_data_from_numpy(np.array([content], object))
    with triton.InferenceServerClient(address, network_timeout=120) as client:
        begin = time.perf_counter()
        client.infer("edgeecho", [given])
        return time.perf_counter() - begin


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=40)
    number = parser.parse_args().requests
    with tempfile.TemporaryDirectory(prefix="tl-") as folder:
        repository, log = Path(folder) / "r", Path(folder) / "log"
        bundle = ROOT / "models" / "narrow" / "bundle"
        write_repository(bundle, repository, precision=None, backend="python", instances=2)
        with serving(repository, log) as address:
            for content in VIDEOS:
                ask(address, content)
            print("| clients | p50, ms | p99, ms | files a second |\n|---|---|---|---|")
            for clients in (1, 2, 4):
                contents = [VIDEOS[n % len(VIDEOS)] for n in range(number)]
                begin = time.perf_counter()
                with ThreadPoolExecutor(clients) as pool:
                    took = list(pool.map(lambda content: ask(address, content), contents))
                whole = time.perf_counter() - begin
                p50, p99 = np.percentile(took, [50, 99]) * 1e3
                print(f"| {clients} | {p50:.0f} | {p99:.0f} | {number / whole:.2f} |", flush=True)


if __name__ == "__main__":
    main()
