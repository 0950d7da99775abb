"""Results as text, JSON, CSV, an HTML page, FHIR and DICOM. Every form says: research use only.

`formats` is the table of them. Nothing is imported here, so that a writer costs only those who use
it.
"""
