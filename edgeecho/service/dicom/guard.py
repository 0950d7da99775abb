"""Guarding the two threads of an association, so that errors end only that association.

Otherwise an error in pynetdicom's threads would be printed as a traceback, leave the connection
open, and never wake a thread that waits for a response.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Thread

from pynetdicom.association import Association
from pynetdicom.fsm import InvalidEventError, StateMachine
from pynetdicom.pdu import A_ABORT_RQ

from edgeecho.service.dicom.bugs import is_bug, log_bug
from edgeecho.service.dicom.connection import FAREWELL_S, INVALID_PDU, BoundedSocket
from edgeecho.service.dicom.messages import Messages

_PROVIDER = 2  # PS3.8, 9.3.8: the source of an abort
_LAST_S = 3.0
"""Time for threads to end after their connection."""


def guard(
    association: Association,
    connection: BoundedSocket,
    messages: Messages,
    on_junk: Callable[[], None],
) -> None:
    """Call this before the association is started. `on_junk` is called once if its peer sends
    junk."""
    guarded = _Guarded(association, connection, on_junk)
    provider = association.dul
    provider.daemon = True  # the process does not wait for a peer
    provider._run_loop_delay = 0  # our socket waits
    provider.state_machine = _States(guarded)
    association.dimse = messages
    association.run = guarded.around_user(association.run)  # type: ignore[method-assign]
    provider.run = guarded.around_provider(provider.run)  # type: ignore[method-assign]


def end(associations: Sequence[Association]) -> None:
    """Abort associations, which may take a few seconds; peers that do not react within a second are
    cut off."""
    for one in associations:
        one.abort(block=False)
    providers = [one.dul for one in associations]
    _join(providers, FAREWELL_S)
    for provider in providers:
        if isinstance(provider.socket, BoundedSocket):
            provider.socket.cut()
    _join([*providers, *associations], _LAST_S)


def _join(threads: Sequence[Thread], seconds: float) -> None:
    end = time.monotonic() + seconds
    for thread in threads:
        if thread.is_alive():
            thread.join(max(0.0, end - time.monotonic()))


class _Guarded:
    """An association, and whether its peer has sent junk."""

    def __init__(
        self, association: Association, connection: BoundedSocket, on_junk: Callable[[], None]
    ) -> None:
        self.association = association
        self._connection, self._on_junk = connection, on_junk
        self._told = False

    def report_junk(self) -> None:
        if not self._told:
            self._told = True
            self._on_junk()

    def around_provider(self, run: Callable[[], None]) -> Callable[[], None]:
        """Wrap the thread that reads and sends."""

        def guarded() -> None:
            association = self.association
            try:
                run()
            except Exception as error:  # noqa: BLE001
                self._note(error)
                self._hang_up()
            finally:
                self._connection.close_for_good()
                # Wake all who wait for what can no longer come: on the first two they would wait
                # for ever, on the others until pynetdicom's own limits.
                self._connection._ready.set()
                association._dul_ready.set()
                association.dul.to_user_queue.put(None)
                association.dimse.msg_queue.put((None, None))

        return guarded

    def around_user(self, run: Callable[[], None]) -> Callable[[], None]:
        """Wrap the thread that negotiates and serves."""

        def guarded() -> None:
            try:
                run()
            except Exception as error:  # noqa: BLE001
                self._note(error)
                self.association.abort(block=False)
            finally:
                # Waits for the end of the provider, whose waits are all limited.
                self.association.kill()

        return guarded

    def _note(self, error: Exception) -> None:
        if isinstance(error, InvalidEventError):
            return  # we answered a peer that was hung up on meanwhile
        if is_bug(error):
            log_bug("an association", error)
        else:
            self.report_junk()

    def _hang_up(self) -> None:
        pdu = A_ABORT_RQ()
        pdu.source, pdu.reason_diagnostic = _PROVIDER, 0
        try:
            self._connection.send(pdu.encode())
            self._connection.drain()
        except OSError:  # it is closed
            return


class _States(StateMachine):
    """As in pynetdicom, but reports invalid PDUs."""

    def __init__(self, guarded: _Guarded) -> None:
        super().__init__(guarded.association.dul)
        self._guarded = guarded

    def do_action(self, event: str) -> None:
        if event == INVALID_PDU:
            self._guarded.report_junk()
        super().do_action(event)
