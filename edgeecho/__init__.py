"""Ejection fraction from echocardiogram videos. Research use only, not for diagnosis."""

__version__ = "0.1.0"
