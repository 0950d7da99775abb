"""An append-only file of sealed JSON lines: a kill loses at most the line being written.

{"<kind>": <version>, "key": {...}, "seal": ...}    the first line: which run the others are of
{..., "seal": ...}                                   one result
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeecho.common.errors import OutputError
from edgeecho.common.files import append_line, make_folder
from edgeecho.common.seal import sealed


@dataclass(frozen=True)
class Journal:
    """A journal file and how messages refer to it."""

    path: Path
    kind: str
    """Key of the version in the first line, such as `edgeecho_answers`."""
    version: int
    command: str
    """The command that writes it, for messages."""
    option: str
    """The option that names the file or its folder, for messages."""

    def take_up(self, key: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Read the results so far, and truncate a last line that a kill left incomplete.

        A missing or empty file is started. `OutputError` if the file has another `key` or is
        damaged.
        """
        content = self._whole_lines()
        if not content:
            make_folder(self.path.parent)
            self.add({self.kind: self.version, "key": dict(key)})
            return []
        try:
            head, *rows = map(_read_line, content.decode("utf-8").splitlines())
            if head[self.kind] != self.version:
                raise ValueError(f"version {head[self.kind]}")
            found = dict(head["key"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self.damaged() from error
        if other := [name for name in key if found.get(name) != key[name]]:
            raise OutputError(
                f"{self.path} holds answers of another run (not the same {', '.join(other)}): "
                f"choose another {self.option}, or remove that file"
            )
        return rows

    def add(self, value: Mapping[str, Any]) -> None:
        """Append a line; it is in the file when this returns."""
        append_line(self.path, json.dumps(sealed(value), allow_nan=False))

    def damaged(self) -> OutputError:
        """The error for a line whose content is not what was expected."""
        return OutputError(
            f"{self.path} is damaged or no file of `{self.command}`: remove it to begin again, "
            f"or choose another {self.option}"
        )

    def _whole_lines(self) -> bytes:
        try:
            content = self.path.read_bytes() if self.path.is_file() else b""
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                os.truncate(self.path, whole)
        except OSError as error:
            raise OutputError(f"{self.path} cannot be used: {error.strerror}") from error
        return content[:whole]


def _read_line(line: str) -> dict[str, Any]:
    value = json.loads(line)
    if sealed(value)["seal"] != value["seal"]:
        raise ValueError("the seal does not fit")
    return {name: content for name, content in value.items() if name != "seal"}
