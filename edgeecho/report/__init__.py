"""Results as text, JSON, CSV, an HTML page, FHIR and DICOM, all marked for research use only.

`formats` is the table of them. Nothing is imported here, so that only those who use a writer load
it.
"""
