"""Helpers that every package uses and that know nothing of hearts.

about.py        version and research-use disclaimer
errors.py       errors with their exit codes
precisions.py   the table of precisions, drift limits
files.py        atomic writing, hashing, parsing JSON
journal.py      append-only file of JSON lines
seal.py         a document's own hash
cache.py        compiled models between processes
environment.py  the machine, for reports
cpu.py          usable cores, CPU features
console.py      messages and progress on stderr
text.py         untrusted text made printable
watch.py        a generator under time limits
plugins.py      entry points of installed stages
extras.py       missing packages of an extra
telemetry.py    telemetry of libraries, switched off
"""
