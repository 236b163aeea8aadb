"""The errors that a user can meet, each with the exit code of the command line.

A message is one line: what was found, and what to do.
"""


class InspectorError(Exception):
    """Anything that the inspector refuses or cannot do. Exit code 1."""

    exit_code = 1


class UsageError(InspectorError):
    """An argument that makes no sense, alone or beside the others. Exit code 2."""

    exit_code = 2


class CheckpointError(InspectorError):
    """A file that is no agent, that is hostile, or that does not fit what it is said to be. Exit code 3."""

    exit_code = 3


class UnsupportedError(InspectorError):
    """A network with an operation that has no rule. Exit code 4."""

    exit_code = 4


class RecordingError(InspectorError):
    """A folder that cannot be written, a full disk, or a recording that cannot be read. Exit code 5."""

    exit_code = 5


class GameError(InspectorError):
    """An environment that does not exist or does not fit the agent. Exit code 6."""

    exit_code = 6


class VideoError(InspectorError):
    """A video that cannot be read, or of which frames are missing. Exit code 7."""

    exit_code = 7
