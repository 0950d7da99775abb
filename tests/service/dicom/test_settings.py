"""Who may send, from where, and what is said of options that make no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgeecho.common.errors import UsageError
from edgeecho.service.dicom import Destination, NodeSettings, Peer
from edgeecho.service.dicom.settings import LOOPBACK


@pytest.mark.parametrize(
    ("peer", "address", "allowed"),
    [
        ("SCANNER@192.168.1.20", "192.168.1.20", True),
        ("SCANNER@192.168.1.20", "192.168.1.21", False),
        ("SCANNER@192.168.1.20", "::ffff:192.168.1.20", True),
        ("SCANNER@192.168.1.0/24", "192.168.1.21", True),
        ("SCANNER@192.168.1.0/24", "192.168.2.21", False),
        ("SCANNER@fe80::/10", "fe80::1%eth0", True),
        ("SCANNER@fe80::/10", "127.0.0.1", False),
    ],
)
def test_a_peer_sends_from_its_addresses(peer: str, address: str, allowed: bool) -> None:
    assert Peer.parse(peer).sends_from(address) is allowed


def test_titles_are_compared_as_the_standard_says() -> None:
    peer = Peer.parse(" SCAN 1 @10.0.0.1")
    assert peer.is_called("SCAN 1")
    assert peer.is_called("  SCAN 1        "), "spaces around it mean nothing"
    assert not peer.is_called("scan 1")
    assert not peer.is_called("SCAN 11")


@pytest.mark.parametrize(
    "text",
    ["", "SCANNER", "@10.0.0.1", "SCANNER@", "SCANNER@host", "SCANNER@10.0.0.1/8",
     "A" * 17 + "@::1", "A\\B@10.0.0.1", "A\n@10.0.0.1/x"],
)  # fmt: skip
def test_what_is_no_peer_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="is no sender: give AE@ADDRESS") as error:
        Peer.parse(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ARCHIVE@pacs.example:104", Destination("ARCHIVE", "pacs.example", 104)),
        ("ARCHIVE@[::1]:11112", Destination("ARCHIVE", "::1", 11112)),
        ("A B@10.0.0.1:1", Destination("A B", "10.0.0.1", 1)),
    ],
)
def test_destinations(text: str, wanted: Destination) -> None:
    assert Destination.parse(text) == wanted


@pytest.mark.parametrize("text", ["", "A@h", "A@:104", "@h:104", "A@h:0", "A@h:65536", "A@h:x"])
def test_what_is_no_destination_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="is no destination: give AE@HOST:PORT"):
        Destination.parse(text)


def test_by_default_only_this_machine_may_send() -> None:
    settings = NodeSettings(results=Path("sr"))
    assert settings.allow == LOOPBACK
    for address, allowed in (("127.0.0.1", True), ("::1", True), ("10.0.0.1", False)):
        assert any(peer.sends_from(address) for peer in settings.allow) is allowed
    assert all(peer.is_called("ANYBODY") for peer in LOOPBACK)


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.168.1.5"])
def test_what_others_can_reach_demands_a_list(bind: str) -> None:
    with pytest.raises(UsageError, match="say with --allow"):
        NodeSettings(results=Path("sr"), bind=bind)
    allow: Any = (Peer.parse("SCANNER@10.0.0.1"),)
    assert NodeSettings(results=Path("sr"), bind=bind, allow=allow).bind == bind


def test_a_port_is_between_1_and_65535() -> None:
    for port in (1, 65535):
        assert Destination.parse(f"A@h:{port}").port == port
    for port in (0, 65536, -1):
        with pytest.raises(UsageError, match="is no destination"):
            Destination.parse(f"A@h:{port}")


def test_a_title_has_up_to_16_characters_of_ascii() -> None:
    allow = (Peer.parse("A@::1"),)
    for title in ("A", "A" * 16, "!~[]", " A "):
        assert NodeSettings(results=Path("sr"), ae_title=title, allow=allow).ae_title == title
    for title in ("", " ", "A" * 17, "A\\B", "Ä", "A\tB"):
        with pytest.raises(UsageError, match="is no AE title: an AE title has 1 to 16"):
            NodeSettings(results=Path("sr"), ae_title=title)


def test_the_defaults_are_those_of_the_documentation() -> None:
    settings = NodeSettings(results=Path("sr"))
    assert (settings.ae_title, settings.bind, settings.port) == ("EDGEECHO", "127.0.0.1", 11112)
    assert settings.most_associations == 200
    assert str(Destination("A", "h", 104)) == "A@h:104"


@pytest.mark.parametrize("bind", ["localhost", "", "127.0.0"])
def test_a_name_is_no_address_to_listen_on(bind: str) -> None:
    with pytest.raises(UsageError, match="is no IP address"):
        NodeSettings(results=Path("sr"), bind=bind)


def test_this_machine_needs_no_list() -> None:
    for bind in ("127.0.0.1", "127.0.0.2", "::1"):
        assert NodeSettings(results=Path("sr"), bind=bind).bind == bind
