"""A DICOM node: takes ultrasound cines from scanners and archives, sends structured reports."""

from edgeecho.service.dicom.node import Node
from edgeecho.service.dicom.settings import Destination, NodeSettings, Peer

__all__ = ["Destination", "Node", "NodeSettings", "Peer"]
