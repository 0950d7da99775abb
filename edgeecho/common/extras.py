"""Which packages of an optional extra are missing, from package metadata; imports nothing."""

from __future__ import annotations

import re
from importlib import metadata

# Distributions that provide the same module; installing both breaks it.
_STANDS_IN = {"onnxruntime": ("onnxruntime-gpu",)}


def missing_of_extra(extra: str) -> tuple[str, ...]:
    """Packages of edgeecho's extra that are not installed, in alphabetical order."""
    missing = set()
    for line in metadata.requires("edgeecho") or []:
        requirement, _, marker = line.partition(";")
        if f"extra == '{extra}'" not in marker.replace('"', "'"):
            continue
        name = re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]
        if not any(_is_installed(n) for n in (name, *_STANDS_IN.get(name, ()))):
            missing.add(name)
    return tuple(sorted(missing))


def _is_installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
