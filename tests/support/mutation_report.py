"""What `make mutate` reads (tests/mutation.toml) and what it leaves (tests/mutation.md)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import tomllib
from mutants import Mutant, mutants_of


@dataclass(frozen=True)
class Result:
    """What became of one mutant: `found`, `hung` (found too) or `survived`."""

    module: str
    line: int
    before: str
    after: str
    outcome: str

    @property
    def where(self) -> str:
        return f"{self.module}:{self.line}"


@dataclass(frozen=True)
class Table:
    """The modules with the tests beside them, and the mutants that are known to change nothing."""

    near: dict[str, tuple[str, ...]]
    equivalent: dict[tuple[str, str], str]
    """Reason by (module, changed line)."""

    def reason(self, result: Result | Mutant) -> str | None:
        return self.equivalent.get((result.module, result.after))


def read_table(path: Path, root: Path) -> Table:
    """Raises SystemExit where an equivalent mutant is listed that its module no longer has."""
    content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    near = {
        f"{entry['folder']}/{module}.py": tuple(entry["tests"])
        for entry in content["near"]
        for module in entry["modules"]
    }
    equivalent = {
        (entry["module"], entry["after"]): entry["why"] for entry in content.get("equivalent", ())
    }
    for module in {module for module, _ in equivalent}:
        source = (root / module).read_text(encoding="utf-8")
        possible = {mutant.after for mutant in mutants_of(module, source, Random(0))}
        if gone := {after for name, after in equivalent if name == module} - possible:
            raise SystemExit(f"{path}: {module} has no such mutants any more: {sorted(gone)}")
    return Table(near, equivalent)


def write_report(path: Path, table: Table, results: list[Result], drawn: str) -> str:
    """Write the report; returns its figure as one line."""
    survived = [result for result in results if result.outcome == "survived"]
    same = [result for result in survived if table.reason(result)]
    holes = [result for result in survived if not table.reason(result)]
    counted = len(results) - len(same)
    found = counted - len(holes)
    figure = (
        f"**{found} of {counted} found: {found / counted:.1%}**; {len(same)} more are equivalent."
    )
    every, seen, equal = (
        Counter(result.module for result in group)
        for group in (results, set(results) - set(survived), same)
    )
    lines = [
        "# Which small faults do the tests notice?",
        "",
        f"Written by `make mutate`, by hand: {drawn}.",
        "",
        figure,
        "",
        "Of each module below a random sample of small faults (a number, a comparison, a sign, a",
        "condition, a statement left out) is drawn; each is put into a copy, and the tests beside",
        "the module run. Equivalent mutants change nothing that anybody could see; they are listed",
        "with their reasons in [mutation.toml](mutation.toml), reviewed by hand.",
        "",
        "## Not found",
        "",
        *([_line(result) for result in holes] or ["None."]),
        "",
        "## Equivalent",
        "",
        *([f"{_line(result)}: {table.reason(result)}" for result in same] or ["None."]),
        "",
        "## Module by module",
        "",
        "| module | mutants | found | equivalent |",
        "|---|---|---|---|",
        *(f"| {name} | {every[name]} | {seen[name]} | {equal[name]} |" for name in sorted(every)),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return figure


def _line(result: Result) -> str:
    return f"- `{result.where}` `{result.before}` → `{result.after}`"
