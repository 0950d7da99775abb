"""`make mutate`: which small faults in the modules of tests/mutation.toml do their tests notice?

    python tests/support/mutate.py --seed 1 [--each 3] [--only edgeecho/trust] [--minutes 30]

Of each module a random sample of mutants is drawn, the same for the same seed and text. Each is put
into a copy of the commit that is checked out, never into the working tree, and the tests beside the
module run until the first fails: found. Tests that hang count as found. What survives and is not in
the reviewed list of equivalent mutants is a hole. Every answer is kept in build/mutation, so a run
that was stopped goes on where it was. Their order is random too, so that what was tried when the
time is over is a fair sample as well; the report is tests/mutation.md.

Why not a library alone (read in October 2026): mutmut 3 changes functions only, and our thresholds
are constants of modules; cosmic-ray changes the working tree, draws no sample and has one test
command for all modules; pytest-gremlins and mutatest draw none beside each module either. poodle's
operators are the best set for numbers, so they are used (see mutants.py), but it tries every mutant
(thousands here) with one command.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from random import Random

from mutants import Mutant, mutants_of
from mutation_copy import PARTS, Copy, copy_of, end_all
from mutation_report import Result, Table, read_table, write_report

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "tests" / "mutation.md"


Drawn = tuple[Mutant, tuple[str, ...]]


def drawn(table: Table, seed: int, each: int, only: str) -> Iterator[Drawn]:
    """The sample: `each` mutants of every module, with the tests beside it."""
    for module, tests in table.near.items():
        if module.startswith(only):
            source = (ROOT / module).read_text(encoding="utf-8")
            mutants = mutants_of(module, source, Random(f"{seed} {module}"))
            yield from ((mutant, tests) for mutant in islice(mutants, each))


def run(todo: list[Drawn], processes: int, commit: str) -> Generator[Result]:
    """What becomes of each mutant, in the order given."""
    limits: dict[tuple[tuple[str, ...], str], float | None] = {}
    copies: SimpleQueue[Copy] = SimpleQueue()

    def limit_of(copy: Copy, tests: tuple[str, ...], part: str) -> float | None:
        """Seconds that these tests may take, after the unchanged code passed; None: none there."""
        if (tests, part) not in limits:
            begin = time.monotonic()
            outcome = copy.test(tests, part, 1800)
            if outcome not in ("survived", "none"):
                raise SystemExit(f"{' '.join(tests)}: fail already in {commit} ({outcome})")
            # Wide: a machine that does other things too is no reason to call a mutant found.
            wide = 60 + 4 * (time.monotonic() - begin)
            limits[tests, part] = wide if outcome == "survived" else None
        return limits[tests, part]

    def one(mutant: Mutant, tests: tuple[str, ...]) -> Result:
        copy, outcome = copies.get(), ""
        try:
            for part in PARTS:
                if limit_s := limit_of(copy, tests, part):
                    outcome = copy.try_out(mutant, tests, part, limit_s)
                    if outcome != "survived":
                        break
        finally:
            copies.put(copy)
        if not outcome:
            raise SystemExit(f"{' '.join(tests)}: there are no such tests")
        return Result(mutant.module, mutant.line, mutant.before, mutant.after, outcome)

    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        for number in range(processes):
            copies.put(copy_of(ROOT, commit, Path(folder) / str(number)))
        pool = ThreadPoolExecutor(processes)
        try:
            yield from pool.map(one, *zip(*todo, strict=True)) if todo else ()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            end_all()
            pool.shutdown()


def _git(*words: str) -> str:
    return subprocess.check_output(["git", *words], cwd=ROOT, text=True).strip()


def main() -> None:
    """Command line: see the top of this file."""
    # Whoever ends it, the tests end too and the copies go.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(description="Which small faults do the tests notice?")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=3, help="mutants of each module")
    parser.add_argument("--only", default="", help="modules whose path begins so")
    parser.add_argument("--minutes", type=float, default=math.inf, help="report after these")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    if _git("status", "--porcelain", "--", ".", f":!{REPORT.relative_to(ROOT)}"):
        raise SystemExit("commit first: the report names the commit that it is about")
    commit = _git("rev-parse", "--short", "HEAD")
    table = read_table(ROOT / "tests" / "mutation.toml", ROOT)
    kept = ROOT / "build" / "mutation" / f"{commit}-{given.seed}.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.touch()
    results = [Result(**json.loads(line)) for line in kept.read_text("utf-8").splitlines()]
    known = {(result.module, result.line, result.after) for result in results}
    todo = [
        (mutant, tests)
        for mutant, tests in drawn(table, given.seed, given.each, given.only)
        if (mutant.module, mutant.line, mutant.after) not in known
    ]
    Random(given.seed).shuffle(todo)
    end = time.monotonic() + 60 * given.minutes
    with (
        kept.open("a", encoding="utf-8") as journal,
        closing(run(todo, given.processes, commit)) as new,
    ):
        for result in new:
            results.append(result)
            print(json.dumps(asdict(result)), file=journal, flush=True)
            print(f"{result.outcome:9}{result.where}  {result.after}", flush=True)
            if time.monotonic() > end:
                break
    how = f"commit {commit}, seed {given.seed}, {given.each} of each module"
    if len(results) < len(known) + len(todo):
        how += f", the first {len(results)} of {len(known) + len(todo)} in a random order"
    print(write_report(REPORT, table, results, how))


if __name__ == "__main__":
    main()
