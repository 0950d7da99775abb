"""Text that a file's name may be part of, for a terminal or a spreadsheet."""

from __future__ import annotations

import unicodedata
from pathlib import Path

# Control characters (ESC colours a terminal), invisible ones (some turn the text around), lone
# surrogates, and what breaks a line or a paragraph.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# A spreadsheet runs a cell that begins with one of these; an apostrophe before it makes it text
# (OWASP, "CSV Injection").
_FORMULA = tuple("=+-@＝＋－＠")


def shown_name(file: Path) -> str:
    """File name without folders, which often hold a patient's name; bytes that are no UTF-8 as
    escapes.
    """
    return file.name.encode("utf-8", "backslashreplace").decode()


def plain(text: str) -> str:
    r"""One line: what cannot be seen becomes an escape such as `\x1b`, `\n` or `\u202e`."""
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) in _UNSEEN else c
        for c in text
    )


def cell(text: str) -> str:
    """For a CSV cell: `plain`, and a formula's sign stands behind an apostrophe."""
    text = plain(text)
    return f"'{text}" if text.startswith(_FORMULA) else text
