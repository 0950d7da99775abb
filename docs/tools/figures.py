"""The pictures of the documentation, made of what they show.

    python docs/tools/figures.py

`architecture.svg` is made of the import contracts in pyproject.toml and of the first line of each
package; `pipeline.svg` of the table of formats and of the names of the commands. A test holds the
committed files to this.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

from edgeecho.report.formats import FORMATS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
INK, LINE = "#123", "#456"
PAPER, CALM, STAGE, DEVICE = "#fff", "#f3f6fa", "#dbe7f5", "#d8ecdb"
_PACKAGES = {
    "edgeecho": "edgeecho",
    "edgeecho_train": "train/edgeecho_train",
    "edgeecho_calibration": "calibration/edgeecho_calibration",
    "edgeecho_export": "export/edgeecho_export",
}


def main() -> None:
    """Write both."""
    for name, text in figures().items():
        (DOCS / name).write_text(text, encoding="utf-8")


def figures() -> dict[str, str]:
    """The text of each picture, by its file name."""
    return {"architecture.svg": architecture(), "pipeline.svg": pipeline()}


def layers(name: str) -> list[list[str]]:
    """The layers of the import contract `name`, from the top down; a row's members are equals."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    (contract,) = (c for c in contracts if c["name"].startswith(name))
    return [[member.strip() for member in row.split("|")] for row in contract["layers"]]


def about(package: Path) -> str:
    """The first line of a package's docstring."""
    text = (package / "__init__.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0].replace("`", "")


def architecture() -> str:
    """Stages above the runtime, and the runtime's packages: each imports only those below it."""
    parts, y = [_words(20, 30, "workstation: torch, onnx", bold=True)], 44.0
    *stages, runtime = layers("stages import the runtime")
    for row in stages:
        drawn, height = _row(row, [ROOT / _PACKAGES[name] for name in row], y, STAGE)
        parts.append(drawn)
        y += height + 10
    top = y + 12
    parts.append(_words(20, top + 22, f"{runtime[0]}, the runtime: no torch, no onnx", bold=True))
    y = top + 36
    for row in layers("data flows one way"):
        if row == ["__main__"]:
            continue  # `python -m edgeecho`: one line above the command line
        drawn, height = _row(row, [ROOT / "edgeecho" / name for name in row], y, DEVICE)
        parts.append(drawn)
        y += height + 8
    back = (
        f'<rect x="6" y="6" width="908" height="{top - 12:g}" rx="10" fill="{CALM}"/>'
        f'<rect x="6" y="{top:g}" width="908" height="{y - top + 4:g}" rx="10" fill="#f0f7f1"/>'
    )
    arrow = _arrow(f"M936 20V{y - 6:g}") + (
        f'<text transform="translate(956 {y / 2:g}) rotate(90)" text-anchor="middle" '
        f'font-size="13" fill="{LINE}">imports go down, never up</text>'
    )
    return _svg(980, y + 10, "How the code is layered", "".join([back, *parts, arrow]))


def _row(names: Sequence[str], packages: Sequence[Path], y: float, fill: str) -> tuple[str, float]:
    """Boxes side by side, and their height."""
    width = (880 - 12 * (len(names) - 1)) / len(names)
    texts = [textwrap.wrap(about(package), int((width - 150) / 6.1)) for package in packages]
    height = 16 + 16.0 * max(map(len, texts))
    parts = []
    for number, (name, lines) in enumerate(zip(names, texts, strict=True)):
        x = 20 + number * (width + 12)
        parts.append(_box(x, y, width, height, fill))
        middle = y + height / 2
        parts.append(_words(x + 12, middle + 5, name.removeprefix("edgeecho_"), bold=True))
        first = middle - 8 * (len(lines) - 1) + 4
        parts += [_words(x + 136, first + 16 * n, line, size=12) for n, line in enumerate(lines)]
    return "".join(parts), height


def pipeline() -> str:
    """From data to an answer: the stages, the files that join them, the runtime."""
    shown = ["JSON" if f.name == "json" else f.name for f in FORMATS.values()]
    names = [name if name in ("text", "JSON") else name.upper() for name in shown]
    half = -(-len(names) // 2)
    lines = [" · ".join(some) for some in (names[:half], names[half:])]
    parts = [
        f'<rect x="10" y="10" width="680" height="322" rx="10" fill="{CALM}"/>',
        '<rect x="706" y="10" width="264" height="322" rx="10" fill="#f0f7f1"/>',
        _words(26, 36, "workstation: torch, onnx", bold=True),
        _words(722, 36, "device: no torch, no onnx", bold=True),
        _arrow("M168 100H218"), _arrow("M348 100H400"), _arrow("M530 100H722"),
        _arrow("M94 130V230H218"), _arrow("M348 220H465V132", dashed=True),
        _arrow("M794 190V133"), _arrow("M900 130V250"),
        _stage(18, 70, 150, PAPER, "EchoNet-format data", "or edgeecho phantom"),
        _stage(220, 70, 128, STAGE, "train/", "edgeecho train"),
        _stage(402, 70, 128, STAGE, "export/", "edgeecho export"),
        _stage(220, 200, 128, STAGE, "calibration/", "edgeecho calibrate"),
        _stage(724, 70, 228, DEVICE, "edgeecho/", "edgeecho infer · serve · listen"),
        _stage(724, 190, 140, PAPER, "video, DICOM cine", "file, stream, network"),
        _middle(374, 58, "checkpoint, reference clips"),
        _middle(626, 90, "model bundle"), _middle(626, 118, "manifest, hashes, drift"),
        _middle(407, 212, "set.json"), _middle(544, 180, "clips for --fp16, --int8"),
        _arrow("M348 248H626V126", dashed=True), _middle(487, 266, "trust.npz: interval and gates"),
        _middle(838, 275, "EF with its interval and warnings,", fill=INK),
        _middle(838, 291, "or refused with the reasons", fill=INK),
        *(_middle(838, 309 + 14 * n, line, size=11) for n, line in enumerate(lines)),
    ]  # fmt: skip
    return _svg(980, 342, "From data to an ejection fraction", "".join(parts))


def _svg(width: float, height: float, title: str, body: str) -> str:
    body = body.replace("><", ">\n<")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        'font-family="system-ui, sans-serif" font-size="14" role="img" aria-labelledby="t">\n'
        f'<title id="t">{escape(title)}</title>\n'
        '<defs><marker id="a" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z" fill="{LINE}"/></marker>'
        "</defs>\n"
        f'<rect width="{width:g}" height="{height:g}" fill="{PAPER}"/>\n{body}\n</svg>\n'
    )


def _box(x: float, y: float, width: float, height: float, fill: str) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" fill="{fill}" '
        f'stroke="{LINE}"/>'
    )


def _stage(x: float, y: float, width: float, fill: str, name: str, command: str) -> str:
    middle = x + width / 2
    return (
        _box(x, y, width, 60, fill)
        + _middle(middle, y + 26, name, fill=INK, size=13)
        + _middle(middle, y + 46, command, fill=INK)
    )


def _words(x: float, y: float, text: str, *, bold: bool = False, size: float = 14) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{INK}"{weight}>{escape(text)}</text>'
    )


def _middle(x: float, y: float, text: str, *, fill: str = LINE, size: float = 12) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{fill}" text-anchor="middle">'
        f"{escape(text)}</text>"
    )


def _arrow(path: str, *, dashed: bool = False) -> str:
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return (
        f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.6" '
        f'marker-end="url(#a)"{dashes}/>'
    )


if __name__ == "__main__":
    main()
