"""The node: a listener for studies and a sender of reports, around a store and a runner."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from pynetdicom import AE, evt

from edgeecho.common.errors import UsageError
from edgeecho.service.dicom.association import Listener
from edgeecho.service.dicom.connection import PDU_BYTES
from edgeecho.service.dicom.destinations import target_of
from edgeecho.service.dicom.quiet import silence
from edgeecho.service.dicom.reports import Reporter
from edgeecho.service.dicom.sender import Sender
from edgeecho.service.dicom.settings import NodeSettings
from edgeecho.service.dicom.storage import Storage
from edgeecho.service.dicom.syntaxes import VERIFICATION
from edgeecho.service.dicom.tally import Tally
from edgeecho.service.jobs import JobStore, Runner

_ASSOCIATE_S = 10.0
"""Time limit for a connection to request an association."""
_IDLE_S = 300.0
"""Time limit for silence in an association: some scanners stay connected between clips."""


class Node:
    """Takes studies into `store`, which `runner` answers, and delivers the reports on them.

    Create it before the runner is started, which learns from it how studies are answered. The
    caller starts and closes store and runner, and may share them, as `edgeecho serve` does.
    """

    def __init__(self, store: JobStore, runner: Runner, settings: NodeSettings) -> None:
        self._settings, self._tally = settings, Tally()
        self._storage = Storage(store.queue, runner, settings, self._tally)
        self._target = target_of(settings)
        self._sender = Sender(store.outbox, self._target, self._tally)
        reporter = Reporter(store.queue, store.outbox, settings.study_ef, pdf=settings.pdf)
        runner.answer_studies(
            draft=reporter.draft, answer=reporter.answer, on_end=self._sender.wake
        )
        self._ae = _entity(settings)
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen and send; `UsageError` if the port is not available."""
        silence()
        settings = self._settings
        handlers: list[evt.EventHandlerType] = [
            (evt.EVT_REQUESTED, self._storage.on_request),
            (evt.EVT_SOP_COMMON, self._storage.on_services),
            (evt.EVT_C_ECHO, self._storage.on_echo),
            (evt.EVT_C_STORE, self._storage.on_store),
        ]
        try:
            listener = Listener(
                self._ae,
                (settings.bind, settings.port),
                handlers=handlers,
                admits=self._storage.admits,
                new_part=self._storage.new_part,
                on_junk=self._storage.on_junk,
            )
        except OSError as error:
            raise UsageError(
                f"port {settings.port} of {settings.bind} cannot be had: {error.strerror}: "
                "choose another --port or --bind"
            ) from error
        self._listener = listener
        self._thread = threading.Thread(target=listener.serve_forever, name="listener", daemon=True)
        self._thread.start()
        self._sender.start()

    def close(self) -> None:
        """Take no more and end all associations; a report that is being sent gets a few seconds."""
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.end_all()
            self._listener = None
        self._sender.close()

    @property
    def port(self) -> int:
        assert self._listener is not None
        return int(self._listener.server_address[1])

    @property
    def alive(self) -> bool:
        """False after a bug has ended a part of it."""
        listening = self._thread is not None and self._thread.is_alive()
        return listening and self._sender.alive

    @property
    def target(self) -> str:
        """Destination of the reports, in words."""
        return str(self._target)

    @property
    def tally(self) -> Mapping[str, int]:
        """Counts of events since the start, for metrics."""
        return self._tally.read()


def _entity(settings: NodeSettings) -> AE:
    entity = AE(ae_title=settings.ae_title)
    entity.require_called_aet = True
    entity.maximum_associations = settings.most_associations
    entity.maximum_pdu_size = PDU_BYTES
    entity.acse_timeout, entity.network_timeout = _ASSOCIATE_S, _IDLE_S
    # pynetdicom wants one; each association has its own, see `accepted`.
    entity.add_supported_context(VERIFICATION)
    return entity
