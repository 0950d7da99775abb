"""What the sizes inside a file say, and what hostile ones cost."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from media import jpegs, write_avi
from wholes import WHOLES, Plan

from edgeecho.cine import read_cine
from edgeecho.cine.container import container_of
from edgeecho.cine.structure import Structure, read_structure

SEGMENT, CLUSTER = bytes.fromhex("18538067"), bytes.fromhex("1f43b675")
UNKNOWN, BLOCK = b"\x01" + b"\xff" * 7, b"\xa3\x84\x81\0\0\0"
BEGIN = {
    "mkv": bytes.fromhex("1a45dfa380") + SEGMENT + UNKNOWN,
    "mp4": b"\0\0\0\x08ftyp",
    "avi": b"RIFF" + struct.pack("<I", 0) + b"AVI ",
}


def look(data: bytes, kind: str) -> Structure:
    return read_structure(io.BytesIO(data), kind)


@pytest.mark.parametrize("kind", WHOLES)
def test_whole_files_are_neither_cut_nor_broken(tmp_path: Path, kind: str) -> None:
    with WHOLES[kind](tmp_path).open("rb") as source:
        found = read_structure(source, container_of(source.read(1000)) or "")
        assert source.tell() == 0
    assert found == Structure(fragments=kind.startswith("fragments"), empty=found.empty)
    assert (found.empty > 0) == kind.startswith(("AVI, dropped", "AVI, uneven"))


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".avi"])
def test_every_cut_of_the_last_tenth_is_found(tmp_path: Path, suffix: str) -> None:
    codec, settings = ("mpeg4", {}) if suffix == ".avi" else ("libx264", {"movflags": "faststart"})
    data = Plan(suffix, codec, options={}, settings=settings).write(tmp_path).read_bytes()
    kind = suffix[1:]
    assert look(data, kind) == Structure()
    for end in range(len(data) * 9 // 10, len(data), 37):
        assert look(data[:end], kind).cut


def test_what_lies_behind_a_whole_segment_is_not_part_of_it(tmp_path: Path) -> None:
    data = Plan(".mkv").write(tmp_path).read_bytes()
    assert look(data + bytes(5000), "mkv") == Structure()


@pytest.mark.parametrize("behind", [bytes(1), bytes(5000), b"\n", b"written by a camera"])
def test_what_lies_behind_the_last_fragment_is_no_damage(tmp_path: Path, behind: bytes) -> None:
    path = WHOLES["fragments, empty index"](tmp_path)
    path.write_bytes(path.read_bytes() + behind)
    cine = read_cine(path)
    assert (len(cine.frames), cine.damage) == (60, ())
    # But a fragment of which there is only the begin is a cut.
    path.write_bytes(path.read_bytes()[: -len(behind)] + b"\0\0\1\0mo")
    assert read_cine(path).damage == ("the file is cut short",)


@pytest.mark.parametrize(("zeros", "broken"), [((1 << 20) - 1, True), (1 << 20, False)])
def test_behind_a_fragment_another_is_looked_for_in_a_mebibyte(zeros: int, broken: bool) -> None:
    data = BEGIN["mp4"] + b"\0\0\0\x08moof" + bytes(zeros) + b"moof"
    assert look(data, "mp4") == Structure(broken=broken, fragments=True)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (BEGIN["mkv"] + CLUSTER + UNKNOWN + BLOCK + bytes(100), "mkv"),
        (BEGIN["mkv"] + CLUSTER + b"\x82" + BLOCK + BLOCK, "mkv"),  # it reaches out of its cluster
        (BEGIN["mkv"] + CLUSTER + UNKNOWN + b"\xa3\x84\x15\0\0\0" + 9 * BLOCK, "mkv"),
        (BEGIN["mp4"] + bytes(100), "mp4"),
        (BEGIN["mp4"] + b"\0\0\0\x07free" + bytes(100), "mp4"),  # smaller than its own head
        (BEGIN["mp4"] + b"\0\0\0\x10moof\0\0\0\x20trafabcdefgh" + bytes(16), "mp4"),
        (BEGIN["avi"] + b"\0\0\0\0" + bytes(100), "avi"),
    ],
)
def test_what_cannot_be_there_is_found(data: bytes, kind: str) -> None:
    assert look(data, kind) == Structure(broken=True, fragments=b"moof" in data)


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(content) if size is None else size) + content


NO_FRAME = chunk(b"00dc", b"")


@pytest.mark.parametrize(
    ("chunks", "found"),
    [
        (chunk(b"JUNK", b"abc") + b"\0" + NO_FRAME, Structure(empty=1)),  # of even size
        (chunk(b"01db", b"") + chunk(b"00wb", b"") + chunk(b"00dc", b"ab"), Structure(empty=1)),
        (chunk(b"LIST", b"movi" + 2 * NO_FRAME), Structure(empty=2)),
        (chunk(b"LIST", b"rec ", 0) + NO_FRAME, Structure(empty=1)),
        (chunk(b"LIST", b"INFO" + NO_FRAME), Structure()),
        (chunk(b"LIST", b"movi" + chunk(b"00dc", b"12345678")), Structure()),
        (chunk(b"LIST", b"movi" + chunk(b"00dc", b"", 2), 12) + bytes(100), Structure(broken=True)),
        (b"\x80xyz" + bytes(100), Structure(broken=True)),
        (NO_FRAME[:7], Structure(cut=True)),
        (chunk(b"00dc", b"a", 2), Structure(cut=True)),
    ],
)
def test_chunks_of_an_avi(chunks: bytes, found: Structure) -> None:
    assert look(BEGIN["avi"] + chunks, "avi") == found


@pytest.mark.parametrize(
    ("boxes", "found"),
    [
        (b"\0\0\0\x08 ree", Structure()),
        (b"\0\0\0\x09free", Structure(cut=True)),
        (b"\0\0\0\x00mdat" + bytes(100), Structure()),  # to the end
        (b"\0\0\0\x01free" + struct.pack(">Q", 16), Structure()),
        (b"\0\0\0\x01free" + struct.pack(">Q", 20) + b"abcd", Structure()),
        (b"\0\0\0\x01free" + struct.pack(">Q", 21) + b"abcd", Structure(cut=True)),
        (b"\0\0\0\x01free" + struct.pack(">Q", 15) + bytes(100), Structure(broken=True)),
        # Fewer bytes than the longest head has may be the begin of one.
        (b"\0\0\0\x08\x1free" + b"a" * 11, Structure(cut=True)),
        (b"\0\0\0\x08\x1free" + b"a" * 12, Structure(broken=True)),
        (b"\0\0\1", Structure(cut=True)),
        (bytes(3), Structure(broken=True)),
    ],
)
def test_boxes_of_an_mp4(boxes: bytes, found: Structure) -> None:
    assert look(BEGIN["mp4"] + boxes, "mp4") == found


VOID = b"\xec\x80"


@pytest.mark.parametrize(
    ("elements", "found"),
    [
        (b"\xec\x83abc" + VOID, Structure()),
        (b"\xec\x40\x03abc" + VOID, Structure()),
        (b"\xec\x01" + bytes(6) + b"\x03abc" + VOID, Structure()),
        (bytes.fromhex("1043a77080") + VOID, Structure()),  # chapters
        (CLUSTER + b"\x88" + VOID + BLOCK + VOID, Structure()),
        (CLUSTER + b"\x87" + VOID + BLOCK + bytes(100), Structure(broken=True)),
        (b"\xec" + UNKNOWN + bytes(100), Structure(broken=True)),
        (CLUSTER + UNKNOWN + b"\xa3\x84\x80\0\0\0" + VOID, Structure()),
        (CLUSTER + UNKNOWN + b"\xa3\x84\x7f\0\0\0" + bytes(100), Structure(broken=True)),
        (b"\xec\x84abc", Structure(cut=True)),
        (b"\xec", Structure(cut=True)),
        (b"\xec\x40", Structure(cut=True)),
    ],
)
def test_elements_of_an_mkv(elements: bytes, found: Structure) -> None:
    assert look(BEGIN["mkv"] + elements, "mkv") == found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (BEGIN["mkv"] + (CLUSTER + UNKNOWN) * 300_000, "mkv"),
        (BEGIN["mkv"] + b"\xec\x80" * 1_000_000, "mkv"),
        (BEGIN["mp4"] + b"\0\0\0\x08free" * 400_000, "mp4"),
        (BEGIN["mp4"] + b"\0\0\0\x01free" + b"\xff" * 8 + bytes(100), "mp4"),
        (BEGIN["avi"] + b"00dc\0\0\0\0" * 400_000, "avi"),
        (BEGIN["avi"] + b"LIST\0\0\0\0movi" * 300_000, "avi"),
        (BEGIN["avi"] + b"00dc\xff\xff\xff\xff" + bytes(100), "avi"),
    ],
)
def test_hostile_sizes_cost_a_bounded_number_of_reads(data: bytes, kind: str) -> None:
    class Counted(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1, /) -> bytes:
            Counted.reads += 1
            return super().read(size)

    read_structure(Counted(data), kind)
    assert Counted.reads == 200_000 if len(data) > 1000 else 0 < Counted.reads < 10


@pytest.mark.parametrize("kind", ["mkv", "mp4", "avi", "other", "h26x"])
@pytest.mark.parametrize("data", [b"", b"\0", b"\x1a", b"RIFF", b"RIFF\1\1\1", b"\xff" * 40])
def test_scraps_raise_nothing(data: bytes, kind: str) -> None:
    assert look(data, kind).empty == 0


def test_an_avis_wrong_size_is_no_damage_where_all_its_frames_are_there(tmp_path: Path) -> None:
    path = write_avi(tmp_path / "a.avi", jpegs())
    data = path.read_bytes()
    for wrong in (0, 8, 0xFFFFFFFF, len(data), len(data) + 1000):
        path.write_bytes(data[:4] + struct.pack("<I", wrong) + data[8:])
        cine = read_cine(path)
        assert (len(cine.frames), cine.damage) == (100, ())
