"""Junk for the REST API: requests that schemathesis makes of our own OpenAPI.

    python benchmarks/soak_api.py --requests 10000

Runs the real `edgeecho serve` with the narrow network. It fails (exit code 1) if a response is a
server error or differs from the OpenAPI, the service ends or prints a traceback, memory grows by
more than 30 MB after the first tenth, or a phantom is not answered afterwards.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from edgeecho import RESEARCH_USE

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "models" / "narrow" / "bundle"
PHANTOM = ROOT / "examples" / "phantoms" / "Videos" / "phantom-s21-00003.avi"
EXAMPLES = 60
"""For each operation in a round; a round has another seed."""
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"
CHECKS += ",response_headers_conformance,response_schema_conformance"
GROWTH_MB = 30


def main() -> None:
    """Run it, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--requests", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "serve.log"
        words = ["serve", "--port", "0", "--state", f"{folder}/state", "--model", str(MODEL)]
        program = Path(sys.executable).with_name("edgeecho")
        with log.open("w") as stream:
            service = subprocess.Popen([program, *words, "--threads", "1"], stderr=stream)
        try:
            faults = soak(service, log, options.requests)
        finally:
            service.terminate()
            code = service.wait(30)
        faults += [f"exit code {code}"] if code else []
        faults += ["a traceback in its log"] if "Traceback" in log.read_text() else []
    print("\n".join(faults or ["no fault"]) + f"\n{RESEARCH_USE}")
    sys.exit(bool(faults))


def soak(service: subprocess.Popen[bytes], log: Path, wanted: int) -> list[str]:
    """Faults that were found."""
    while not (found := re.search(r"serving (\S+)", log.read_text())):
        time.sleep(0.1)
    begin, first, faults = time.monotonic(), None, []
    with httpx.Client(base_url=found[1], timeout=30) as client:
        seed, done = 0, 0
        while done < wanted and not faults:
            seed += 1
            faults += junk(found[1], seed)
            done = count_requests(client)
            if first is None and done >= wanted / 10:
                first = resident_mb(service.pid)
        last = resident_mb(service.pid)
        first = last if first is None else first
        seconds = time.monotonic() - begin
        print(f"{done} requests in {seconds:.0f} s, {seed} seeds; resident {first} to {last} MB")
        if last - first > GROWTH_MB:
            faults.append(f"memory grew by {last - first} MB")
        faults += still_answers(client)
    return faults


def junk(url: str, seed: int) -> list[str]:
    """One round. Streams of events never end, so they are left out."""
    words = ["run", f"{url}/openapi.json", "--phases", "fuzzing", "--seed", str(seed)]
    words += ["--max-examples", str(EXAMPLES), "--checks", CHECKS, "--no-color"]
    words += ["--exclude-path-regex", "events$"]
    program = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [program, *words], check=False, capture_output=True, text=True, cwd=tempfile.gettempdir()
    )
    return [] if done.returncode == 0 else [f"seed {seed}:\n{done.stdout[-4000:]}"]


def count_requests(client: httpx.Client) -> int:
    """All that the service has answered so far."""
    text = client.get("/metrics").text
    counts = re.findall(r"^edgeecho_request_seconds_count\S* (\S+)$", text, re.MULTILINE)
    return int(sum(map(float, counts)))


def resident_mb(pid: int) -> int:
    """Of the process that answers requests; the engine is another."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) // 1000


def still_answers(client: httpx.Client) -> list[str]:
    """A phantom, behind whatever junk waits."""
    for _ in range(600):
        answer = client.post("/api/v1/jobs", content=PHANTOM.read_bytes())
        if answer.status_code != 429:
            break
        time.sleep(1)
    job = answer.json()
    for _ in range(600):
        job = client.get(f"/api/v1/jobs/{job['id']}").json()
        if job["finished"]:
            break
        time.sleep(0.5)
    return [] if job["status"] in ("answered", "refused") else [f"a phantom is {job['status']}"]


if __name__ == "__main__":
    main()
