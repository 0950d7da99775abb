"""What is missing of a video, from made-up claims of its header and made-up frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeecho.cine.damage import Claims, Decoded, count_missing, find_damage, note_pause
from edgeecho.cine.structure import Structure

CLAIMS = Claims("mkv", "h264", 4, 4, 10.0, None, None, stamped=True)
"""10 frames/s; neither a number of frames nor a duration."""
WHOLE = Structure()


def stamps(*gaps: tuple[int, float], count: int = 40) -> np.ndarray:
    """10 frames/s from 0; what follows frame `after` comes `by` s later than it should."""
    times = np.arange(count) / 10
    for after, by in gaps:
        times[after + 1 :] += by
    return times


def decoded(times: np.ndarray, begin: float = 0.0, **faults: int) -> Decoded:
    none = dict.fromkeys(
        ("failed_between", "failed_after", "silent", "resized", "broken", "deinterlaced"), 0
    )
    frames = np.zeros((len(times), 4, 4, 3), np.uint8)
    return Decoded(frames=frames, seconds=times + begin, **{**none, **faults})


def look(
    times: np.ndarray, claims: Claims = CLAIMS, structure: Structure = WHOLE, **faults: int
) -> tuple[tuple[str, ...], int]:
    """What is said, and how many frames are missing."""
    made = decoded(times, **faults)
    return (
        find_damage(made, claims, structure, times),
        count_missing(made, claims, structure, times),
    )


def test_what_is_whole_has_no_damage() -> None:
    assert look(stamps()) == ((), 0)
    assert look(stamps(), replace(CLAIMS, frames=40, duration_s=4.0)) == ((), 0)


def test_frames_that_were_claimed_are_missed() -> None:
    assert look(stamps(), replace(CLAIMS, frames=41)) == (("41 frames claimed, 40 decoded",), 1)
    assert look(stamps(), replace(CLAIMS, frames=39)) == ((), 0)


@pytest.mark.parametrize(
    ("duration", "lost"), [(4.19, 0), (4.21, 2), (4.26, 3), (5.0, 10), (3.0, 0)]
)
def test_a_duration_is_missed_from_two_frames_on(duration: float, lost: int) -> None:
    said, missing = look(stamps(), replace(CLAIMS, duration_s=duration))
    assert missing == lost
    assert said == ((f"{duration:.2f} s claimed, frames end at 4.00 s",) if lost else ())


@pytest.mark.parametrize("structure", [Structure(cut=True), Structure(broken=True)])
def test_of_a_damaged_file_half_a_frame_is_missed(structure: Structure) -> None:
    for duration, lost in ((4.04, 0), (4.06, 1), (4.16, 2)):
        assert look(stamps(), replace(CLAIMS, duration_s=duration), structure)[1] == lost


def test_a_video_ends_by_its_own_clock() -> None:
    claims = replace(CLAIMS, duration_s=6.0)
    assert count_missing(decoded(stamps(), begin=2.0), claims, WHOLE, stamps()) == 0
    assert count_missing(decoded(stamps(), begin=1.5), claims, WHOLE, stamps()) == 5
    unknown = replace(decoded(stamps()), seconds=np.full(40, np.nan))
    assert count_missing(unknown, claims, WHOLE, stamps()) == 20


def test_the_longer_of_the_usual_step_and_that_of_the_rate_counts() -> None:
    # At 5 frames/s by its header, the last frame ends at 4.1 s, and 2 frames are 0.4 s.
    slow = replace(CLAIMS, fps=5.0)
    assert look(stamps(), replace(slow, duration_s=4.45))[1] == 0
    assert look(stamps(), replace(slow, duration_s=4.55))[1] == 2
    # A rate that is unknown leaves the steps, steps that are unknown leave the rate.
    assert look(stamps(), replace(CLAIMS, fps=None, duration_s=5.0))[1] == 10
    assert look(stamps(count=1), replace(CLAIMS, duration_s=1.0))[1] == 9
    assert look(stamps(count=1), replace(CLAIMS, fps=None, duration_s=1.0))[1] == 0


def test_a_gap_alone_is_no_damage_and_beside_another_fault_it_is_named() -> None:
    gap = stamps((9, 0.1))
    assert look(gap) == ((), 0)
    assert look(gap, replace(CLAIMS, frames=41)) == (
        ("41 frames claimed, 40 decoded", "frames are missing after 0.90 s"),
        1,
    )
    for fault in ("failed_between", "failed_after", "silent"):
        assert look(gap, **{fault: 1})[0] == ("frames are missing after 0.90 s",)
    assert look(gap, structure=Structure(broken=True))[0] == ("frames are missing after 0.90 s",)
    # Where every claimed frame is there, none is missing, whatever the stamps say.
    assert look(gap, replace(CLAIMS, frames=40), Structure(cut=True, broken=True))[0] == ()


def test_of_fragments_no_index_says_how_many_frames_there_are() -> None:
    cut = Structure(cut=True, fragments=True)
    assert look(stamps(), replace(CLAIMS, frames=40), cut) == (("the file is cut short",), 0)


def test_a_gap_is_longer_than_one_and_a_half_steps_in_a_file_of_even_steps() -> None:
    claims = replace(CLAIMS, frames=99)
    for by, named in ((0.049, False), (0.051, True)):
        said = look(stamps((9, by)), claims)[0]
        assert ("frames are missing after 0.90 s" in said) == named
    many = stamps((4, 0.2), (9, 0.2), (19, 0.2), (29, 0.2), count=100)
    said = look(many, replace(CLAIMS, frames=101))[0]
    assert said[1:] == ("frames are missing after 0.40 s, 1.10 s, 2.30 s",)
    # A tenth of the steps may be uneven, and each by a tenth.
    uneven = [(after, 0.2) for after in range(0, 40, 9)]
    assert look(stamps(*uneven[:4], count=41), claims)[0][1:] == (
        "frames are missing after 0.00 s, 1.10 s, 2.20 s",
    )
    assert len(look(stamps(*uneven, count=41), claims)[0]) == 1


def test_faults_without_a_gap_are_said_in_words() -> None:
    middle = "frames in the middle could not be decoded: times after them may be wrong"
    assert look(stamps(), failed_between=1)[0] == (middle,)
    assert look(stamps(), structure=Structure(broken=True))[0] == (
        "a part of the file cannot be read: frames may be missing there",
    )
    assert look(stamps(), failed_after=1)[0] == ("frames at the end could not be decoded",)
    assert look(stamps(), failed_between=1, failed_after=1)[0] == (middle,)
    assert look(stamps(), silent=1) == ((), 0)
    assert look(stamps(), structure=Structure(cut=True)) == (("the file is cut short",), 0)


def test_frames_that_were_left_out_are_counted() -> None:
    said, missing = look(stamps(), broken=2, resized=3)
    assert said == (
        "frames left out because their data are cut short: 2",
        "frames left out because they are of another size: 3",
    )
    assert missing == 5
    assert look(stamps(), replace(CLAIMS, frames=41), broken=2)[1] == 1


def test_a_file_that_does_not_say_how_many_frames_it_holds_is_never_whole() -> None:
    other = replace(CLAIMS, container="other")
    words = "this kind of file (h264) does not say how many frames it holds: if some are missing"
    assert look(stamps(), other)[0] == (f"{words}, nobody can know",)
    assert look(stamps((9, 0.2)), other)[0] == (f"{words} (perhaps after 0.90 s), nobody can know",)


def test_a_pause_is_longer_than_four_steps() -> None:
    assert note_pause(stamps((9, 0.29))) == ()
    assert note_pause(stamps((9, 0.31), (19, 0.32))) == (
        "uneven in time: no frame was recorded for 0.42 s after 2.21 s",
    )
    for few in ([], [0.0], [0.0, 1.0]):
        assert note_pause(np.array(few)) == ()
    assert note_pause(np.array([0.0, 0.1, np.nan])) == ()
