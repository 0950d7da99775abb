"""The tables of docs/speed.md, made of what `peers.py` measured.

python benchmarks/speed_page.py            write them
python benchmarks/speed_page.py --check    exit code 1 if they are not what would be written
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from edgeecho.common.files import write_text
from edgeecho.tools.bench.statistics import LEVEL, Ratio, paired_ratio

RESULTS = Path(__file__).parent / "results" / "peers.json"
PAGE = Path(__file__).parents[1] / "docs" / "speed.md"
BEGIN = "<!-- made by benchmarks/speed_page.py from benchmarks/results/peers.json: begin -->"
END = "<!-- end -->"
_TITLES = {"single": "One clip", "app": "OpenVINO's benchmark_app", "study": "All clips of a video"}


def main() -> None:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    wanted = fill(page, json.loads(RESULTS.read_text(encoding="utf-8")))
    if not options.check:
        write_text(PAGE, wanted)
    elif wanted != page:
        sys.exit(f"{PAGE.name} is not what {RESULTS.name} gives: python benchmarks/speed_page.py")


def fill(page: str, document: Mapping[str, Any]) -> str:
    """The page with the tables of `document` between the two comments."""
    before, found, rest = page.partition(BEGIN)
    _, closed, after = rest.partition(END)
    if not (found and closed):
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n{tables(document)}\n{END}{after}"


def tables(document: Mapping[str, Any]) -> str:
    """Markdown: what was measured where, then a section for each scenario."""
    scenarios = document["scenarios"]
    sections = {"single": _one_clip, "app": _app, "study": _study}
    parts = [_machine(document)]
    parts += [
        f"## {_TITLES[name]}\n\n{write(scenarios[name])}"
        for name, write in sections.items()
        if name in scenarios
    ]
    return "\n\n".join(parts)


def _machine(document: Mapping[str, Any]) -> str:
    model, packages = document["model"], document["packages"]
    loads = [s["environment"]["load_average"] for s in document["scenarios"].values()]
    # The load of the last minutes holds the measurement itself; of 15 minutes, what ran beside it.
    facts = ", ".join(f"{name} {found}" for name, found in packages.items())
    busy = max((load[2] for load in loads if load), default=None)
    told = (
        f"Model {model['name']} {model['version']} (r2plus1d_18, width {model['width']:g}, "
        f"{model['parameters']:,} parameters) on {document['cpu']}, {document['cores']} cores, "
        f"{document['threads']} threads for everyone; {facts}"
    )
    told += f"; load at most {busy:.1f} over 15 minutes, these programs included." if busy else "."
    told += (
        " The programs took turns, one run each in a round. A ratio is the geometric mean of the "
        f"ratios within the rounds, in brackets its {100 * LEVEL:g} % interval (Student's t, of "
        "their logarithms)."
    )
    return _wrap(told)


def _one_clip(found: Mapping[str, Any]) -> str:
    return _wrap(
        f"From a normalised clip in memory to its EF, {_rounds(found)} rounds."
    ) + _against_eager(found, 1, "ms")


def _study(found: Mapping[str, Any]) -> str:
    told = (
        f"A prepared video of {found['frames']} frames in memory to the EFs of all its "
        f"{found['clips']} clips, as EchoNet-Dynamic publishes them, {_rounds(found)} rounds. "
        f"Cutting the clips is part of it. The peers take {found['batch']} clips a call, as that "
        "code does; edgeecho chooses for itself."
    )
    return _wrap(told) + _against_eager(found, 1e3, "s") + _sharing(found)


def _rounds(found: Mapping[str, Any]) -> int:
    return len(found["peers"][0]["total_ms"])


def _against_eager(found: Mapping[str, Any], unit: float, name: str) -> str:
    eager = found["peers"][0]
    rows = []
    for peer in found["peers"]:
        ratio = paired_ratio(eager["total_ms"], peer["total_ms"])
        # Its interval against itself says nothing.
        times = "1" if peer is eager else _words(ratio)
        time = median(peer["total_ms"]) / unit
        rows.append(
            [
                peer["name"],
                peer["precision"],
                f"{time:.{0 if time >= 100 else 1}f}",
                times,
                "" if peer is eager else f"{peer['largest_difference']:.2g}",
            ]
        )
    head = ["program", "precision", f"median, {name}", "times as fast as PyTorch eager",
            "largest difference, EF points"]  # fmt: skip
    left = "".join(
        "\n" + _wrap(f"{peer} did not run: {why}") for peer, why in found["not_run"].items()
    )
    return "\n\n" + table(head, rows) + left


def _sharing(found: Mapping[str, Any]) -> str:
    by_name = {(peer["name"], peer["precision"]): peer for peer in found["peers"]}
    rows = []
    for (name, precision), shared in by_name.items():
        plain = by_name.get(("edgeecho", precision))
        if name != "edgeecho, sharing" or plain is None:
            continue
        ratios = [paired_ratio(plain[k], shared[k]) for k in ("total_ms", "engine_ms")]
        rows.append([precision, *map(_words, ratios)])
    if not rows:
        return ""
    head = ["precision", "sharing against none, times as fast", "in the engine alone"]
    return "\n\n" + table(head, rows)


def _app(found: Mapping[str, Any]) -> str:
    rows, options, lengths = [], [], set()
    for precision, part in found["precisions"].items():
        blocks = part["blocks_ms"]
        app, ours = blocks["benchmark_app"], blocks["edgeecho"]
        rows.append(
            [
                precision,
                f"{median(app):.1f}",
                f"{median(ours):.1f}",
                _words(paired_ratio(ours, app)),
                str(len(app)),
            ]
        )
        options.append(part["options"])
        lengths.add(part["length"])
    told = (
        "edgeecho's engine, from Python and with the copies of its outputs, against benchmark_app "
        f"on the same file and clip with as many threads; `{options[0]}`. They take turns in "
        f"blocks of {max(lengths)} clips, of which each gives the median."
    )
    head = ["precision", "benchmark_app, ms", "edgeecho, ms", "edgeecho's time over its", "blocks"]
    return f"{_wrap(told)}\n\n{table(head, rows)}"


def _words(ratio: Ratio) -> str:
    if ratio.low is None or ratio.high is None:
        return f"{ratio.value:.2f} (one round carries no interval)"
    return f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """In Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _wrap(text: str) -> str:
    return textwrap.fill(text, 100, break_on_hyphens=False, break_long_words=False)


if __name__ == "__main__":
    main()
