"""What the process that decodes says: facts once, then frames, then the end. Each message has a header of fixed form.

The reader trusts none of it: whoever wrote the video may have taken the writer over.
"""

import json
import os
import re
import struct
from dataclasses import asdict, dataclass
from enum import IntEnum
from fractions import Fraction

HEADER = struct.Struct("<4sBqQ")
"""Mark, kind, time stamp (of a frame; else 0), bytes that follow."""

MARK = b"clip"

TEXT_BYTES = 1 << 16
"""The most that a message in words may take."""

_FRACTION = re.compile(r"[0-9]{1,20}(/[0-9]{1,20})?")
_NONSENSE = (ValueError, TypeError, LookupError, ArithmeticError, RecursionError)
"""What comes of words that are none of ours, be they nested a thousandfold."""


class Kind(IntEnum):
    """What a message is."""

    FACTS = 1
    FRAME = 2
    END = 3
    ALIVE = 4  # at work on a file with many frames; nothing follows


class WireError(Exception):
    """What came is no message."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a video before it is decoded.

    Attributes:
        width: Columns as shown: turned as the file says, pixels made square.
        height: Rows as shown.
        frame_count: Frames that the file announces.
        fps: Frames a second; None if their distance varies.
        seconds: Length, from the first frame's begin to the last one's end.
        codec: As `h264`.
        time_base: Seconds of one unit of a frame's `pts`.
        first_pts: The first frame's, where time is 0.
    """

    width: int
    height: int
    frame_count: int
    fps: Fraction | None
    seconds: float
    codec: str
    time_base: Fraction
    first_pts: int


@dataclass(frozen=True, slots=True)
class End:
    """How decoding ended.

    Attributes:
        trouble: Why it ended before the video did, and what to do; None if all is well.
        notes: What was lost and let pass.
    """

    trouble: str | None
    notes: tuple[str, ...]


def send(descriptor: int, kind: Kind, content: bytes | memoryview = b"", pts: int = 0) -> None:
    """Write one message to a pipe; waits while it is full."""
    view = memoryview(content).cast("B")
    for part in (memoryview(HEADER.pack(MARK, kind, pts, len(view))), view):
        while part:
            part = part[os.write(descriptor, part) :]


def read_header(header: bytes) -> tuple[Kind, int, int]:
    """Kind, time stamp and length of the message that follows.

    Raises:
        WireError: If it is no header.
    """
    mark, kind, pts, length = HEADER.unpack(header)
    if mark != MARK or kind not in {*Kind} or (kind != Kind.FRAME and length > TEXT_BYTES):
        raise WireError
    return Kind(kind), pts, length


def pack_facts(facts: Facts) -> bytes:
    """Facts as a message."""
    content = asdict(facts)
    return _pack({**content, "fps": facts.fps and str(facts.fps), "time_base": str(facts.time_base)})


def read_facts(content: bytes) -> Facts:
    """Facts out of a message.

    Raises:
        WireError: If it holds none.
    """
    try:
        said = json.loads(content)
        return Facts(
            width=int(said["width"]),
            height=int(said["height"]),
            frame_count=int(said["frame_count"]),
            fps=None if said["fps"] is None else _fraction(said["fps"]),
            seconds=float(said["seconds"]),
            codec=_clean(said["codec"]),
            time_base=_fraction(said["time_base"]),
            first_pts=int(said["first_pts"]),
        )
    except _NONSENSE as error:
        raise WireError from error


def pack_end(end: End) -> bytes:
    """An end as a message."""
    return _pack([end.trouble, end.notes])


def read_end(content: bytes) -> End:
    """An end out of a message.

    Raises:
        WireError: If it holds none.
    """
    try:
        trouble, notes = json.loads(content)
        return End(None if trouble is None else _clean(trouble), tuple(_clean(note) for note in notes))
    except _NONSENSE as error:
        raise WireError from error


def _pack(content: object) -> bytes:
    return json.dumps(content).encode()


def _fraction(text: str) -> Fraction:
    """A number as `30000/1001` or `25`, and none like 1e999999999, which would be computed for ever."""
    if not _FRACTION.fullmatch(text):
        raise ValueError(text)
    return Fraction(text)


def _clean(text: object) -> str:
    """One line that a terminal can show: a file's words may hold anything."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))[:500]
