"""What edgeecho's optional extras need, read from the installed metadata; nothing is imported."""

from __future__ import annotations

import re
from importlib import metadata


def missing_of_extra(extra: str) -> tuple[str, ...]:
    """Packages of edgeecho's extra that are not installed, in alphabetical order."""
    missing = set()
    for line in metadata.requires("edgeecho") or []:
        requirement, _, marker = line.partition(";")
        if f"extra == '{extra}'" not in marker.replace('"', "'"):
            continue
        name = re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.add(name)
    return tuple(sorted(missing))
