"""What goes wrong with a file, in words. For the process that decodes."""


class Trouble(Exception):  # noqa: N818  # it becomes an error only with the file's name before it
    """Why a video is refused or ends early: what is said after its name, and what to do."""


def words(error: Exception) -> str:
    """An exception in a few words."""
    text = str(getattr(error, "strerror", None) or error).strip()
    return (text.splitlines() or [type(error).__name__])[0][:200]
