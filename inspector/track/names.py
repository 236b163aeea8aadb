"""What the pictures say where there is little room: names of series, onsets, and which games were cut off."""

from typing import Any

from inspector.track.found import Found, Series
from inspector.track.measures import Onset
from inspector.track.plan import text_of
from inspector.track.words import onset_text


def cut_name(name: str, length: int) -> str:
    """A name with its middle left out if it is too long: runs often differ by a seed at the end.

    Args:
        name: What a series is called.
        length: Characters there are, at least 3.
    """
    if len(name) <= length:
        return name
    end = (length - 1) // 2
    return f"{name[: length - 1 - end]}…{name[-end:]}"


def onset_words(found: Onset, first: int, unit: str = "frames") -> str:
    """The onset of a region in a line, whether it is certain or not.

    Args:
        found: What was found.
        first: Frames trained of the first checkpoint.
        unit: What training time is counted in.
    """
    if found.frames is None:
        return "no onset"
    if found.high is not None:
        return f"onset {onset_text(found, first, unit)}"
    if found.low in (None, first):
        return "uncertain onset"
    return f"uncertain onset, {text_of(found.low, unit)} or later"


def cut_off(track: Found, one: Series[Any]) -> list[list[bool]]:
    """Of every game of each checkpoint, in the order of its returns, whether it was left before its end."""
    rows = [row for row in track.games.to_pylist() if row["series"] == one.source.name]
    return [[not row["finished"] for row in rows if row["frames"] == member.frames] for member in one.members]
