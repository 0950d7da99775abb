"""The version and the disclaimer that every output carries."""

VERSION = "0.1.0"
RESEARCH_USE = "Research use only, not for diagnosis."
