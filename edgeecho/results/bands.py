"""Clinical bands of EF, and probabilities in words."""

from __future__ import annotations

BANDS = (
    (0, 40, "low", "reduced"),
    (40, 50, "mid", "mildly reduced"),
    (50, 100, "high", "preserved"),
)
"""From, to, short name and words, after the heart-failure guidelines. These print whole numbers; on
a continuous scale <= 40 is reduced, > 40 and < 50 mildly reduced, >= 50 preserved."""
# Calibrated language of the IPCC (Mastrandrea et al. 2010) without its two extreme grades, which a
# few hundred residuals cannot distinguish.
_LIKELIHOODS = (
    (0.10, "very unlikely"),
    (0.33, "unlikely"),
    (0.66, "about as likely as not"),
    (0.90, "likely"),
)


def band(ef: float) -> str:
    """Name of the band of an EF in %."""
    if ef <= 40:
        return "reduced"
    return "mildly reduced" if ef < 50 else "preserved"


def percent(probability: float) -> str:
    """Text such as `7 %`; never 0 or 100 %, which no measured probability can claim."""
    if probability < 0.01:
        return "< 1 %"
    return "> 99 %" if probability > 0.99 else f"{100 * probability:.0f} %"


def likelihood(probability: float) -> str:
    """A probability in words, `very unlikely` to `very likely`."""
    return next((words for most, words in _LIKELIHOODS if probability <= most), "very likely")
