from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import jsonschema
import media
import numpy as np
import pytest
from pydicom.data import get_testdata_file
from ventricle import beating, traced

from edgeecho.beats import NoBeats, Rule, Unused, beats_of
from edgeecho.bundle.open import MaskFile
from edgeecho.engines import EngineFacts
from edgeecho.inference import estimate_file, load_model
from edgeecho.preprocess import VideoFacts
from edgeecho.report.beats import to_values
from edgeecho.report.structured import SCHEMA, SHOWN, schema_text, to_json
from edgeecho.report.text import AREAS
from edgeecho.results import BANDS, Answer, Failure, Outcome
from edgeecho.trust import Interval, Probabilities, Refusal

SCHEMA_VALUE = json.loads(schema_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA_VALUE)
OPTIONAL = {"decode", "masks", "stream", "uncertainty"}
"""Absent where frames and no file were given, nothing was traced, no stream was played, none was
measured."""


def on_a_screen() -> np.ndarray:
    """The phantom on a scanner's screen of 240x320, with a border that never moves."""
    frames = np.zeros((80, 240, 320, 3), np.uint8)
    frames[:, 64:176, 104:216] = media.phantom_frames()[:80]
    frames[:, 5:15, 5:100] = 200
    return frames


def good(folder: Path) -> Path:
    return media.write_video(folder / "good.avi")


def bad(folder: Path) -> Path:
    (folder / "bad.avi").write_text("text")
    return folder / "bad.avi"


def no_rate(folder: Path) -> Path:
    return media.write_avi(folder / "no-rate.avi", media.jpegs(), rate=0, microseconds=0)


def damaged(folder: Path) -> Path:
    whole = good(folder).read_bytes()
    (folder / "damaged.avi").write_bytes(media.cut(90)(whole))
    return folder / "damaged.avi"


def screen(folder: Path) -> Path:
    return media.write_video(folder / "screen.avi", frames=on_a_screen())


def short(folder: Path) -> Path:
    return media.write_video(folder / "short.avi", frames=media.phantom_frames()[:9])


def dicom(folder: Path) -> Path:
    real = str(get_testdata_file("color3d_jpeg_baseline.dcm", download=False))
    return Path(shutil.copy(real, folder / "cine.dcm"))


CASES: dict[str, tuple[list[Callable[[Path], Path]], list[str], Callable[[Any], object]]] = {
    "answered": ([good], ["--clips", "stride:16"], lambda r: len(r["clip_efs"]) > 1),
    "cut out": ([good], [], lambda r: r["video"]["area"] == "whole"),
    "failed": ([bad], [], lambda r: r["exit_code"] == 3),
    "mixed": ([good, bad], [], lambda r: r["ef"]),
    "one clip": ([good], ["--clips", "one"], lambda r: r["sd"] is None),
    "frame rate unknown": ([no_rate], [], lambda r: r["clip_times_s"] is r["video"]["fps"] is None),
    "damaged": ([damaged], [], lambda r: r["video"]["damage"]),
    "short": ([short], ["--clips", "all"], lambda r: r["warnings"]),
    "resampled": ([good], ["--time", "resample"], lambda r: r["video"]["time"] != "native"),
    "rate given": ([good], ["--fps", "30"], lambda r: r["video"]["fps_source"] == "--fps"),
    "no crop": ([screen], ["--no-crop"], lambda r: r["video"]["area"] == "central square"),
    "crop": ([screen], ["--crop", "100,60,120,120"], lambda r: r["video"]["area"] == "--crop"),
    "sector": ([screen], [], lambda r: r["video"]["area"] == "found in the frames"),
    "DICOM": ([dicom], [], lambda r: r["video"]["area"] == "DICOM region"),
}


def write_results(edgeecho: Any, folder: Path, case: str) -> Any:
    makers, options, _ = CASES[case]
    files = [make(folder) for make in makers]
    done = edgeecho("infer", *files, "--clips", "center", *options, "--json")
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_what_infer_writes_is_as_the_schema_says(edgeecho: Any, tmp_path: Path, case: str) -> None:
    value = write_results(edgeecho, tmp_path, case)
    VALIDATOR.validate(value)
    # The case is what its name says: else it would test nothing.
    assert CASES[case][2](value["results"][0])


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in it."""
    inside = value if isinstance(value, list) else list(value.values())
    if isinstance(value, dict):
        yield value
    for item in inside:
        if isinstance(item, dict | list):
            yield from objects(item)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A document with an answer, a failure, a refused answer, and one that is shown."""
    folder = tmp_path_factory.mktemp("mixed")
    answer = estimate_file(good(folder), load_model(), clips="center")
    sure = replace(
        answer,
        interval=Interval(40.1, 55.1, 0.9, "phantoms"),
        probabilities=Probabilities(0.07, 0.71),
    )
    masks = MaskFile(answer.model.path, "5" * 64, "lraspp", "fp32")
    drawn = traced(beating(180), spacing_mm=1.5, clip_efs=dict.fromkeys(range(180), 50.0))
    # One is enough, and each field of it is changed.
    one = replace(drawn.beats, found=drawn.beats.found[1:2])
    sure = replace(
        sure,
        model=replace(answer.model, segmentation=masks),
        traced=replace(drawn, beats=one, source=tuple(range(180))),
        timings_ms={**answer.timings_ms, "masks": drawn.ms},
    )
    refused = replace(sure, refusals=(Refusal("too-short", "100 frames, and 120 are wanted"),))
    outcomes = [
        Outcome("a.avi", Answer.of(sure), "0" * 64),
        Outcome("b.avi", Failure("b.avi is empty", 3)),
        Outcome("c.avi", Answer.of(refused), "0" * 64),
        Outcome("d.avi", Answer.of(refused, show_refused=True), "0" * 64),
    ]
    return to_json(outcomes)


@pytest.mark.slow
def test_a_field_that_is_gone_renamed_or_of_another_kind_is_refused(mixed: str) -> None:
    value = json.loads(mixed)
    assert VALIDATOR.is_valid(value)
    changed = 0
    for place, keys in enumerate([list(o) for o in objects(value)]):
        for key in keys:
            wrong = [("other kind", key, {"a": 1})]
            if key not in OPTIONAL:
                wrong += [("gone", None, None), ("renamed", f"{key}_", None)]
            for what, new, content in wrong:
                other = copy.deepcopy(value)
                holder = list(objects(other))[place]
                old = holder.pop(key)
                if new:
                    holder[new] = old if content is None else content
                assert not VALIDATOR.is_valid(other), (what, key)
                changed += 1
    assert changed > 300


NUMBERS = ("ef", "band", "interval", "probabilities", "sd", "clip_efs")


def test_a_refused_result_holds_no_number_and_none_may_be_put_in(mixed: str) -> None:
    value = json.loads(mixed)
    answered, _, refused, shown = value["results"]
    assert [r["status"] for r in value["results"]] == ["answered", "error", "refused", "refused"]
    assert not set(NUMBERS) & set(refused)
    assert set(shown) - set(refused) == {*NUMBERS, "shown"}
    assert refused["beats"] == {"rule": "default", "reason": None}
    assert shown["beats"] == answered["beats"] != refused["beats"]
    assert shown["shown"] == SHOWN
    leaks: list[dict[str, Any]] = [{name: answered[name]} for name in NUMBERS]
    leaks += [{name: None} for name in NUMBERS]
    leaks.append({name: answered[name] for name in NUMBERS})
    leaks += [{**leaks[-1], "shown": word} for word in ("", True, None)]
    leaks.append({"beats": answered["beats"]})
    leaks += [{"beats": {**refused["beats"], name: 1}} for name in ("found", "used", "mean_ef")]
    leaks += [{"shown": SHOWN}, {"status": "answered"}, {**leaks[-1], "refusals": []}]
    for leak in leaks:
        other = copy.deepcopy(value)
        other["results"][2] |= leak
        assert not VALIDATOR.is_valid(other), leak
    # With all that says so, it is the fourth result.
    other = copy.deepcopy(value)
    other["results"][2] |= {name: answered[name] for name in (*NUMBERS, "beats")}
    other["results"][2]["shown"] = SHOWN
    assert VALIDATOR.is_valid(other)


def test_a_field_more_is_refused_everywhere(mixed: str) -> None:
    value = json.loads(mixed)
    for place in range(len(list(objects(value)))):
        other = copy.deepcopy(value)
        list(objects(other))[place]["patient"] = "x"
        assert not VALIDATOR.is_valid(other)


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(schema="edgeecho-results-2"),
        lambda v: v.update(research_use="fit for diagnosis"),
        lambda v: v.update(results=[]),
        lambda v: v["results"][0].update(clips="some"),
        lambda v: v["results"][0].update(sha256="abc"),
        lambda v: v["results"][0].update(number=0),
        lambda v: v["results"][0].update(clip_efs=[]),
        lambda v: v["results"][0].update(error="an answer and an error", exit_code=3),
        lambda v: v["results"][0]["video"].update(area="somewhere"),
        lambda v: v["results"][0]["video"].update(square=[1, 2]),
        lambda v: v["results"][0]["video"].update(fill=1.5),
        lambda v: v["results"][0]["video"].update(time="resample"),
        lambda v: v["results"][1].update(exit_code=0),
        lambda v: v["results"][0].update(band="normal"),
        lambda v: v["results"][0]["interval"].update(high=101),
        lambda v: v["results"][0]["interval"].update(level=90),
        lambda v: v["results"][0]["probabilities"].update(below_50=71),
        lambda v: v["results"][0].update(refusals=v["results"][2]["refusals"]),
        lambda v: v["results"][0].update(shown="although refused"),
        lambda v: v["results"][2].update(refusals=[]),
        lambda v: v["results"][2]["refusals"][0].update(gate="Too short"),
        lambda v: v["results"][3].update(refusals=[]),
        lambda v: v["results"][0]["beats"].update(rule="best"),
        lambda v: v["results"][0]["beats"].update(reason="tired"),
        lambda v: v["results"][0]["beats"]["table"][0].update(unused="ugly"),
        lambda v: v["results"][0]["beats"]["table"][0]["ed"].update(border=1.5),
        lambda v: v["results"][2].update(beats=v["results"][0]["beats"]),
    ],
)
def test_a_value_that_cannot_be_is_refused(mixed: str, change: Callable[[Any], None]) -> None:
    value = json.loads(mixed)
    assert VALIDATOR.is_valid(value)
    change(value)
    assert not VALIDATOR.is_valid(value)


def test_the_schema_is_sound_and_strict() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA_VALUE)
    found = [o for o in objects(SCHEMA_VALUE) if o.get("type") == "object"]
    assert len(found) == 20
    for part in found:
        assert part["additionalProperties"] is False
        assert set(part["required"]) == set(part["properties"]) - OPTIONAL


def test_every_field_is_explained() -> None:
    named = {"sha256", "number", "file", "research_use"}
    for part in (o for o in objects(SCHEMA_VALUE) if o.get("type") == "object"):
        for name, field in part["properties"].items():
            shared = SCHEMA_VALUE["$defs"].get(field.get("$ref", "").removeprefix("#/$defs/"), {})
            words = field.get("description") or shared.get("description", "")
            assert name in named or words.endswith("."), name


def test_the_schema_names_the_fields_of_the_code() -> None:
    assert SCHEMA_VALUE["$id"].endswith(f":{SCHEMA}")
    assert SCHEMA_VALUE["properties"]["schema"]["const"] == SCHEMA
    parts = SCHEMA_VALUE["$defs"]
    video = parts["video"]["properties"]
    assert list(video) == [f.name for f in fields(VideoFacts)] + ["beats_per_clip"]
    assert list(parts["engine"]["properties"]) == [f.name for f in fields(EngineFacts)]
    assert video["area"]["enum"] == list(AREAS)
    assert parts["band"]["enum"] == [words for *_, words in BANDS]
    assert parts["refused_shown"]["properties"]["shown"]["const"] == SHOWN
    beats = to_values(beats_of(beating(180), np.arange(180) / 50), None)
    (row, *_), beat = beats["table"], parts["beat"]["properties"]
    assert list(parts["beats"]["properties"]) == ["rule", "reason", *beats]
    assert list(beat) == list(row)
    assert list(parts["moment"]["properties"]) == list(row["ed"]) == list(row["es"])
    for name, words in (("rule", Rule), ("reason", NoBeats)):
        found = parts["beats"]["properties"][name]["enum"]
        assert [word for word in found if word] == list(get_args(words))
    assert [word for word in beat["unused"]["enum"] if word] == list(get_args(Unused))
    for kind in (Interval, Probabilities, Refusal):
        assert list(parts[kind.__name__.lower()]["properties"]) == [f.name for f in fields(kind)]


def test_the_command_prints_it(edgeecho: Any) -> None:
    done = edgeecho("schema")
    assert (done.returncode, done.stdout, done.stderr) == (0, schema_text(), "")
