"""Names and codes for results in documents of medical standards.

They are codes of LOINC, SNOMED CT and DICOM where one has the right meaning, otherwise codes of
edgeecho's own. `docs/other-systems.md` lists them with their sources.
"""

from __future__ import annotations

from dataclasses import dataclass

METHOD = (
    "regression of EF from the video by the network r2plus1d_18: no contour is traced and no "
    "volume measured"
)
"""Free text, since no code describes it. Codes for EF by a traced method must not be used."""


@dataclass(frozen=True)
class Concept:
    """A code and what it means."""

    code: str
    """At most 16 characters: DICOM stores longer ones in another attribute, which few read."""
    meaning: str


EF = Concept("18043-0", "Left ventricular Ejection fraction by US")
"""LOINC."""
LEFT_VENTRICLE = Concept("87878005", "Left ventricle")
"""SNOMED CT, a finding site."""
ECHOCARDIOGRAPHY = Concept("40701008", "Echocardiography")
"""SNOMED CT, a procedure."""
IMAGING = Concept("363679005", "Imaging procedure")
"""SNOMED CT, for a file without an answer, whose content is unknown."""

INTERVAL_LOW = Concept("interval-low", "Lower limit of the prediction interval")
INTERVAL_HIGH = Concept("interval-high", "Upper limit of the prediction interval")
AT_MOST_40 = Concept("p-at-most-40", "Probability that EF <= 40 %")
BELOW_50 = Concept("p-below-50", "Probability that EF < 50 %")
BAND = Concept("band", "Band of EF in heart failure")
BANDS = {
    "reduced": Concept("reduced", "reduced (EF <= 40 %)"),
    "mildly reduced": Concept("mildly-reduced", "mildly reduced (EF > 40 % and < 50 %)"),
    "preserved": Concept("preserved", "preserved (EF >= 50 %)"),
}
"""By the band's name in `Numbers.band`."""
REFUSAL = Concept("refusal", "Reason why no EF is given")
