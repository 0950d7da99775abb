"""The diagnosis as JSON for programs and as text for people."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict

from edgeecho.common.about import RESEARCH_USE, VERSION
from edgeecho.tools.doctor.findings import Diagnosis

SCHEMA = "edgeecho-doctor-1"


def to_json(diagnosis: Diagnosis) -> str:
    value = {
        "schema": SCHEMA,
        "research_use": RESEARCH_USE,
        "edgeecho": VERSION,
        "can_infer": diagnosis.can_infer,
        "sections": {k: [asdict(f) for f in found] for k, found in diagnosis.sections.items()},
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def to_text(diagnosis: Diagnosis) -> str:
    """A page for people: the verdict, then every finding with its remedy."""
    lines = ["`edgeecho infer` can work here."]
    if not diagnosis.can_infer:
        lines = ["`edgeecho infer` cannot work here:"]
        for problem in diagnosis.problems:
            lines += _entry(f"{problem.name}: {problem.detail}", problem.remedy, "  - ")
    for title, findings in diagnosis.sections.items():
        lines += ["", title]
        width = max((len(f.name) for f in findings), default=0) + 2
        for f in findings:
            lines += _entry(f.detail, f.remedy, f"  {f.status:<9}{f.name:<{width}}")
    return "\n".join([*lines, "", RESEARCH_USE])


def _entry(detail: str, remedy: str, head: str) -> list[str]:
    indent = " " * len(head)
    lines = textwrap.wrap(
        detail,
        80,
        initial_indent=head,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
    # A remedy is a command to copy, so it stays in one line.
    return [*lines, f"{indent}to do: {remedy}"] if remedy else lines
