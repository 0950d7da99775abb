"""The report on a study: one document of all its clips, read back by dcmtk and by dciodvfy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from answers import failed, traced
from content_items import items, named
from dcmtk import dciodvfy, dsrdump
from pydicom import Dataset

from edgeecho import RESEARCH_USE
from edgeecho.common.errors import InputError
from edgeecho.results import Failure, Outcome
from edgeecho.study import Clip, StudyAnswer, answer_study, without_cine

pytest.importorskip("highdicom")
from studied import NOW, OUTCOMES, STUDY, drafts, header, seen

from edgeecho.report.dicom_sr import SERIES_NUMBER
from edgeecho.report.dicom_study import LEFT_ASIDE, Version, to_draft, to_study_sr

EF, EF_OF_CLIP = "18043-0", "ef-of-clip"


def report(
    study: StudyAnswer = STUDY,
    made: dict[int, Dataset] | None = None,
    version: Version = Version("a" * 32, 1),  # noqa: B008
    **options: object,
) -> Dataset:
    made = drafts() if made is None else made
    return to_study_sr(study, made, version, created=NOW, **options)  # type: ignore[arg-type]


def groups(dataset: Dataset) -> list[Dataset]:
    return named(dataset, "125007")


def texts(dataset: Dataset) -> list[str]:
    return [str(item.TextValue) for item in items(dataset) if "TextValue" in item]


def numbers(dataset: Dataset, code: str) -> list[float]:
    return [float(m.MeasuredValueSequence[0].NumericValue) for m in named(dataset, code)]


def sources(dataset: Dataset) -> set[str]:
    return {
        str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
        for item in items(dataset)
        if "ReferencedSOPSequence" in item
    }


CASES = {
    "answered": lambda: report(left_aside=["still"]),
    "replaced": lambda: report(version=Version("b" * 32, 2, "a" * 32)),
    "mean": lambda: report(replace(STUDY, rule="mean")),
    "refused": lambda: report(answer_study([Clip.of(2, OUTCOMES[2])]), drafts({2: OUTCOMES[2]})),
    "no clip could be read": lambda: report(
        answer_study([Clip.of(4, failed())]), drafts({4: failed()})
    ),
    "no cine": lambda: report(without_cine(["still"]), drafts({LEFT_ASIDE: failed()})),
    "traced": lambda: report(answer_study([Clip.of(1, traced())]), drafts({1: traced()})),
    "forgotten": lambda: report(made=drafts({5: OUTCOMES[5]})),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_others_read_it_and_find_nothing_wrong(name: str, tmp_path: Path) -> None:
    path = tmp_path / "report.dcm"
    CASES[name]().save_as(path, enforce_file_format=True)
    assert "Imaging Measurement Report" in dsrdump(path)
    assert dciodvfy(path) == []


def test_its_first_group_is_the_study_and_alone_has_the_code_of_the_ef() -> None:
    made = report(left_aside=["Doppler trace", "still"])
    first, *others = groups(made)
    assert numbers(made, EF) == numbers(first, EF) == [47.0]
    assert sources(first) == {"1.2.3.7.1"}
    assert len(named(first, "band")) == len(named(made, "band")) == 1
    said = texts(first)
    assert RESEARCH_USE in said
    assert "made of clip 1" in said
    assert "left aside, since they are no cines: Doppler trace, still" in said
    assert "counts clip 3: apical four chamber, EF 49.0 % (40.6 to 55.6)" in said
    assert len(others) == 5


def test_each_clip_has_a_group_with_its_view_its_ef_or_the_reason() -> None:
    one, other, three, four, five = groups(report())[1:]
    assert [numbers(group, EF_OF_CLIP) for group in (one, other, three, four, five)] == [
        [47.0], [], [49.0], [], [30.0],
    ]  # fmt: skip
    assert [sources(group) for group in (one, five)] == [{"1.2.3.7.1"}, {"1.2.3.7.5"}]
    assert [str(item.TextValue) for item in named(other, "111031")] == ["parasternal long axis"]
    assert str(named(other, "112039")[0].TextValue) == "clip 2: LVEF"
    uses = [str(named(group, "use")[0].TextValue) for group in (one, other, three, four, five)]
    assert uses[0] == uses[2] == "counts"
    assert uses[1].startswith("refused: 30 frames")
    assert uses[3].endswith("is empty (0 bytes): copy or export it again")
    assert uses[4].startswith("another clip declares its view better")
    assert "43.2" not in str(report()), "a refused number"


def test_versions_are_instances_of_one_series_and_name_the_one_before() -> None:
    first, second = report(), report(version=Version("b" * 32, 2, "a" * 32))
    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert (first.InstanceNumber, second.InstanceNumber) == (1, 2)
    assert first.SeriesNumber == SERIES_NUMBER
    assert "PredecessorDocumentsSequence" not in first
    (of_study,) = second.PredecessorDocumentsSequence
    (series,) = of_study.ReferencedSeriesSequence
    assert (of_study.StudyInstanceUID, series.SeriesInstanceUID) == (
        first.StudyInstanceUID,
        first.SeriesInstanceUID,
    )
    assert [one.ReferencedSOPInstanceUID for one in series.ReferencedSOPSequence] == [
        first.SOPInstanceUID
    ]
    assert report() == first, "again is the same"


def test_it_is_the_patients_and_the_studys() -> None:
    made = report()
    assert (made.PatientName, made.PatientID, made.AccessionNumber) == ("Doe^Jane", "4711", "A1")
    assert made.StudyInstanceUID == "1.2.3.5"
    assert (made.PreliminaryFlag, made.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")
    (of_study,) = made.CurrentRequestedProcedureEvidenceSequence
    named_there = {
        str(one.ReferencedSOPInstanceUID)
        for series in of_study.ReferencedSeriesSequence
        for one in series.ReferencedSOPSequence
    }
    assert named_there == {f"1.2.3.7.{number}" for number in OUTCOMES}


def test_a_study_without_an_answer_says_so() -> None:
    refused_alone = CASES["refused"]()
    assert numbers(refused_alone, EF) == []
    assert any(
        text.startswith("refused: no clip: the gates let no") for text in texts(refused_alone)
    )
    assert "no answer: not one of its clips could be used" in texts(
        CASES["no clip could be read"]()
    )
    (group, aside) = groups(CASES["no cine"]())
    assert any("holds no transthoracic cine, only: still:" in text for text in texts(group))
    assert str(named(aside, "112039")[0].TextValue) == "left aside"


def test_beats_are_those_of_clips_that_the_ef_is_made_of() -> None:
    outcomes = {1: seen(traced(), 47.0, None), 2: seen(traced(), 49.0, None)}
    study = answer_study([Clip.of(number, outcome) for number, outcome in outcomes.items()])
    assert study.numbers is not None
    (best,) = study.numbers.clips
    made = report(study, drafts(outcomes))
    told = [str(item.TextValue) for group in groups(made) for item in named(group, "112039")]
    assert [text for text in told if text.endswith("beats")] == [f"clip {best}: beats"]


def test_a_clip_whose_draft_is_gone_is_told_of_in_words() -> None:
    made = CASES["forgotten"]()
    first, only = groups(made)
    assert numbers(first, EF) == [47.0]
    assert sources(first) == set()
    assert sources(only) == {"1.2.3.7.5"}
    assert any(text.startswith("counts clip 1:") for text in texts(first))


def test_a_header_that_lacks_a_uid_makes_no_draft() -> None:
    source = header(1)
    del source.StudyInstanceUID
    with pytest.raises(InputError, match="no valid StudyInstanceUID"):
        to_draft(Outcome("a", Failure("damaged", 3)), source, created=NOW)
