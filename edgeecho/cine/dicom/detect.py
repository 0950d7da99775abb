"""Knowing a DICOM file by its first bytes; imports nothing, for it is asked of every file."""

from __future__ import annotations


def is_dicom(head: bytes) -> bool:
    """Whether a file that begins with these (at least 132) bytes is to be read as DICOM.

    By "DICM" behind the preamble (PS3.10, 7.1). Files without it, as old archives hold them,
    begin with an element of group 0002 or 0008, little endian: an explicit VR or a small length
    follows the tag.
    """
    if head[128:132] == b"DICM":
        return True
    if head[0:2] not in (b"\x02\x00", b"\x08\x00") or len(head) < 132 or head[3] != 0:
        return False
    explicit = head[4:6] in (b"AE", b"CS", b"DA", b"LO", b"OB", b"SH", b"TM", b"UI", b"UL")
    return explicit or 0 < int.from_bytes(head[4:8], "little") <= 256
