"""Applying all gates to an EF, and its interval if it passes."""

from __future__ import annotations

from dataclasses import dataclass

from edgeecho.common.errors import ModelError
from edgeecho.preprocess import ClipMode
from edgeecho.trust.conformal import calibrated_as
from edgeecho.trust.gates import FIXED
from edgeecho.trust.learned import Trust
from edgeecho.trust.learned_gates import ANSWERS_DISAGREE, LEARNED
from edgeecho.trust.signals import Signals
from edgeecho.trust.traced import WARNED
from edgeecho.trust.types import Interval, Probabilities, Refusal

# EF points between the network's answer and the traced one that are said without a measured limit.
_FAR_APART = 15.0
_UNMEASURED = "so no interval is given, and the gates that take calibration videos are not applied"


@dataclass(frozen=True)
class Verdict:
    """The outcome of all gates for one EF."""

    interval: Interval | None
    """None if the EF is refused, because intervals are measured on accepted ones only."""
    probabilities: Probabilities | None
    refusals: tuple[Refusal, ...]
    warnings: tuple[str, ...]
    """What was not measured for this model, or was measured in other conditions."""


def judge(
    signals: Signals, ef: float, mode: ClipMode, trust: Trust | None, *, precision: str
) -> Verdict:
    """Judge an EF in % from the clips of `mode`, answered by a model of `precision`."""
    refusals = refuse(signals, trust)
    warnings = [] if refusals else _unchecked(signals, trust)
    if trust is None:
        unmeasured = f"this model has no measured uncertainty, {_UNMEASURED}"
        warnings.append(f"{unmeasured}: `edgeecho calibrate trust`")
        return Verdict(None, None, refusals, tuple(warnings))
    calibrated = calibrated_as(mode, trust.half_widths)
    if refusals or calibrated is None:
        if calibrated is None:
            warnings.append(f"no interval was measured for --clips {mode} or fewer clips")
        return Verdict(None, None, refusals, tuple(warnings))
    if calibrated != str(mode):
        warnings.append(
            f"no interval was measured for --clips {mode}: it is the one of {calibrated}, which "
            "averages fewer clips"
        )
    if precision != trust.precision:
        warnings.append(f"the interval was measured with {trust.precision}, not with {precision}")
    hints = signals.hints(ef)
    return Verdict(
        trust.interval(mode, hints),
        trust.probabilities(mode, hints),
        (),
        tuple(warnings),
    )


def _unchecked(signals: Signals, trust: Trust | None) -> list[str]:
    """Why the traced EF does not check the network's; nothing without masks, then and now."""
    traced = signals.traced
    if traced is not None and traced.reason is not None:
        return [WARNED[traced.reason]]
    calibrated = trust is not None and ANSWERS_DISAGREE in trust.limits
    apart = signals.disagreement
    if not calibrated and apart is not None and apart > _FAR_APART:
        return [
            f"the network's EF and the one that was traced differ by {apart:.0f} EF points, so one "
            "of them is wrong: look at the traced outline with `edgeecho preview --overlay`"
        ]
    if traced is not None and trust is not None and not calibrated:
        return [
            "how far the traced EF may lie from the network's was never measured, so the two do "
            "not check each other: `edgeecho calibrate trust` again"
        ]
    if traced is None and calibrated:
        return [
            "no EF was traced, so nothing checks the network's as in the calibration: "
            "`edgeecho infer` with `--beats default` traces it"
        ]
    return []


def refuse(signals: Signals, trust: Trust | None) -> tuple[Refusal, ...]:
    """The refusals of all gates, at most one per gate name."""
    found: dict[str, Refusal] = {}
    for name, look in FIXED.items():
        if reason := look(signals):
            found[name] = Refusal(name, reason)
    if trust is not None:
        try:
            learned = [
                gate.check(signals, trust.spaces, trust.limits[gate.name])
                for gate in LEARNED
                if gate.name in trust.limits
            ]
        except ValueError as error:
            raise ModelError(
                f"what was calibrated does not fit this model ({error}): "
                "run `edgeecho calibrate trust` again"
            ) from error
        for refusal in learned:
            if refusal is not None:
                found.setdefault(refusal.gate, refusal)
    return tuple(found.values())
