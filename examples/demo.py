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
EDGEECHO = Path(sys.executable).with_name("edgeecho")


def main() -> None:
    """Run `edgeecho infer` twice and print the truth beside the answers."""
    print("(a) Phantoms that the demo model has not seen. Synthetic: their true EF is known.\n")
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "answers.csv"
        infer(PHANTOMS / "Videos", "--csv", table)
        answers = {row["FileName"]: float(row["EF"]) for row in read_csv(table)}
    print(f"\n    {'phantom':<24}{'true EF':>9}{'answer':>9}{'error':>9}")
    for row in read_csv(PHANTOMS / "FileList.csv"):
        truth, answer = float(row["EF"]), answers[f"{row['FileName']}.avi"]
        print(f"    {row['FileName']:<24}{truth:>9.1f}{answer:>9.1f}{answer - truth:>+9.1f}")

    print("\n(b) A real cardiac cine, nothing like what the demo model was trained on: a patient,")
    print("    not a phantom, and shorter than the model's window. The number below means nothing;")
    print("    the warnings are the answer.\n")
    infer(get_path("ybr_color"))


def infer(*arguments: object) -> None:
    """Run `edgeecho infer` as a user would."""
    words = [str(argument) for argument in arguments]
    # Files in the clone as a user would type them; of others the name is enough.
    shown = [word.removeprefix(f"{CLONE}/") for word in words]
    shown = [Path(word).name if Path(word).is_absolute() else word for word in shown]
    print(f"$ edgeecho infer {' '.join(shown)}", flush=True)
    subprocess.run([EDGEECHO, "infer", *words], check=True)


def read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


if __name__ == "__main__":
    main()
