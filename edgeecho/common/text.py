"""Making untrusted text, such as a file's name, safe for a terminal or a spreadsheet."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

# Control characters (ESC colours a terminal), invisible ones (some reverse the text), lone
# surrogates, and line and paragraph separators.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# A spreadsheet evaluates a cell that begins with one of these, unless an apostrophe precedes it
# (OWASP, "CSV Injection").
_FORMULA = tuple("=+-@＝＋－＠")
_FOLDERS = re.compile(r"(?P<address>https://[^\s)]+)|(?:[A-Za-z]:)?[\\/](?:[^\\/'\":()]+[\\/])+")


def shown_name(file: Path) -> str:
    """The file's name without its folders, which often contain a patient's name.

    Bytes that are not UTF-8 become escapes.
    """
    return file.name.encode("utf-8", "backslashreplace").decode()


def printable(text: str) -> str:
    r"""One line of text; invisible characters become escapes such as `\x1b`, `\n` or `\u202e`."""
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) in _UNSEEN else c
        for c in text
    )


def cell(text: str) -> str:
    """`printable` text for a CSV cell; an apostrophe before a formula's sign makes it text."""
    text = printable(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def reason(error: BaseException) -> str:
    """First line of an error without folders, which often contain a user's name."""
    return without_folders((str(error).strip() or type(error).__name__).splitlines()[0])


def without_folders(text: str) -> str:
    """`printable` text in which files have names only; addresses of the web stay whole."""
    return printable(_FOLDERS.sub(lambda found: found["address"] or "", text))
