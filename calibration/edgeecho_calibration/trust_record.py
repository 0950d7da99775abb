"""Recording the results of `edgeecho calibrate trust` in the bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeecho.bundle import Skill, read_manifest, write_manifest
from edgeecho.bundle.manifest import GATED, UNGATED
from edgeecho.bundle.skill import newest
from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.files import atomic_path, sha256_file
from edgeecho.trust import Trust
from edgeecho.trust.learned import METHOD, TRUST_FILE, save_trust
from edgeecho_calibration.chance import coverage
from edgeecho_calibration.trust_budget import BUDGET, Budget
from edgeecho_calibration.trust_fit import divide
from edgeecho_calibration.trust_kept import LabelledAnswer, RunIdentity


def record_trust(
    bundle: Path, trust: Trust, source: RunIdentity, answered: Sequence[LabelledAnswer]
) -> dict[str, Any]:
    """Write `trust.npz`, its manifest entry and the model card into `bundle`; return the entry.

    The answers, refused ones too, also give the model's skill, unless the videos are those of
    training.

    If it is interrupted between the files, the bundle cannot be opened until this is run again,
    because the hash in its manifest does not match.
    """
    manifest = read_manifest(bundle)
    limits = tuple(limit for limit in manifest.limits if limit not in (*UNGATED, *GATED))
    skill = manifest.skill
    if source.split != "TRAIN":
        skill = newest(skill, _skill(source, answered))
    # Inside: where the manifest or its card cannot be written, the old `trust.npz` stays.
    with atomic_path(bundle / TRUST_FILE) as temporary:
        save_trust(trust, temporary)
        entry = _entry(trust, sha256_file(temporary), source, divide(answered))
        write_manifest(
            bundle, replace(manifest, uncertainty=entry, limits=(*GATED, *limits), skill=skill)
        )
    return entry


def _entry(trust: Trust, sha256: str, source: RunIdentity, budget: Budget) -> dict[str, Any]:
    n = len(next(iter(trust.residuals.values())))
    return {
        "file": TRUST_FILE,
        "sha256": sha256,
        "method": METHOD + (", normalised by difficulty" if trust.difficulties else ""),
        "level": trust.level,
        "n": n,
        "videos": budget.videos,
        **asdict(source),
        "half_width": {mode: round(v, 4) for mode, v in trust.half_widths.items()},
        "thresholds": {name: round(v, 6) for name, v in trust.limits.items()},
        "edges": {name: round(v, 6) for name, v in trust.edges.items()},
        "coverage": [round(share, 4) for share in coverage(n, trust.level)],
        "refused": {"fixed": budget.fixed, "extreme": budget.extreme, "left": budget.left},
    }


def _skill(source: RunIdentity, answered: Sequence[LabelledAnswer]) -> Skill:
    return Skill.of(
        np.array([one.by_mode[source.clips][0] for one in answered]),
        np.array([one.ef for one in answered]),
        data=f"{source.split} videos of: {source.data}",
        how=f"{source.clips}, {source.precision} on {source.engine}",
    )


def to_text(entry: Mapping[str, Any]) -> str:
    """The entry as text."""
    widths = ", ".join(f"{mode} {v:.1f}" for mode, v in entry["half_width"].items())
    usual = " of a video of usual difficulty" if "difficulty" in entry["method"] else ""
    limits = ", ".join(f"{name} {v:.3g}" for name, v in entry["thresholds"].items())
    refused, (low, high) = entry["refused"], entry["coverage"]
    return "\n".join(
        [
            f"{entry['n']} of {entry['videos']} {entry['split']} videos of: {entry['data']}",
            f"{entry['level']:.0%} interval, half its width{usual} in EF points: {widths}",
            f"of new videos of this kind it holds the truth of {entry['level']:.0%} on average; "
            f"so few as {entry['n']} leave that between {low:.1%} and {high:.1%} (in nine of ten "
            "calibrations)",
            f"thresholds: {limits}",
            f"of the {BUDGET:.0%} of clean videos that all gates may refuse, those without "
            f"calibration took {refused['fixed']} videos and those beyond all videos "
            f"{refused['extreme']}: {refused['left']:.2%} is left for answers-disagree",
            RESEARCH_USE,
        ]
    )
