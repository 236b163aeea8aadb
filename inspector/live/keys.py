"""Keys as a person names them, out of the bytes that a terminal sends."""

import os
import re
import select
import time
from collections.abc import Iterator

SEEN = "seen "
"""Begins what is no key: the terminal has seen a frame; row and column follow, as `inspector.live.flow` has them."""

_NAMES = {
    "A": "up",
    "B": "down",
    "C": "right",
    "D": "left",
    "H": "home",
    "F": "end",
    "1~": "home",
    "4~": "end",
    "7~": "home",
    "8~": "end",
    "5~": "page up",
    "6~": "page down",
    "3~": "delete",
}
_PASTE, _PASTE_END = b"\x1b[200~", b"\x1b[201~"

_SEQUENCE = re.compile(
    r"\x1b\[200~.*?(?:\x1b\[201~|$)"  # what is pasted is no keys
    r"|\x1b[\]P_^X].*?(?:\x07|\x1b\\|$)"  # strings: what somebody else has asked the terminal
    r"|\x1b\[\[."  # function keys of the Linux console
    r"|\x1b(?:\[|O)([0-?]*)[ -/]*([@-~])"
    r"|\x1b[^\x1b]",  # a letter with Alt
    re.DOTALL,
)
_PLACE = re.compile(r"(\d+);(\d+)")
_OPEN = re.compile(
    rb"\x1b\[200~(?:(?!\x1b\[201~).)*$"
    rb"|\x1b[\]P_^X](?:(?!\x07|\x1b\\).)*$"
    rb"|\x1b(?:[\[O][0-?]*[ -/]*|\[\[)?$",
    re.DOTALL,
)
"""A sequence that has begun and not ended."""

_PLAIN = {"\r": "enter", "\n": "enter", "\t": "tab", "\x7f": "backspace", "\x08": "backspace", "\x1b": "escape"}
_QUIET_SECONDS = 1.0
"""What has begun and not gone on for so long is over: a paste without an end, Alt with a bracket."""

_ESCAPE_SECONDS = 0.03
"""After a lone ESC the rest of a sequence follows at once, or it was the key."""


class Keys:
    """Reads keys from a terminal without waiting for Enter; the terminal itself has to be in that mode.

    Args:
        descriptor: Of the terminal.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest, self._heard = b"", 0.0
        self.closed = False

    def wait(self, seconds: float) -> list[str]:
        """The keys that were pressed; returns at the first, or after so many seconds with none."""
        if self.closed or not self._ready(seconds):
            return []
        read, now = os.read(self._descriptor, 4096), time.monotonic()
        self.closed = not read
        if now - self._heard > _QUIET_SECONDS:
            self._rest = b""
        self._rest, self._heard = self._rest + read, now
        while _OPEN.search(self._rest) and self._ready(_ESCAPE_SECONDS):
            more = os.read(self._descriptor, 4096)
            if not more:
                break
            self._rest += more
        text, self._rest = _divided(self._rest)
        return list(names(text))

    def _ready(self, seconds: float) -> bool:
        return bool(select.select([self._descriptor], [], [], max(seconds, 0.0))[0])


def names(text: str) -> Iterator[str]:
    """The keys behind some text: characters are their own names, others have one, as `left`; the rest is left out."""
    place = 0
    while place < len(text):
        found = _SEQUENCE.match(text, place)
        if found:
            place = found.end()
            if name := _name(found[1] or "", found[2] or ""):
                yield name
            continue
        key = text[place]
        place += 1
        if key in _PLAIN:
            yield _PLAIN[key]
        elif key.isprintable():
            yield key


def _name(parameters: str, final: str) -> str | None:
    """Of a control sequence: the key's, or the answer's; None for others."""
    place = _PLACE.fullmatch(parameters)
    if final == "R" and place and int(place[1]) > 1:  # else a function key
        return f"{SEEN}{int(place[1])} {int(place[2])}"
    return _NAMES.get(parameters + final) or _NAMES.get(final)


def _divided(data: bytes) -> tuple[str, bytes]:
    """What is complete, and what has begun only: a sequence, a paste, a character of several bytes.

    Of a paste its beginning alone is kept, and what may be a part of its end. A lone ESC was the key, and a string
    that goes no further was none.
    """
    begun = _OPEN.search(data)
    if not begun or begun[0][:2] in (b"\x1b", b"\x1b]", b"\x1bP", b"\x1b_", b"\x1b^", b"\x1bX"):
        return _whole(data)
    rest = begun[0]
    if rest.startswith(_PASTE):
        rest = _PASTE + rest[len(_PASTE) :][1 - len(_PASTE_END) :]
    return _whole(data[: begun.start()])[0], rest


def _whole(data: bytes) -> tuple[str, bytes]:
    """What is complete of UTF-8, and the bytes of a character that is not yet."""
    for length in range(min(3, len(data)), 0, -1):
        lead = data[-length]
        if lead >= 0xC0:
            needed = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
            if needed > length:
                return data[:-length].decode(errors="replace"), data[-length:]
            break
    return data.decode(errors="replace"), b""
