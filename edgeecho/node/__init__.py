"""A DICOM node: takes ultrasound cines from scanners and archives, sends structured reports."""

from edgeecho.node.node import Node
from edgeecho.node.settings import Destination, Peer, Settings

__all__ = ["Destination", "Node", "Peer", "Settings"]
