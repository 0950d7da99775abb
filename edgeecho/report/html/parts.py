"""Parts that every page of ours has: the report's, the benchmark's, the evaluation's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def card(name: str, title: str, content: str) -> str:
    """A section with its heading; `name` is its id, `content` is markup."""
    return (
        f'<section class="card" aria-labelledby="{name}"><h2 id="{name}">{title}</h2>'
        f"{content}</section>"
    )


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts, which are escaped; the first of a row is its heading."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heading)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(text)}</td>" for text in cells)
        + "</tr>"
        for name, *cells in rows
    )
    # Tables wider than a telephone scroll; the tabindex allows that by keyboard too.
    return (
        '<div class="scroll" tabindex="0" role="group" aria-label="table"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
