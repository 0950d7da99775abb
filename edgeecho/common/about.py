"""What every output says of the program."""

VERSION = "0.1.0"
RESEARCH_USE = "Research use only, not for diagnosis."
