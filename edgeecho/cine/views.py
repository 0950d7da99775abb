"""The view that a recording is said to be of, by a code or in words, as names of our own.

A network that was trained on apical four-chamber views answers for any picture. So a view that is
declared is believed. Only names of the tables here leave this module, never a file's text.

Words are read carefully: what is not understood, or names an apical four-chamber view beside others
(a protocol's list of views), declares nothing. Real spellings are in `tests/cine/test_views.py`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from edgeecho.common.errors import UsageError
from edgeecho.common.text import printable

FOUR_CHAMBER = "apical four chamber"
APICAL = "apical"
"""Of the apical views, it is not said which."""
NOT_DECLARED = "not declared"
"""In a site's file: the text says nothing of the view."""

CODES = {
    # CID 12226 of PS3.16, Echocardiography Image View: SNOMED CT, SNOMED RT and the meaning.
    "399232001": ("G-A19B", "apical two chamber"),
    "399214001": ("G-A19C", FOUR_CHAMBER),
    "399339008": ("G-0395", "apical long axis"),
    "399139001": ("G-0396", "parasternal long axis"),
    "443082005": ("G-0577", "parasternal long axis view of the RV inflow tract"),
    "443083000": ("G-0578", "parasternal long axis view of the RV outflow tract"),
    "399306005": ("G-0397", "parasternal short axis"),
    "399239005": ("G-0398", "parasternal short axis at the aortic valve level"),
    "399371001": ("G-0399", "parasternal short axis at the level of the mitral chords"),
    "399036006": ("G-039A", "parasternal short axis at the mitral valve level"),
    "399271003": ("G-039B", "parasternal short axis at the papillary muscle level"),
    "398998003": ("G-039C", "right ventricular inflow tract view"),
    "399195005": ("G-039D", "right ventricular outflow tract view"),
    "399310008": ("G-039E", "subcostal long axis"),
    "399200001": ("G-039F", "subcostal short axis"),
    "443100003": ("R-40AFF", "subcostal view of cardiac outlets directed anteriorly"),
    "443160001": ("G-0579", "subcostal short axis view at papillary muscle level"),
    "443499004": ("G-057B", "subcostal short axis view at mitral valve level"),
    "443609003": ("G-057E", "subcostal short axis view at aortic valve level"),
    "443500008": ("G-057C", "subcostal short axis view at venous inflow level"),
    "443640005": ("R-40B0A", "subcostal oblique coronal view"),
    "399106004": ("G-03A0", "suprasternal long axis"),
    "399145009": ("G-03A1", "suprasternal short axis"),
    "443162009": ("R-40B00", "suprasternal coronal view"),
    "443163004": ("R-40B01", "suprasternal sagittal view"),
    "443562002": ("G-057D", "suprasternal long axis view of aortic arch"),
    "443698002": ("R-40B0E", "transesophageal short axis view"),
}
DICOM_CODES = {
    # The same table's codes of DICOM itself.
    "130681": "apical four chamber RV focused",
    "130682": "apical four chamber RV modified",
}
_BY_CODE = {
    **{("SCT", code): name for code, (_, name) in CODES.items()},
    # SRT, and what older files call the same scheme (PS3.16, table 8-1).
    **{(old, rt): name for rt, name in CODES.values() for old in ("SRT", "SNM3", "99SDM")},
    **{("DCM", code): name for code, name in DICOM_CODES.items()},
}


def _chambers(number: str, word: str) -> str:
    # "apical 2" alone may go on: "apical 2 beats".
    apical = rf"ap(?:ical)? ?(?:{number}|{word}) ?(?:c|ch|chambers?)|apical {number}(?= view|$)"
    return rf"a{number}ch?|ap{number}|{apical}|{number} ?ch|(?:{number}|{word}) chambers?"


# In the order in which they are tried at each place of the text.
_WORDS = {
    "apical four chamber RV focused": rf"(?:(?:{_chambers('4', 'four')}) )?rv focus(?:ed)?",
    "apical four chamber RV modified": rf"(?:{_chambers('4', 'four')}) rv modified",
    "transesophageal": rf"transo?esophageal(?: (?:{_chambers('4', 'four')}))?",
    "subcostal": rf"sub ?costal(?: view)?(?: (?:{_chambers('4', 'four')}))?|subxiphoid",
    "suprasternal": r"supra ?sternal",
    "parasternal short axis": r"psax|(?:parasternal )?short axis|parasternal sax",
    "parasternal long axis": r"plax|parasternal (?:long axis|lax)",
    "parasternal": r"parasternal",
    "apical long axis": rf"aplax|alax|apical (?:long axis|lax)|{_chambers('3', 'three')}",
    "apical two chamber": _chambers("2", "two"),
    "apical five chamber": _chambers("5", "five"),
    FOUR_CHAMBER: _chambers("4", "four"),
    APICAL: "apical",
}
_NAMES = tuple(_WORDS)
_WITH_LEVELS = "parasternal short axis"
_PATTERN = re.compile("|".join(rf"(\b(?:{words})\b)" for words in _WORDS.values()))

NAMES = frozenset({*_NAMES, *_BY_CODE.values()})
"""Every view that can be declared."""


@dataclass(frozen=True)
class DeclaredView:
    """A view, and what says it."""

    name: str
    """One of `NAMES`."""
    source: str
    """The attribute, such as `SeriesDescription`."""

    @property
    def other(self) -> bool:
        """Whether it is another view than the apical four chamber, as far as that is said."""
        return self.name not in (FOUR_CHAMBER, APICAL)


@dataclass(frozen=True)
class SiteViews:
    """What a site's own texts and codes mean, before anything else is asked."""

    meanings: tuple[tuple[str, str], ...] = ()
    """A text as a whole, or SCHEME:CODE, in lower case; one of `NAMES` or `NOT_DECLARED`."""

    @classmethod
    def read(cls, path: Path) -> SiteViews:
        """Read a JSON object of texts and names of views; `UsageError` if it is none."""
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no JSON"
            raise UsageError(f"--views {path.name} cannot be read: {why}") from error
        if not isinstance(rows, dict):
            raise UsageError(
                f'--views {path.name}: expected an object, such as {{"4CH": "apical"}}'
            )
        for text, name in rows.items():
            if not isinstance(name, str) or name not in NAMES | {NOT_DECLARED}:
                raise UsageError(
                    f"--views {path.name}: {printable(repr(name))} is no view: give "
                    f"{NOT_DECLARED!r}, {FOUR_CHAMBER!r}, {APICAL!r}, or another view, such as "
                    "'parasternal long axis'"
                )
            if not _plain(text):
                raise UsageError(f"--views {path.name}: a text is empty: take that row out")
        return cls(tuple((_plain(text), name) for text, name in rows.items()))

    def of_text(self, text: str) -> str | None:
        """The view that an attribute's whole value declares; None: it declares none."""
        return self._own(text) or view_in(text)

    def of_code(self, scheme: str, value: str) -> str | None:
        """The same of a code."""
        return self._own(f"{scheme}:{value}") or _BY_CODE.get((scheme, value))

    def _own(self, text: str) -> str | None:
        return dict(self.meanings).get(_plain(text))


NO_SITE = SiteViews()
"""Nothing of a site's own."""


def view_in(text: str) -> str | None:
    """The view that a text names; None if it names none that is known, or several of which one may
    be an apical four chamber."""
    words = " ".join(re.findall(r"[a-z0-9]+", text.lower()))
    found = [_NAMES[(match.lastindex or 0) - 1] for match in _PATTERN.finditer(words)]
    views = list(dict.fromkeys(name for name in found if name != APICAL))
    if not views:
        return APICAL if found else None
    # A short axis has an apical level; beside other views, "apical" is one more of a list.
    close = all(name.startswith(APICAL) for name in views) or views == [_WITH_LEVELS]
    listed = APICAL in found and not close
    mixed = FOUR_CHAMBER in views and len(views) > 1
    return None if listed or mixed else views[0]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
