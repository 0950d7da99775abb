"""A DICOM node, which takes ultrasound cines from scanners and archives and sends reports.

node.py          listener and sender around a store and a runner
settings.py      who may send, where reports go
association.py   associations that peers request
storage.py       answers to callers and to C-STORE
messages.py      messages from PDUs, only expected ones
part10.py        an incoming dataset written to disk
connection.py    sockets with limits on size and time
guard.py         errors end one association only
syntaxes.py      accepted object classes and transfer syntaxes
statuses.py      reasons for refusing a dataset
reports.py       structured reports on jobs
sender.py        delivery of reports, with retries
destinations.py  an archive or a folder
archive.py       C-STORE to an archive
link.py          the interface of destinations
bugs.py          bugs told from junk, and logged
quiet.py         libraries must not log datasets
tally.py         counts for the metrics
"""

from edgeecho.service.dicom.node import Node
from edgeecho.service.dicom.settings import Destination, NodeSettings, Peer

__all__ = ["Destination", "Node", "NodeSettings", "Peer"]
