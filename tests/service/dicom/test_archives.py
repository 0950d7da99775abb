"""Archives that hang, lie, flood or vanish at any point: no report is lost, none sent twice."""

from __future__ import annotations

import io
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from dicom_net import COMPREHENSIVE_SR, Archive, Scanner, write_cine
from listening import Listening
from made_studies import due
from processes import wait
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.association import Association
from pynetdicom.dul import DULServiceProvider

from edgeecho.service.dicom import Destination, archive, connection, sender
from edgeecho.service.dicom.quiet import silence
from edgeecho.service.dicom.sender import Sender
from edgeecho.service.dicom.tally import Tally
from edgeecho.service.jobs import JobStore

ASSOCIATE_AC, P_DATA, RELEASE_RP = 2, 4, 6
LONG_S = 600.0


class Peer:
    """What calls itself an archive: each connection is handed to `behave`."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self.behave: Callable[[Conversation], None] = lambda _: None
        self.true = Archive().up()
        self.reached = threading.Event()
        self.hung_up = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def destination(self) -> Destination:
        return Destination("ARCHIVE", "127.0.0.1", self._listener.getsockname()[1])

    def _run(self) -> None:
        while True:
            try:
                node, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(node)
            threading.Thread(target=self._converse, args=(node,), daemon=True).start()

    def _converse(self, node: socket.socket) -> None:
        with suppress(OSError, struct.error):
            behind = socket.create_connection(("127.0.0.1", self.true.port))
            with behind, node:
                self.behave(Conversation(node, behind, self.reached, self.hung_up))

    def close(self) -> None:
        self._listener.close()
        for one in self._connections:
            one.close()
        self.true.down()


class Conversation:
    """A node on one side, a true archive on the other."""

    def __init__(
        self,
        node: socket.socket,
        behind: socket.socket,
        reached: threading.Event,
        hung_up: threading.Event,
    ) -> None:
        self.node, self.behind = node, behind
        self.reached, self.hung_up = reached, hung_up

    def hang(self) -> None:
        """Until the node hangs up; it may say farewell."""
        self.reached.set()
        with suppress(OSError):
            while self.node.recv(1 << 16):
                pass
        self.hung_up.set()

    def pass_on(self) -> int:
        """One PDU of the node's; its type."""
        pdu = read_pdu(self.node)
        self.behind.sendall(pdu)
        return pdu[0]

    def associate(self) -> None:
        """As it should be."""
        self.pass_on()
        self.node.sendall(read_pdu(self.behind))

    def take(self) -> bytes:
        """A whole C-STORE goes to the archive; its answer."""
        while True:
            pdu = read_pdu(self.node)
            self.behind.sendall(pdu)
            if pdu[0] != P_DATA:
                raise OSError("released")
            if pdu[11] == 2:  # the dataset's last piece
                return read_pdu(self.behind)


def read_pdu(connection: socket.socket) -> bytes:
    head = _read(connection, 6)
    return head + _read(connection, struct.unpack(">BBL", head)[2])


def _read(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise OSError("closed")
        data += piece
    return data


def head(kind: int, length: int) -> bytes:
    return struct.pack(">BBL", kind, 0, length)


def true(it: Conversation) -> None:
    """Hands everything on, both ways."""

    def answers() -> None:
        with suppress(OSError):
            while data := it.behind.recv(1 << 16):
                it.node.sendall(data)
            it.node.shutdown(socket.SHUT_WR)

    threading.Thread(target=answers, daemon=True).start()
    while data := it.node.recv(1 << 16):
        it.behind.sendall(data)


def silent(it: Conversation) -> None:
    it.hang()


def stalls_in_the_answer(it: Conversation) -> None:
    read_pdu(it.node)
    it.node.sendall(head(ASSOCIATE_AC, 200))
    it.hang()


def drips(it: Conversation) -> None:
    read_pdu(it.node)
    it.node.sendall(head(ASSOCIATE_AC, 200))
    it.reached.set()
    while True:
        it.node.sendall(b"\0")
        time.sleep(0.05)


def stalls_in_the_answer_to_c_store(it: Conversation) -> None:
    it.associate()
    read_pdu(it.node)
    it.node.sendall(head(P_DATA, 200))
    it.hang()


def says_nothing_to_c_store(it: Conversation) -> None:
    it.associate()
    read_pdu(it.node)
    it.hang()


def reads_nothing(it: Conversation) -> None:
    it.associate()
    it.reached.set()
    time.sleep(LONG_S)


def sends_pieces_without_end(it: Conversation) -> None:
    it.associate()
    it.reached.set()
    piece = head(P_DATA, 1006) + struct.pack(">LBB", 1002, 1, 1) + bytes(1000)
    while True:
        it.node.sendall(piece)


HANGING = [
    silent,
    stalls_in_the_answer,
    drips,
    says_nothing_to_c_store,
    stalls_in_the_answer_to_c_store,
    reads_nothing,
]


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


class Delivery:
    """A sender, and reports that are due, in a store."""

    def __init__(self, folder: Path, peer: Peer) -> None:
        self.store, self.tally = JobStore(folder), Tally()
        self._peer = peer
        self.sender = self._make()

    def _make(self) -> Sender:
        target = archive.Archive(self._peer.destination, "EDGEECHO")
        self.entity = target._ae
        return Sender(self.store.outbox, target, self.tally)

    def due(self, number: int = 1, size: int = 1000) -> str:
        """The id of a job whose report is due."""
        return due(self.store, number, report(number, size)).id

    def is_delivered(self, *jobs: str) -> bool:
        return all(self.store.queue.get(job).delivery == "delivered" for job in jobs)

    def again(self) -> None:
        """A new sender on the same store, as after a start of the node."""
        self.sender = self._make()
        self.sender.start()


def report(number: int, size: int) -> bytes:
    """A DICOM file that an archive takes."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = COMPREHENSIVE_SR, f"1.2.3.{number}"
    dataset.TextValue = "x" * size
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    stream = io.BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


@pytest.fixture
def delivery(tmp_path: Path, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Delivery]:
    monkeypatch.setattr(sender, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(sender, "LONGEST_WAIT_S", 0.2)
    monkeypatch.setattr(sender, "_IDLE_S", 0.1)
    silence()
    with ExitStack() as stack:
        delivery = Delivery(tmp_path / "state", peer)
        stack.callback(delivery.store.close)
        stack.callback(lambda: delivery.sender.close())  # noqa: PLW0108  # it may be another by then
        yield delivery


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE_S", 0.5)
    monkeypatch.setattr(archive, "_PATIENCE_S", 0.5)


def ours() -> list[threading.Thread]:
    """Threads of associations that this process asked for."""
    return [
        thread
        for thread in threading.enumerate()
        if isinstance(thread, (Association, DULServiceProvider))
        and getattr(thread, "assoc", thread).is_requestor
    ]


def once(peer: Peer, count: int = 1) -> bool:
    uids = [str(got.SOPInstanceUID) for got in peer.true.got]
    return len(uids) == len(set(uids)) == count


@pytest.mark.slow
@pytest.mark.parametrize("behave", HANGING)
@pytest.mark.usefixtures("impatient")
def test_an_archive_that_hangs_is_given_up_and_gets_the_report_when_it_is_well(
    peer: Peer, delivery: Delivery, monkeypatch: pytest.MonkeyPatch, behave: object
) -> None:
    peer.behave = behave  # type: ignore[assignment]
    delivery.again()
    job = delivery.due(size=20_000_000 if behave is reads_nothing else 1000)
    wait(lambda: delivery.tally.read().get("delivery failed", 0) >= 2, 60)
    assert delivery.sender.alive
    # A true archive takes longer than half a second for 20 MB while this machine is busy; it would
    # be given up after it had stored the report, and rightly sent it again.
    monkeypatch.setattr(connection, "PATIENCE_S", 30.0)
    delivery.entity.dimse_timeout = delivery.entity.network_timeout = 30.0
    peer.behave = true
    wait(lambda: delivery.is_delivered(job), 60)
    assert once(peer)
    wait(lambda: not ours(), 20)


@pytest.mark.slow
@pytest.mark.parametrize("behave", HANGING)
def test_closing_ends_a_delivery_that_hangs_and_the_next_start_sends_it_once(
    peer: Peer, delivery: Delivery, monkeypatch: pytest.MonkeyPatch, behave: object
) -> None:
    monkeypatch.setattr(sender, "_GRACE_S", 0.3)
    peer.behave = behave  # type: ignore[assignment]
    job = delivery.due(size=20_000_000 if behave is reads_nothing else 1000)
    delivery.sender.start()
    assert peer.reached.wait(20)
    time.sleep(0.2)
    begin = time.monotonic()
    delivery.sender.close()
    assert not delivery.sender.alive
    assert time.monotonic() - begin < 12, "less than its patience with archives"
    assert not ours()
    assert delivery.store.queue.get(job).delivery == "due"
    peer.behave = true
    delivery.again()
    wait(lambda: delivery.is_delivered(job), 60)
    assert once(peer)


def test_closing_ends_the_wait_for_a_connection(peer: Peer, delivery: Delivery) -> None:
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # what comes after these is not answered at all
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        there = Destination("ARCHIVE", "127.0.0.1", full.getsockname()[1])
        delivery.sender = Sender(delivery.store.outbox, archive.Archive(there, "E"), delivery.tally)
        delivery.due()
        delivery.sender.start()
        wait(ours, 20)
        time.sleep(0.3)
        begin = time.monotonic()
        delivery.sender.close()
        assert not delivery.sender.alive
        assert time.monotonic() - begin < 12
        assert not ours()


@pytest.mark.slow
def test_sigterm_ends_the_command_while_an_archive_hangs(
    peer: Peer, listen: Callable[..., Listening], tmp_path: Path
) -> None:
    peer.behave = stalls_in_the_answer
    node = listen("--send-to", str(peer.destination))
    with Scanner(node.port) as scanner:
        assert scanner.store(write_cine(tmp_path / "a.dcm"))[0] == 0
    assert peer.reached.wait(60)
    begin = time.monotonic()
    assert node.stop() == 0
    assert time.monotonic() - begin < 15, "less than its patience with archives"
    peer.behave = true
    again = listen("--send-to", str(peer.destination))
    wait(lambda: peer.true.got, 60)
    assert again.stop() == 0
    assert once(peer)
    assert "Traceback" not in again.log


def test_what_is_being_sent_may_end_when_the_node_is_closed(peer: Peer, delivery: Delivery) -> None:
    def slow(it: Conversation) -> None:
        it.associate()
        answer = it.take()
        it.reached.set()
        time.sleep(0.5)
        it.node.sendall(answer)
        true(it)

    peer.behave = slow
    job, other = delivery.due(1), delivery.due(2)
    delivery.sender.start()
    assert peer.reached.wait(20)
    delivery.sender.close()
    assert delivery.is_delivered(job)
    assert delivery.store.queue.get(other).delivery == "due"
    assert once(peer)


@pytest.mark.parametrize("kind", [ASSOCIATE_AC, P_DATA])
def test_a_pdu_that_claims_4_gb_is_not_collected(peer: Peer, delivery: Delivery, kind: int) -> None:
    sent = []

    def floods(it: Conversation) -> None:
        if kind == P_DATA:
            it.associate()
        read_pdu(it.node)
        it.node.sendall(head(kind, 0xFFFFFFF0))
        zeros = bytes(1 << 20)
        for _ in range(300):
            it.node.sendall(zeros)
            sent.append(len(zeros))

    peer.behave = floods
    delivery.due()
    delivery.sender.start()
    wait(lambda: delivery.tally.read().get("delivery failed", 0) >= 1, 60)
    assert sum(sent) < 100_000_000, "it hung up"


@pytest.mark.slow
def test_pieces_without_end_are_not_collected(peer: Peer, delivery: Delivery) -> None:
    peer.behave = sends_pieces_without_end
    delivery.due()
    delivery.sender.start()
    wait(lambda: delivery.tally.read().get("delivery failed", 0) >= 2, 30)
    assert delivery.sender.alive


@pytest.mark.usefixtures("impatient")
def test_an_archive_that_does_not_release_gets_no_report_twice(
    peer: Peer, delivery: Delivery
) -> None:
    def stalls(it: Conversation) -> None:
        it.associate()
        it.node.sendall(it.take())
        read_pdu(it.node)
        it.node.sendall(head(RELEASE_RP, 200))
        it.hang()

    peer.behave = stalls
    job = delivery.due()
    delivery.sender.start()
    wait(lambda: delivery.is_delivered(job), 20)
    assert peer.hung_up.wait(20)
    wait(lambda: not ours(), 20)
    assert once(peer)


def test_an_answer_that_comes_twice_is_not_that_to_the_next_report(
    peer: Peer, delivery: Delivery
) -> None:
    def twice(it: Conversation) -> None:
        it.associate()
        it.node.sendall(it.take() * 2)
        it.hang()

    peer.behave = twice
    jobs = [delivery.due(1), delivery.due(2)]
    delivery.sender.start()
    wait(lambda: delivery.tally.read().get("delivery failed", 0) >= 1, 30)
    peer.behave = true
    wait(lambda: delivery.is_delivered(*jobs), 60)
    assert once(peer, 2)


@pytest.mark.slow
def test_junk_for_an_answer_ends_nothing_but_the_association(
    peer: Peer,
    delivery: Delivery,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Sixty mutations of what a true archive answers, at each step."""
    monkeypatch.setattr(sender, "LONGEST_WAIT_S", 0.05)
    monkeypatch.setattr(connection, "PATIENCE_S", 0.2)
    monkeypatch.setattr(archive, "_PATIENCE_S", 0.2)
    chance, done = random.Random(14), []

    def lies(it: Conversation) -> None:
        done.append(it)
        it.pass_on()
        answer = read_pdu(it.behind)
        if chance.random() < 0.5:
            it.node.sendall(mutated(answer, chance))
        else:
            it.node.sendall(answer)
            read_pdu(it.node)
            it.node.sendall(mutated(answer_of(chance), chance))
        if chance.random() < 0.3:  # else the connection is closed
            it.hang()

    peer.behave = lies
    job = delivery.due()
    delivery.sender.start()
    wait(lambda: len(done) >= 60 or not delivery.sender.alive, 200)
    assert delivery.sender.alive
    peer.behave = true
    wait(lambda: delivery.is_delivered(job), 60)
    assert once(peer)
    assert {record.name for record in caplog.records} == {"edgeecho.service.dicom.sender"}, "no bug"
    wait(lambda: not ours(), 20)


def answer_of(chance: random.Random) -> bytes:
    """A C-STORE-RSP that refuses, so that no mutation of it can be a success."""
    uid = COMPREHENSIVE_SR.encode() + b"\0"
    elements = b"".join(
        struct.pack("<HHL", 0, element, len(value)) + value
        for element, value in [
            (0x0002, uid),
            (0x0100, b"\x01\x80"),
            (0x0120, b"\x01\x00"),
            (0x0800, b"\x01\x01"),
            (0x0900, struct.pack("<H", chance.choice([0xA700, 0xC000]))),
        ]
    )
    pdv = struct.pack(">LBB", len(elements) + 2, 1, 3) + elements
    return head(P_DATA, len(pdv)) + pdv


def mutated(pdu: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, left out or repeated; its length may fit."""
    data = bytearray(pdu[6:])
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(data) or 1)
        kind = chance.randrange(3)
        if kind == 0 and data:
            data[place] = chance.randrange(256)
        elif kind == 1:
            del data[place : place + chance.randint(1, 30)]
        else:
            data[place:place] = data[place : place + chance.randint(1, 30)]
    length = len(data) if chance.random() < 0.8 else chance.randrange(1 << 32)
    return head(pdu[0], length) + bytes(data)
