"""Errors that a user can fix: each class has an exit code, each message is one line.

A message says what is wrong, why, and what to do next. Any exception that is not an
`EdgeEchoError` is a bug in edgeecho and keeps its traceback.
"""

from __future__ import annotations

REFUSED_EXIT_CODE = 5
"""`infer` ran every file, but a gate refused the EF of at least one. That is a result and not an
error; if there were errors too, their exit code takes precedence."""


class EdgeEchoError(Exception):
    """Base class of every error that a user can fix."""

    exit_code = 1


class UsageError(EdgeEchoError):
    """The command was given options that do not make sense (exit code 2)."""

    exit_code = 2


class OutputError(EdgeEchoError):
    """A result cannot be written where it was asked for (exit code 2)."""

    exit_code = 2


class InputError(EdgeEchoError):
    """A video, DICOM file or data set cannot be used (exit code 3)."""

    exit_code = 3


class ModelError(EdgeEchoError):
    """A checkpoint, bundle or ONNX file cannot be used (exit code 4)."""

    exit_code = 4


class EngineError(EdgeEchoError):
    """An engine is unknown, missing or cannot run the model (exit code 4)."""

    exit_code = 4


class MissingDependencyError(EdgeEchoError):
    """Software that the command needs is not installed (exit code 4)."""

    exit_code = 4


class VerificationError(EdgeEchoError):
    """An artefact is further from its reference than allowed, a run slower than its baseline, or a
    network without the skill that was asked for (exit code 6)."""

    exit_code = 6
