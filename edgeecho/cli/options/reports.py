"""Options that choose the formats of results, see `edgeecho.report.formats`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from edgeecho.report.formats import FORMATS, Format

CHOSEN = [form for form in FORMATS.values() if form.place != "file"]
"""Formats that `--format` chooses, one at a time."""
BESIDE = [form for form in FORMATS.values() if form.place == "file"]
"""Formats with an option of their own, which can be combined."""
FOLDERS = " or ".join(form.name for form in CHOSEN if form.place == "folder")


def _help_of_format() -> str:
    *others, last = (f"{f.name} ({f.about})" if f.about else f.name for f in CHOSEN)
    return f"{', '.join(others)} or {last}."


@dataclass(frozen=True)
class ReportOptions:
    """Each format whose place is `file` has a field of its name, with `_` for `-`."""

    format: Annotated[
        str | None, typer.Option("--format", metavar="FORMAT", help=_help_of_format())
    ] = None
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help=f"With --format {FOLDERS}: where the reports go."),
    ] = None
    csv: Annotated[Path | None, typer.Option(help="Also write a CSV file.")] = None
    beats_csv: Annotated[
        Path | None, typer.Option(help="Also write a CSV file with a row for each beat.")
    ] = None
    html: Annotated[
        Path | None, typer.Option(help="Also write a page with frames and curves for a browser.")
    ] = None
    show_refused: Annotated[
        bool,
        typer.Option("--show-refused", help="Show refused EFs too, marked, with their reasons."),
    ] = False

    def choose(self) -> Format:
        """The format by `--format` or its short form `--json`; `UsageError` if they contradict."""
        from edgeecho.common.errors import UsageError

        wanted = self.format
        names = [form.name for form in CHOSEN]
        if wanted is not None and wanted not in names:
            raise UsageError(f"--format {wanted!r} is not known: choose {', '.join(names)}")
        if self.json and wanted not in (None, "json"):
            raise UsageError(f"--json is --format json, and not {wanted}: leave one out")
        return FORMATS["json" if self.json else wanted or "text"]

    def beside(self) -> Mapping[str, Path]:
        """The paths given for formats whose place is `file`, by the format's name."""
        given = {form.name: getattr(self, form.name.replace("-", "_")) for form in BESIDE}
        return {name: path for name, path in given.items() if path is not None}

    def frames_each(self, files: int) -> int:
        """Number of frames of each video for the formats that show frames; 0 if none does."""
        wanted = [self.choose(), *(FORMATS[name] for name in self.beside())]
        if not any(form.holds_frames for form in wanted):
            return 0
        from edgeecho.results.pictures import frames_each

        return frames_each(files)

    def check(self, form: Format, files: Sequence[Path]) -> None:
        """Check the chosen `form` against the other options and the files to read; make the folder
        `out`.

        `UsageError` if they conflict, `MissingDependencyError` if a package is missing.
        """
        from edgeecho.common.errors import UsageError
        from edgeecho.common.files import make_folder
        from edgeecho.common.plugins import require_extra

        if self.show_refused and not form.holds_refused:
            raise UsageError(
                f"--format {form.name} never holds refused numbers: leave --show-refused out"
            )
        if (form.place == "folder") != (self.out is not None):
            raise UsageError(
                f"--format {FOLDERS} and --out FOLDER go together: give both or neither"
            )
        if form.extra:
            require_extra(f"`--format {form.name}`", form.extra)
        if self.out is None:
            return
        if any(file.resolve().parent == self.out.resolve() for file in files):
            raise UsageError(f"--out {self.out} holds files to be read: choose another folder")
        make_folder(self.out)
