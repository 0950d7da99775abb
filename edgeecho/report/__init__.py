"""Results as text, JSON, CSV and an HTML page. Every form says: research use only."""

from edgeecho.report.structured import SCHEMA, schema_text, to_json
from edgeecho.report.table import CSV_COLUMNS, to_csv
from edgeecho.report.text import to_text

__all__ = [
    "CSV_COLUMNS",
    "SCHEMA",
    "schema_text",
    "to_csv",
    "to_json",
    "to_text",
]
