"""`make demo`: what the demo model answers to phantoms, to a fault, and to a real cine.

The phantoms' true EF is in examples/phantoms/FileList.csv; the fault is in examples/faults. The
real cine is a DICOM file inside pydicom's wheel; nobody knows its EF.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path

from pydicom.examples import get_path

CLONE = Path(__file__).resolve().parents[1]
PHANTOMS = CLONE / "examples" / "phantoms"
FROZEN = CLONE / "examples" / "faults" / "frozen.avi"
REPORT = CLONE / "build" / "demo-report.html"
EDGEECHO = Path(sys.executable).with_name("edgeecho")
REFUSED = 5
"""Exit code of `edgeecho infer` where a gate refused at least one number."""

Row = Mapping[str, str]


def main() -> None:
    """Run `edgeecho infer` on all files, print what to see in its answers, name its report."""
    real = get_path("ybr_color")
    answers = {row["FileName"]: row for row in infer(PHANTOMS / "Videos", FROZEN, real)}

    print("\n(a) Phantoms that the demo model has not seen. Synthetic: their true EF is known.\n")
    print(f"    {'phantom':<20}{'true EF':>9}{'answer':>9}{'error':>8}   90 % interval")
    truths = {f"{row['FileName']}.avi": float(row["EF"]) for row in read_csv(PHANTOMS)}
    for name, truth in truths.items():
        print(f"    {Path(name).stem:<20}{compared(truth, answers[name])}")
    held = sum(holds(truth, answers[name]) for name, truth in truths.items())
    print(f"\n    The truth lies inside the interval of {held} of {len(truths)}.")

    print("\n(b) A fault: a phantom whose picture is frozen. It gets no number, but a reason.\n")
    print(refused(answers[FROZEN.name]))

    print(
        "\n(c) A real cardiac cine, of a patient: nothing like what the demo model was trained on."
    )
    print("    No number is the right answer.\n")
    print(refused(answers[real.name]))

    print("\nAll of this with frames, players and curves, to open in any browser:")
    print(REPORT.relative_to(CLONE))


def infer(*videos: Path) -> list[Row]:
    """Run `edgeecho infer` as a user would; return its table."""
    print(f"$ edgeecho infer {' '.join(map(shown, videos))} --html {shown(REPORT)}\n", flush=True)
    REPORT.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "FileList.csv"
        words = [EDGEECHO, "infer", *videos, "--html", REPORT, "--csv", table]
        code = subprocess.run(words, check=False).returncode
        if code != REFUSED:
            sys.exit(f"edgeecho infer ended with exit code {code}, not with {REFUSED}")
        return read_csv(Path(folder))


def shown(path: Path) -> str:
    """Files in the clone as a user would type them; of others the name is enough."""
    return str(path.relative_to(CLONE) if path.is_relative_to(CLONE) else path.name)


def holds(truth: float, answer: Row) -> bool:
    """Whether there is an interval and the true EF lies in it."""
    if not answer["EF"]:
        return False
    return float(answer["IntervalLow"]) <= truth <= float(answer["IntervalHigh"])


def compared(truth: float, answer: Row) -> str:
    """Columns of the table; a refused phantom has no number to compare."""
    if not answer["EF"]:
        return f"{truth:>9.1f}  refused: {answer['Refusals']}"
    error = float(answer["EF"]) - truth
    held = "holds it" if holds(truth, answer) else "misses it"
    # As they stand in the tables: rounded once more, they could differ from the text above.
    interval = f"{answer['IntervalLow']} to {answer['IntervalHigh']}"
    return f"{truth:>9.2f}{answer['EF']:>9}{error:>+8.2f}   {interval}, {held}"


def refused(answer: Row) -> str:
    """The reasons of a refusal, in lines that fit a terminal."""
    words = f"{answer['FileName']}  {answer['Status']}: {answer['Refusals']}"
    return textwrap.fill(words, 96, initial_indent="    ", subsequent_indent="        ")


def read_csv(folder: Path) -> list[Row]:
    """Rows of the folder's FileList.csv."""
    with (folder / "FileList.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


if __name__ == "__main__":
    main()
