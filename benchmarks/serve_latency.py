"""How fast the service answers requests while its engine is busy with 50 queued studies.

    python benchmarks/serve_latency.py [--model BUNDLE] [--studies 50]

Starts `edgeecho serve` on a free port with a state folder of its own, posts the studies as fast as
they are taken, and asks it all the time, as a page and a monitor would, until all are answered.
Prints percentiles of the time from a request to the end of its response, by kind, and whether each
study was answered once.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import httpx
import numpy as np

ROOT = Path(__file__).parents[1]
VIDEOS = sorted((ROOT / "examples" / "phantoms" / "Videos").iterdir())
PAUSE_S = 0.05


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default=str(ROOT / "edgeecho" / "models" / "demo"))
    parser.add_argument("--studies", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as state:
        command = [sys.executable, "-c", "from edgeecho.cli.app import main; main()", "serve"]
        words = ["--port", "0", "--state", state, "--model", options.model]
        process = subprocess.Popen([*command, *words], stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        found = re.search(r"http://\S+", process.stderr.readline())
        assert found, "it did not start"
        try:
            with httpx.Client(base_url=found[0], timeout=60) as client:
                measure(client, options.studies)
        finally:
            process.terminate()
            process.wait(20)


def measure(client: httpx.Client, studies: int) -> None:
    """Post, ask, print."""
    times: dict[str, list[float]] = defaultdict(list)

    def timed(kind: str, method: str, path: str, **more: object) -> httpx.Response:
        begin = time.perf_counter()
        answer = client.request(method, path, **more)  # type: ignore[arg-type]
        times[kind].append(1e3 * (time.perf_counter() - begin))
        answer.raise_for_status()
        return answer

    begin = time.perf_counter()
    jobs = []
    for number in range(studies):
        data = VIDEOS[number % len(VIDEOS)].read_bytes()
        jobs.append(timed("POST jobs", "POST", "/api/v1/jobs", content=data).json()["id"])
    left = set(jobs)
    while left:
        for job in sorted(left)[:5]:
            if timed("GET job", "GET", f"/api/v1/jobs/{job}").json()["finished"]:
                left.discard(job)
                timed("GET result.html", "GET", f"/api/v1/jobs/{job}/result.html")
            time.sleep(PAUSE_S)
        timed("GET jobs (50)", "GET", "/api/v1/jobs")
        timed("GET ready", "GET", "/ready")
        timed("GET metrics", "GET", "/metrics")
        timed("GET page", "GET", "/")
        time.sleep(PAUSE_S)
    seconds = time.perf_counter() - begin
    events = [client.get(f"/api/v1/jobs/{job}/trail").json()["entries"] for job in jobs]
    once = sum([e["event"] for e in each][1:] in (["answered"], ["refused"]) for each in events)
    print(f"{studies} studies in {seconds:.1f} s, {once} answered once, {len(set(jobs))} jobs\n")
    print(f"{'request, ms':<18}{'n':>6}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}")
    times["all"] = [ms for each in list(times.values()) for ms in each]
    for kind, each in times.items():
        p50, p95, p99 = np.percentile(each, [50, 95, 99])
        print(f"{kind:<18}{len(each):>6}{p50:>9.1f}{p95:>9.1f}{p99:>9.1f}{max(each):>9.1f}")


if __name__ == "__main__":
    main()
