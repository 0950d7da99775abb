"""Text that a file's name may be part of, for a terminal."""

from __future__ import annotations

import unicodedata

# Control characters (ESC colours a terminal), invisible ones (some turn the text around), lone
# surrogates, and what breaks a line or a paragraph.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def plain(text: str) -> str:
    r"""One line: what cannot be seen becomes an escape such as `\x1b`, `\n` or `\u202e`."""
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) in _UNSEEN else c
        for c in text
    )
