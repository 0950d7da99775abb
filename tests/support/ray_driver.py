"""A cohort on a Ray, with files that end the process that reads them: a driver to be killed.

python ray_driver.py SOURCE TABLE ADDRESS LOG
"""

from __future__ import annotations

import sys
from pathlib import Path

from crashing import LoggedTask
from tasks import task

from edgeecho.batch import FORMATS, answer_cohort, on_ray, open_table, read_source


def main(source: Path, folder: Path, address: str, log: Path) -> None:
    """What `edgeecho cohort --ray` does; say how many were computed."""
    asked = task(LoggedTask, show_refused=False, clips="stride:16", log=log)
    with (
        open_table(folder, FORMATS["csv"], asked, paths=False) as table,
        on_ray(address, asked, 0, table) as crew,
    ):
        items = read_source(source).items
        tally = answer_cohort(asked, items, table, crew, 60, lambda _: None)
    print(tally.answered_now)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
