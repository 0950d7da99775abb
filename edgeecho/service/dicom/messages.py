"""Assembling a peer's messages: only those that were negotiated, with limited sizes.

pynetdicom 3.0 collects commands and datasets of any size, queues any number of messages, starts
a thread for each N-EVENT-REPORT, and takes any response as that to the last request.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from typing import Any, cast

from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_messages import C_STORE_RSP, DIMSEMessage
from pynetdicom.pdu_primitives import P_DATA

from edgeecho.cine.dicom.quiet import DAMAGE
from edgeecho.service.dicom.bugs import is_bug
from edgeecho.service.dicom.connection import INVALID_PDU

_MOST_COMMAND_BYTES = 1 << 16


class Messages(DIMSEServiceProvider, ABC):
    """Messages of one association."""

    @abstractmethod
    def new_message(self) -> DIMSEMessage:
        """Called when a message begins."""

    @abstractmethod
    def expects(self, message: DIMSEMessage) -> bool:
        """Whether the peer may send this complete message now."""

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take a piece of a message. Junk aborts the association."""
        try:
            junk = not self._receive(primitive)
        except DAMAGE as error:
            if is_bug(error):
                raise
            junk = True
        if junk:
            self.dul.event_queue.put(INVALID_PDU)

    def _receive(self, primitive: P_DATA) -> bool:
        """False if it is junk."""
        if self.message is None:
            if self.msg_queue.qsize() > 1:  # the peer awaits no responses, which was not negotiated
                return False
            self.message = self.new_message()
        message = self.message
        whole = message.decode_msg(primitive, self.assoc)
        if message.encoded_command_set.tell() > _MOST_COMMAND_BYTES:
            return False
        if whole:
            self.message = None
            if not self.expects(message):
                return False
            request_or_response: Any = message.message_to_primitive()
            self.msg_queue.put((cast(int, message.context_id), request_or_response))
            message.data_set = None  # the primitive has it; both references would form a cycle
        return True


class StoreResponses(Messages):
    """Responses to our own C-STORE requests: one each, and nothing else."""

    _asked: int | None = None

    def send_msg(self, primitive: Any, context_id: int) -> None:
        self._asked = primitive.MessageID
        super().send_msg(primitive, context_id)

    def get_msg(self, block: bool = False) -> Any:
        """Only for the thread that waits for a response, not for the loop that serves requests."""
        return super().get_msg(block=True) if block else (None, None)

    def new_message(self) -> DIMSEMessage:
        message = DIMSEMessage()
        message.data_set = _Nothing()  # a response has no dataset
        return message

    def expects(self, message: DIMSEMessage) -> bool:
        """True once: a second response would be taken for that to the next request."""
        asked, self._asked = self._asked, None
        if asked is None or not isinstance(message, C_STORE_RSP):
            return False
        return bool(message.command_set.MessageIDBeingRespondedTo == asked)


class _Nothing(io.BytesIO):
    def write(self, data: Any) -> int:
        return len(data)
