"""Answering files that others send: the queue, the page and REST API, the DICOM node."""
