"""In which forms results are wanted. The forms themselves: `edgeecho.report.formats`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from edgeecho.report.formats import FORMATS, Format

CHOSEN = [form for form in FORMATS.values() if form.place != "file"]
"""By `--format`, one of them."""
BESIDE = [form for form in FORMATS.values() if form.place == "file"]
"""By an option of their own, as many as are wanted."""
FOLDERS = " or ".join(form.name for form in CHOSEN if form.place == "folder")


def _help_of_format() -> str:
    *others, last = (f"{f.name} ({f.about})" if f.about else f.name for f in CHOSEN)
    return f"{', '.join(others)} or {last}."


@dataclass(frozen=True)
class ReportOptions:
    """Each format of place `file` is a field of its name."""

    format: Annotated[
        str | None, typer.Option("--format", metavar="FORMAT", help=_help_of_format())
    ] = None
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help=f"With --format {FOLDERS}: where the reports go."),
    ] = None
    csv: Annotated[Path | None, typer.Option(help="Also write a CSV file.")] = None
    html: Annotated[
        Path | None, typer.Option(help="Also write a page with frames and curves for a browser.")
    ] = None
    show_refused: Annotated[
        bool,
        typer.Option("--show-refused", help="Show refused EFs too, marked, with their reasons."),
    ] = False

    def choose(self) -> Format:
        """`--format` and its older form `--json` as one; `UsageError` where they contradict."""
        from edgeecho.common.errors import UsageError

        wanted = self.format
        names = [form.name for form in CHOSEN]
        if wanted is not None and wanted not in names:
            raise UsageError(f"--format {wanted!r} is not known: choose {', '.join(names)}")
        if self.json and wanted not in (None, "json"):
            raise UsageError(f"--json is --format json, and not {wanted}: leave one out")
        return FORMATS["json" if self.json else wanted or "text"]

    def beside(self) -> Mapping[str, Path]:
        """Where the formats of place `file` are to go, by name; those that are wanted."""
        given = {form.name: getattr(self, form.name) for form in BESIDE}
        return {name: path for name, path in given.items() if path is not None}

    def frames_each(self, files: int) -> int:
        """So many frames of each video go into the formats that show them; 0 where none does."""
        wanted = [self.choose(), *(FORMATS[name] for name in self.beside())]
        if not any(form.holds_frames for form in wanted):
            return 0
        from edgeecho.results.pictures import frames_each

        return frames_each(files)

    def check(self, form: Format, files: Sequence[Path]) -> None:
        """`UsageError` where `form`, the one chosen, does not go with the other options or with
        the files that are read; makes the folder `out`.

        `MissingDependencyError` where it needs software that is not installed.
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
