"""Recognising a DICOM file by its first bytes. Imports nothing, because every file is tested."""

from __future__ import annotations


def is_dicom(head: bytes) -> bool:
    """Whether a file that begins with these (at least 132) bytes is a DICOM file.

    It has "DICM" after the preamble (PS3.10, 7.1). Files without a preamble, as in old archives,
    begin with a little-endian element of group 0002 or 0008, whose tag is followed by an explicit
    VR or a small length.
    """
    if head[128:132] == b"DICM":
        return True
    if head[0:2] not in (b"\x02\x00", b"\x08\x00") or len(head) < 132 or head[3] != 0:
        return False
    explicit = head[4:6] in (b"AE", b"CS", b"DA", b"LO", b"OB", b"SH", b"TM", b"UI", b"UL")
    return explicit or 0 < int.from_bytes(head[4:8], "little") <= 256
