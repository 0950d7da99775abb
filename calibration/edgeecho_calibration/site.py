"""How a site's own videos compare with those that a model was calibrated on; without labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeecho.common.errors import EdgeEchoError, InputError, ModelError
from edgeecho.inference import LoadedModel, read_ready
from edgeecho.preprocess import ClipMode
from edgeecho.trust import Signals, Trust, refuse
from edgeecho.trust.learned_gates import LEARNED
from edgeecho_calibration.chance import at_least, most
from edgeecho_calibration.trust import answer_ready
from edgeecho_calibration.trust_budget import BUDGET
from edgeecho_calibration.trust_fit import BEYOND

FEWEST = 20
"""With fewer videos there is no verdict: one refused video would be too much or nothing."""
_RARE = 0.01
"""A count that so few samples of clean videos reach is called a difference."""


@dataclass(frozen=True)
class GateCount:
    """What one gate saw in the videos."""

    gate: str
    """Its name; of a learned gate with the side that it guards, such as `sector/least`."""
    refused: int
    beyond: int | None
    """Videos beyond the value that 5 % of the calibration videos lie beyond; None: not learned."""
    shares: tuple[float, ...] = ()
    """How far each video is on the way to the threshold; above 1 it is refused."""


@dataclass(frozen=True)
class SiteCheck:
    """What the gates of a model say of a site's videos."""

    model: str
    domain: str
    """What the model was calibrated on."""
    clips: str
    unreadable: Mapping[str, int]
    """Files without an answer, by kind of error."""
    videos: int
    refused: int
    gates: tuple[GateCount, ...]

    @property
    def most_refused(self) -> float:
        """The largest share of such videos that may be refused, with 95 % confidence."""
        return most(self.refused, self.videos)

    @property
    def shifted(self) -> tuple[str, ...]:
        """Learned gates that more videos come near to than chance explains."""
        learned = [gate for gate in self.gates if gate.beyond is not None]
        return tuple(
            gate.gate
            for gate in learned
            if at_least(gate.beyond or 0, self.videos, BEYOND) < _RARE / len(learned)
        )

    @property
    def unlike(self) -> bool:
        """Whether more videos are refused than of those that the model was calibrated on."""
        return at_least(self.refused, self.videos, BUDGET) < _RARE

    @property
    def verdict(self) -> str:
        """One sentence that says whether the model knows such videos, and what to do."""
        if self.videos < FEWEST:
            return f"{self.videos} videos are too few for a verdict: give {FEWEST} or more"
        if self.unlike:
            return (
                f"these videos are unlike those that the model knows ({self.domain}): "
                f"{self.refused} of {self.videos} are refused, {BUDGET:.0%} of its own. What is "
                "answered has an interval that was measured on others: do not use it here"
            )
        if self.shifted:
            return (
                f"these videos differ from those that the model knows ({self.domain}) in "
                f"{', '.join(self.shifted)}, though few are refused: its interval may not hold "
                "here. Measure it on 100 or more labelled videos with `edgeecho calibrate trust`"
            )
        return (
            f"no difference was seen from what the model knows ({self.domain}). That does not "
            "show that its EFs are right here: `edgeecho calibrate trust` on 100 or more labelled "
            "videos does"
        )


def check_site(files: Iterable[Path], model: LoadedModel, clips: ClipMode) -> SiteCheck:
    """Answer the files and count what the gates see. `ModelError` for a model without gates,
    `InputError` if no file can be answered."""
    trust = model.trust
    if trust is None or not trust.edges:
        raise ModelError(
            f"{model.file.name} has no measured uncertainty to compare with: run "
            "`edgeecho calibrate trust` on videos that it was made for"
        )
    unreadable: Counter[str] = Counter()
    seen: list[Signals] = []
    for file in files:
        try:
            ready = read_ready(file, model.file.preprocess)
            (signals,) = (found for _, found in answer_ready(ready, model, (clips,)).values())
        except EdgeEchoError as error:
            unreadable[type(error).__name__] += 1
            continue
        seen.append(signals)
    if not seen:
        raise InputError(
            f"no file gave an answer ({in_words(unreadable)}): try `edgeecho infer` on one of them"
        )
    refusals = [{refusal.gate for refusal in refuse(signals, trust)} for signals in seen]
    fixed = sorted(set().union(*refusals) - {gate.name.partition("/")[0] for gate in LEARNED})
    counts = [GateCount(name, sum(name in found for found in refusals), None) for name in fixed]
    return SiteCheck(
        model=f"{model.file.name} {model.file.version}, {model.file.precision}",
        domain=trust.domain,
        clips=str(clips),
        unreadable=dict(unreadable),
        videos=len(seen),
        refused=sum(map(bool, refusals)),
        gates=(*counts, *_learned(seen, trust)),
    )


def in_words(unreadable: Mapping[str, int]) -> str:
    """Such as `2 InputError`."""
    return ", ".join(f"{n} {kind}" for kind, n in sorted(unreadable.items()))


def _learned(seen: Sequence[Signals], trust: Trust) -> list[GateCount]:
    counts = []
    for gate in LEARNED:
        if gate.name not in trust.edges:
            continue
        limit, edge = trust.limits[gate.name], trust.edges[gate.name]
        found = [gate.seen(signals, trust.spaces) for signals in seen]
        values = [value for value in found if value is not None]
        counts.append(
            GateCount(
                gate.name,
                refused=sum(gate.beyond(value, limit) for value in values),
                beyond=sum(gate.beyond(value, edge) for value in values),
                shares=tuple(gate.share(value, limit) for value in values),
            )
        )
    return counts
