"""The node's answers to callers and to each object that they store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID
from pynetdicom import evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu_primitives import A_ASSOCIATE

from edgeecho.cine.dicom import kind_of_file
from edgeecho.cine.dicom.file import open_dicom
from edgeecho.cine.dicom.kind import PICTURES, class_of
from edgeecho.cine.dicom.quiet import DAMAGE, quiet
from edgeecho.common.errors import EdgeEchoError, InputError
from edgeecho.report.dicom_source import header_of, take_over
from edgeecho.results import Failure, Outcome
from edgeecho.service.dicom.bugs import log_bug
from edgeecho.service.dicom.part10 import Part
from edgeecho.service.dicom.reports import encode_draft
from edgeecho.service.dicom.settings import NodeSettings
from edgeecho.service.dicom.statuses import (
    CANNOT_UNDERSTAND,
    DOES_NOT_MATCH,
    FAILED,
    OUT_OF_RESOURCES,
    SUCCESS,
    LeftAside,
    Refused,
)
from edgeecho.service.dicom.syntaxes import accepted, served_as_storage
from edgeecho.service.dicom.tally import Tally
from edgeecho.service.jobs import Gathering, Queue, Runner

# (result, source, reason) of A-ASSOCIATE-RJ (PS3.8, 9.3.4): permanent, by the service user.
_CALLING_TITLE_UNKNOWN = (1, 1, 3)
_IDENTIFIERS = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
"""A report must repeat these."""


class Storage:
    """Handlers of an association's events; each runs in a thread of that association."""

    def __init__(self, queue: Queue, runner: Runner, settings: NodeSettings, tally: Tally) -> None:
        self._queue, self._runner = queue, runner
        self._settings, self._tally = settings, tally
        # Datasets are checked in memory, so not fifty at once.
        self._one_at_a_time = threading.Semaphore()

    def admits(self, address: str) -> bool:
        """Whether any peer may call from that address."""
        known = any(peer.sends_from(address) for peer in self._settings.allow)
        if not known:
            self._tally.count("connection refused")
        return known

    def on_junk(self) -> None:
        """Called when a peer has sent something that is not DICOM."""
        self._tally.count("junk received")

    def new_part(self, meta: Callable[[], FileMetaDataset]) -> Part:
        """A `Part` for the dataset of a message that begins."""
        most = self._settings.limits.megabytes * 1_000_000
        return Part(self._new_file, most, meta, self._queue.room.check_disk)

    def _new_file(self, meta: FileMetaDataset) -> Path:
        if other := class_of(str(meta.MediaStorageSOPClassUID)):
            raise LeftAside(other.noun, picture=str(meta.MediaStorageSOPClassUID) in PICTURES)
        if not self._runner.alive:
            raise Refused(OUT_OF_RESOURCES, "nothing is answered at the moment")
        self._queue.room.check()
        return self._queue.new_file()

    def on_request(self, event: evt.Event) -> None:
        """A-ASSOCIATE-RQ: is the title known at that address?"""
        try:
            known = self._knows(event)
            offered = event.assoc.requestor.requested_contexts
            event.assoc.acceptor.supported_contexts = accepted(offered)
        except Exception as error:  # noqa: BLE001  # pynetdicom would let anybody in
            log_bug("A-ASSOCIATE-RQ", error)
            known = False
        if known:
            self._tally.count("association")
            return
        self._tally.count("association refused")
        event.assoc.acse.send_reject(*_CALLING_TITLE_UNKNOWN)
        event.assoc.kill()

    def _knows(self, event: evt.Event) -> bool:
        requestor = event.assoc.requestor
        title, address = cast(A_ASSOCIATE, requestor.primitive).calling_ae_title, requestor.address
        return any(p.sends_from(address) and p.is_called(title) for p in self._settings.allow)

    def on_services(self, event: evt.Event) -> dict[str, Any]:
        """SOP Class Common Extended Negotiation: to which service a class belongs."""
        return served_as_storage(event.assoc.acceptor.supported_contexts)

    def on_echo(self, _event: evt.Event) -> int:
        return SUCCESS

    def on_store(self, event: evt.Event) -> Dataset | int:
        """C-STORE: success once a cine is on the disk and in the queue; success for everything else
        too, which is kept nowhere."""
        request = cast(C_STORE, event.request)
        part = cast(Part, request.DataSet)
        try:
            instance = str(request.AffectedSOPInstanceUID)
            self._accept(part, str(request.AffectedSOPClassUID), instance)
        except Refused as refused:
            part.give_up()
            self._tally.count(f"object refused {refused.status:04X}")
            return refused.to_dataset()
        except LeftAside as other:
            self._leave_aside(part, other)
            self._tally.count(f"left aside: {other.noun}")
            return SUCCESS
        except Exception as error:  # noqa: BLE001  # pynetdicom would swallow it
            part.give_up()
            log_bug("C-STORE", error)
            return Refused(FAILED, "an error of edgeecho; see its log").to_dataset()
        self._tally.count("object stored")
        return SUCCESS

    def _accept(self, part: Part, sop_class: str, instance: str) -> None:
        path = part.finish()
        with self._one_at_a_time:
            study = Gathering(self._check(path, sop_class, instance), self._settings.quiet_s)
        try:
            job = self._queue.accept(path, "dicom", key=instance, study=study)
        except (EdgeEchoError, OSError) as error:
            raise Refused.of(error) from error
        self._runner.wake(job.id)

    def _leave_aside(self, part: Part, other: LeftAside) -> None:
        """Note a picture's study, so that somebody hears of it if it holds no cine. What cannot be
        noted is left aside all the same: its sender would stop in the middle of the study."""
        try:
            if not other.picture:
                return
            outcome = Outcome("picture", Failure.of(InputError(f"it is no cine ({other.noun})")))
            header = header_of(part.head())
            study = Gathering(str(take_over(header).StudyInstanceUID), self._settings.quiet_s)
            self._queue.studies.leave_aside(
                study, other.noun, lambda: encode_draft(outcome, header)
            )
        except (EdgeEchoError, OSError, *DAMAGE):
            self._tally.count("study of a picture unknown")
        except Exception as error:  # noqa: BLE001  # as in `on_store`
            log_bug("a picture", error)
        finally:
            part.give_up()

    def _check(self, path: Path, sop_class: str, instance: str) -> str:
        """Its StudyInstanceUID. `Refused` if no report on it is possible, whatever its frames are,
        `LeftAside` if it says that it is no cine: what a folder's cines are is decided in the same
        place."""
        wanted = ["SOPClassUID", *_IDENTIFIERS]
        try:
            # This refuses wrong lengths and excessive inflation, so that the file can be read
            # without further checks.
            with quiet():
                open_dicom(path, self._settings.limits)
                dataset = dcmread(path, stop_before_pixels=True, specific_tags=wanted)
                found = {name: str(dataset.get(name) or "") for name in wanted}
        except InputError:
            raise Refused(CANNOT_UNDERSTAND, "damaged, or no image, or too large") from None
        except DAMAGE:
            raise Refused(CANNOT_UNDERSTAND, "the dataset is damaged") from None
        if (found["SOPClassUID"], found["SOPInstanceUID"]) != (sop_class, instance):
            raise Refused(DOES_NOT_MATCH, "the command names another object than the dataset")
        if other := kind_of_file(path):
            raise LeftAside(other.noun, picture=True)
        for name in _IDENTIFIERS:
            if not UID(found[name]).is_valid:
                raise Refused(CANNOT_UNDERSTAND, f"no valid {name}")
        return found["StudyInstanceUID"]
