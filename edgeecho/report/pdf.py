"""Lines of text as a PDF, in the fonts that every viewer has (PDF 1.4, ISO 32000-1).

A library would be another dependency of the runtime for pages of nothing but text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

_WIDTH, _HEIGHT, _MARGIN = 595, 842, 56
"""A4, in points."""
_FOOT = 28
_LEADING = 1.35
# Of Helvetica, in thousandths of its size, from the space to the tilde (Adobe's Helvetica.afm).
_ADVANCES = [
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *([556] * 10),
    *(278, 278, 584, 584, 584, 556, 1015),
    *(667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833),
    *(722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611),
    *(278, 278, 278, 469, 556, 333),
    *(556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833),
    *(556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500),
    *(334, 260, 334, 584),
]
_OTHER = 600
"""More than most others; and bold is wider."""
_BOLD = 1.08


@dataclass(frozen=True)
class Line:
    """A paragraph, which is wrapped where it is too long."""

    text: str
    size: float = 10
    """In points."""
    bold: bool = False
    above: float = 0
    """Space above it, in points."""

    @property
    def height(self) -> float:
        """In points, on one line."""
        return self.above + _LEADING * self.size


def to_pdf(lines: Sequence[Line], *, foot: str) -> bytes:
    """A document of these lines; `foot` stands on every page. Characters that are not of
    Windows-1252 become question marks."""
    pages = list(_pages([piece for line in lines for piece in _wrapped(line)]))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        *map(_font, ("Helvetica", "Helvetica-Bold")),
    ]
    kids = []
    for number, page in enumerate(pages, 1):
        foot_line = Line(f"{foot}   {number}/{len(pages)}", size=8)
        content = _content(page) + _shown(foot_line, _FOOT)
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>" % (_WIDTH, _HEIGHT, len(objects))
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    return _file(objects)


def _wrapped(line: Line) -> Iterator[Line]:
    """A line for each that fits on the page."""
    piece, above = "", line.above
    for word in line.text.split():
        longer = f"{piece} {word}".lstrip()
        if piece and _advance(longer, line) > _WIDTH - 2 * _MARGIN:
            yield replace(line, text=piece, above=above)
            longer, above = word, 0
        piece = longer
    yield replace(line, text=piece, above=above)


def _advance(text: str, line: Line) -> float:
    """In points."""
    units = sum(_ADVANCES[ord(c) - 32] if 32 <= ord(c) < 127 else _OTHER for c in text)
    return units * line.size / 1000 * (_BOLD if line.bold else 1)


def _pages(lines: Sequence[Line]) -> Iterator[list[Line]]:
    page: list[Line] = []
    room = left = float(_HEIGHT - 2 * _MARGIN)
    for line in lines:
        if page and line.height > left:
            yield page
            page, left = [], room
        page.append(line)
        left -= line.height
    yield page


def _content(page: Sequence[Line]) -> bytes:
    shown, y = b"", float(_HEIGHT - _MARGIN)
    for line in page:
        y -= line.height
        shown += _shown(line, y)
    return shown


def _shown(line: Line, y: float) -> bytes:
    text = line.text.encode("cp1252", "replace")
    for special in (b"\\", b"(", b")"):
        text = text.replace(special, b"\\" + special)
    font = b"F2" if line.bold else b"F1"
    return b"BT /%s %.1f Tf %d %.1f Td (%s) Tj ET\n" % (font, line.size, _MARGIN, y, text)


def _font(name: str) -> bytes:
    return (
        b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
        % name.encode()
    )


def _file(objects: Sequence[bytes]) -> bytes:
    written, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return written + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table, len(objects) + 1, len(written))
    )
