"""`make demo`: what the demo model answers to phantoms, and to a real cine that it cannot know.

The phantoms' true EF is in examples/phantoms/FileList.csv. The real clip is a DICOM file inside
pydicom's wheel; nobody knows its EF.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from pathlib import Path

from pydicom.examples import get_path

CLONE = Path(__file__).resolve().parents[1]
PHANTOMS = CLONE / "examples" / "phantoms"
ANSWERED, REFUSED = 0, 5
"""Exit codes of `edgeecho infer`; of the second a gate refused at least one number."""
EDGEECHO = Path(sys.executable).with_name("edgeecho")


def main() -> None:
    """Run `edgeecho infer` twice and print the truth beside the answers."""
    print("(a) Phantoms that the demo model has not seen. Synthetic: their true EF is known.\n")
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "answers.csv"
        infer(PHANTOMS / "Videos", "--csv", table, expect=(ANSWERED, REFUSED))
        answers = {row["FileName"]: row for row in read_csv(table)}
    print(f"\n    {'phantom':<20}{'true EF':>9}{'answer':>9}{'error':>8}   90 % interval")
    for row in read_csv(PHANTOMS / "FileList.csv"):
        name = row["FileName"]
        print(f"    {name:<20}{compared(float(row['EF']), answers[f'{name}.avi'])}")

    print("\n(b) A real cardiac cine, nothing like what the demo model was trained on: a patient,")
    print("    not a phantom. No number is the right answer, and the reasons are given.\n")
    infer(get_path("ybr_color"), expect=(REFUSED,))


def compared(truth: float, answer: dict[str, str]) -> str:
    """Columns of the table; a refused phantom has no number to compare."""
    if not answer["EF"]:
        return f"{truth:>9.1f}  refused: {answer['Refusals']}"
    ef, low, high = (float(answer[name]) for name in ("EF", "IntervalLow", "IntervalHigh"))
    held = "holds it" if low <= truth <= high else "misses it"
    return f"{truth:>9.1f}{ef:>9.1f}{ef - truth:>+8.1f}   {low:.1f} to {high:.1f}, {held}"


def infer(*arguments: object, expect: tuple[int, ...]) -> None:
    """Run `edgeecho infer` as a user would."""
    words = [str(argument) for argument in arguments]
    # Files in the clone as a user would type them; of others the name is enough.
    shown = [word.removeprefix(f"{CLONE}/") for word in words]
    shown = [Path(word).name if Path(word).is_absolute() else word for word in shown]
    print(f"$ edgeecho infer {' '.join(shown)}", flush=True)
    code = subprocess.run([EDGEECHO, "infer", *words], check=False).returncode
    if code not in expect:
        sys.exit(f"edgeecho infer ended with exit code {code}")


def read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


if __name__ == "__main__":
    main()
