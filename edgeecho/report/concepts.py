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

TRACED_METHOD = (
    "left ventricle traced in every frame by a segmentation network; volumes of one plane, by 20 "
    "discs and by area and length; means over the beats that are used"
)


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
EF_OF_CLIP = Concept("ef-of-clip", "EF by the network, of one clip of the study")
USE = Concept("use", "Whether the clip counts for the study's EF")

EF_DISCS = Concept("79993-2", "Left ventricular ejection fraction single plane 4C (MOD)")
EDV_DISCS = Concept("79999-9", "Left ventricular end diastolic volume single plane 4C (MOD)")
ESV_DISCS = Concept("80004-5", "Left ventricular end systolic volume single plane 4C (MOD)")
"""LOINC, with the words of DICOM."""
RR = Concept("122182", "R-R interval")
"""DICOM."""
END_DIASTOLE = Concept("416190007", "End diastole")
END_SYSTOLE = Concept("416430001", "End Systole")
"""SNOMED CT."""
EF_AREA_LENGTH = Concept("ef-area-length", "EF by area and length, single plane")
EF_BY_BEAT = Concept("ef-by-beat", "EF by the network, of the clips that hold the beats")
SPREAD = Concept("ef-spread", "Standard deviation of the traced EF between beats")
BEATS_USED = Concept("beats-used", "Beats that are used")
REGULAR = Concept("regular", "Whether the RR intervals are alike")
