"""Streaming: EFs while the frames are still arriving."""

from edgeecho.stream.play import Played, Player
from edgeecho.stream.rolling import Rolling, Update
from edgeecho.stream.sources import FrameStream, in_real_time, read_raw

__all__ = ["FrameStream", "Played", "Player", "Rolling", "Update", "in_real_time", "read_raw"]
