"""Options of `edgeecho infer` for studies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edgeecho.report.formats import Format
    from edgeecho.study import Rule


@dataclass(frozen=True)
class StudyOptions:
    """One answer for each study."""

    study: Annotated[
        bool, typer.Option("--study", help="One answer for each study, not for each video.")
    ] = False
    study_ef: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="With --study: best (clip; default), or mean (of those that count).",
        ),
    ] = None

    def rule(self, form: Format, *, show_refused: bool) -> Rule | None:
        """How the EF of a study is made, None: no studies are wanted; `UsageError` if the options
        contradict each other or the other ones."""
        from edgeecho.common.errors import UsageError
        from edgeecho.study import DEFAULT_RULE

        if not self.study:
            if self.study_ef is not None:
                raise UsageError("--study-ef goes with --study: give both or neither")
            return None
        if not form.of_studies:
            raise UsageError(
                f"--format {form.name} is of single videos: leave --study out, or give --json"
            )
        if show_refused:
            raise UsageError("--study shows no refused numbers: leave --show-refused out")
        return parse_rule(DEFAULT_RULE if self.study_ef is None else self.study_ef)


def parse_rule(wanted: str) -> Rule:
    """A rule for the EF of a study; `UsageError` if it is none."""
    from edgeecho.common.errors import UsageError
    from edgeecho.study import RULES

    for rule in RULES:
        if rule == wanted:
            return rule
    raise UsageError(f"--study-ef {wanted!r} is not known: choose {' or '.join(RULES)}")
