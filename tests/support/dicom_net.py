"""A scanner, a node and an archive on this machine."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from dicoms import write_dicom
from kept import KeptEngine
from made_studies import study_of
from media import jpegs, phantom_frames
from pydicom import Dataset
from pydicom.uid import JPEGBaseline8Bit
from pynetdicom import AE, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import split_dataset

from edgeecho.batch import Task
from edgeecho.bundle import open_model
from edgeecho.cine import DEFAULT_LIMITS
from edgeecho.preprocess import Handling
from edgeecho.service.dicom import Destination, Node, NodeSettings
from edgeecho.service.dicom.settings import LOOPBACK
from edgeecho.service.jobs import Job, JobStore, Runner

US_MULTIFRAME = "1.2.840.10008.5.1.4.1.1.3.1"
COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"
SUCCESS = 0x0000


def write_cine(path: Path, number: int = 1, *, frames: int = 70, **attributes: Any) -> Path:
    """A phantom as a scanner would send it: JPEG, 50 frames/s, all identifiers, own `number` and
    study."""
    pixels = phantom_frames()[:frames]
    given = {
        "SOPInstanceUID": f"1.2.826.0.1.3680043.8.498.7.{number}",
        "StudyInstanceUID": f"1.2.826.0.1.3680043.8.498.5.{number}",
        "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.6",
        "PatientName": "Secret^Patient",
        "PatientID": "SECRET-4711",
        "PhotometricInterpretation": "YBR_FULL_422",
        "FrameTime": 20,
    }
    chosen = {k: v for k, v in {**given, **attributes}.items() if v is not None}
    return write_dicom(path, pixels, encoded=jpegs(pixels), syntax=JPEGBaseline8Bit, **chosen)


def bare(path: Path) -> tuple[str, str, str, bytes]:
    """SOP class, SOP instance, transfer syntax, and the dataset without the file's header."""
    meta, offset = split_dataset(path)
    return (
        str(meta.MediaStorageSOPClassUID),
        str(meta.MediaStorageSOPInstanceUID),
        str(meta.TransferSyntaxUID),
        path.read_bytes()[offset:],
    )


class Scanner:
    """A client: one association, and any bytes as datasets."""

    def __init__(
        self,
        port: int,
        *,
        called: str = "EDGEECHO",
        calling: str = "SCANNER",
        contexts: Sequence[tuple[str, str]] = ((US_MULTIFRAME, JPEGBaseline8Bit),),
    ) -> None:
        entity = AE(ae_title=calling)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 60
        for sop_class, syntax in [("1.2.840.10008.1.1", "1.2.840.10008.1.2"), *contexts]:
            entity.add_requested_context(sop_class, syntax)
        self.association = entity.associate("127.0.0.1", port, ae_title=called)

    def __enter__(self) -> Scanner:
        assert self.association.is_established
        return self

    def __exit__(self, *_: object) -> None:
        if self.association.is_established:
            self.association.release()

    def store(self, path: Path) -> tuple[int, str]:
        """A file; status and comment of the answer."""
        sop_class, instance, syntax, data = bare(path)
        return self.store_bytes(data, sop_class, instance, syntax)

    def store_bytes(
        self,
        data: bytes,
        sop_class: str = US_MULTIFRAME,
        instance: str = "1.2.826.0.1.3680043.8.498.7.1",
        syntax: str = JPEGBaseline8Bit,
        claimed: str | None = None,
    ) -> tuple[int, str]:
        """Anything, whatever the command says that it is; `claimed`: another class in it."""
        association, request = self.association, C_STORE()
        (context,) = (
            c.context_id
            for c in association.accepted_contexts
            if (c.abstract_syntax, c.transfer_syntax[0]) == (sop_class, syntax)
        )
        request.MessageID, request.Priority = 1, 2
        request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = claimed or sop_class, instance
        request.DataSet = io.BytesIO(data)
        # As `send_c_store` does it, which would parse and encode the dataset.
        association._reactor_checkpoint.clear()
        while not association._is_paused:
            time.sleep(0.001)
        association.dimse.send_msg(request, context)
        _, answer = association.dimse.get_msg(block=True)
        association._reactor_checkpoint.set()
        assert answer is not None, "no answer"
        return answer.Status, str(answer.ErrorComment or "")


class Archive:
    """Stores structured reports, as long as it is up, and answers with `status`."""

    def __init__(self) -> None:
        self.got: list[Dataset] = []
        self.times: list[float] = []
        self.status = SUCCESS
        self._server: Any = None
        self.port = 0

    def up(self) -> Archive:
        """Listen, on the same port as before."""
        entity = AE(ae_title="ARCHIVE")
        entity.require_called_aet = True
        entity.add_supported_context(COMPREHENSIVE_SR)
        self._server = entity.start_server(
            ("127.0.0.1", self.port), block=False, evt_handlers=[(evt.EVT_C_STORE, self._store)]
        )
        self.port = self._server.server_address[1]
        return self

    def down(self) -> None:
        """Nobody listens any more."""
        self._server.ae.shutdown()

    def _store(self, event: evt.Event) -> int:
        self.times.append(time.monotonic())
        if self.status == SUCCESS:
            self.got.append(event.dataset)
        return self.status

    @property
    def destination(self) -> Destination:
        return Destination("ARCHIVE", "127.0.0.1", self.port)


def make_task(kind: type[Task] = Task, **options: Any) -> Task:
    """As `edgeecho listen` makes it."""
    given = {
        **{"model": open_model(), "engine": "auto", "clips": "stride:16", "fps": None, "frames": 0},
        **{"handling": Handling(), "limits": DEFAULT_LIMITS, "show_refused": False},
    }
    return kind(**{**given, **options})


@dataclass
class Service:
    """A node with its store and runner, in this process but for the engine."""

    store: JobStore
    runner: Runner
    node: Node

    @classmethod
    def start(
        cls,
        folder: Path,
        results: Destination | Path,
        *,
        task: Task | None = None,
        queue: int = 500,
        **settings: Any,
    ) -> Service:
        store = JobStore(folder, most_waiting=queue)
        runner = Runner(store.queue, KeptEngine(task or make_task(), threads=1))
        given = {"results": results, "port": 0, "allow": LOOPBACK, "quiet_s": 0, **settings}
        node = Node(store, runner, NodeSettings(**given))
        runner.start()
        node.start()
        return cls(store, runner, node)

    def wait(self, until: Callable[[], object], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, "it took too long"
            assert self.runner.alive
            time.sleep(0.02)

    def study_of(self, clip: Job) -> Job:
        """The last answer to a clip's study."""
        return study_of(self.store, clip)

    def close(self) -> None:
        self.node.close()
        self.runner.close()
        self.store.close()


def in_threads(work: Callable[[int], object], count: int) -> list[Any]:
    """`work(0)`, `work(1)`, ... at once."""
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        try:
            results[number] = work(number)
        except BaseException as error:  # noqa: BLE001  # shown by the test
            results[number] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def texts_of(report: Dataset) -> list[str]:
    """All text values in a report's tree."""
    found = [str(report.TextValue)] if "TextValue" in report else []
    for item in report.get("ContentSequence", []):
        found += texts_of(item)
    return found


def numbers_of(report: Dataset) -> list[float]:
    """All numeric values in a report's tree."""
    found = [float(m.NumericValue) for m in report.get("MeasuredValueSequence", [])]
    for item in report.get("ContentSequence", []):
        found += numbers_of(item)
    return found


def still_frame() -> np.ndarray:
    """`(1, 112, 112, 3)`."""
    return phantom_frames()[:1]
