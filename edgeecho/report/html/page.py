"""The page around the files: banner, summary, provenance, and the policy that keeps it offline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from html import escape
from string import Template

from edgeecho.common.about import RESEARCH_USE, VERSION
from edgeecho.report.html.assets import policy_hash, read_asset
from edgeecho.report.html.facts import Facts, fact_list
from edgeecho.report.html.section import section
from edgeecho.report.html.summary import draw_summary
from edgeecho.results import Outcome, answers, labels


def to_html(outcomes: Sequence[Outcome], created: datetime) -> str:
    """One page that contains its frames, styles and player.

    Its Content-Security-Policy allows only its own style and script, by their hashes, and pictures
    in `data:` URIs; anything else that got into the page is neither loaded nor run.
    """
    names = labels(outcomes)
    style, script = read_asset("page.css"), read_asset("player.js")
    return Template(read_asset("page.html")).substitute(
        policy=f"default-src 'none'; img-src data:; style-src {policy_hash(style)}; "
        f"script-src {policy_hash(script)}; base-uri 'none'; form-action 'none'",
        style=style,
        script=script,
        research_use=RESEARCH_USE,
        created=created.strftime("%Y-%m-%d %H:%M %Z").strip(),
        count=_count(outcomes),
        summary=draw_summary(names, outcomes) if len(outcomes) > 1 else "",
        sections="\n".join(map(section, range(1, len(names) + 1), names, outcomes)),
        provenance=fact_list(_provenance(outcomes)),
    )


def _count(outcomes: Sequence[Outcome]) -> str:
    count = Counter(outcome.status for outcome in outcomes)
    words = {"answered": "answered", "refused": "refused", "error": "without an answer"}
    parts = [f"{count[status]} {words[status]}" for status in words if count[status]]
    files = "1 file" if len(outcomes) == 1 else f"{len(outcomes)} files"
    return f"{files}: {', '.join(parts)}"


def _provenance(outcomes: Sequence[Outcome]) -> Facts:
    software = [("edgeecho", escape(VERSION))]
    ran = answers(outcomes)
    if not ran:
        return software
    model, engine = ran[0].model, ran[0].engine
    return [
        ("Model", escape(f"{model.name} {model.version}, {model.precision}")),
        ("Engine", escape(f"{engine.name} {engine.version}, {engine.precision}")),
        ("Device", escape(f"{engine.device}, {engine.threads} threads")),
        *(("Passed over", escape(f"{one.name}: {one.why}")) for one in engine.passed_over),
        ("Trained on", escape(model.trained_on or "not known")),
        *software,
        ("Model file, SHA-256", f"<code>{model.sha256}</code>"),
        ("Preprocessing, SHA-256", f"<code>{model.preprocess.sha256()}</code>"),
    ]
