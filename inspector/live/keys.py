"""Keys as a person names them, out of the bytes that a terminal sends."""

import os
import re
import select
from collections.abc import Iterator

ANSWER = "answer"
"""Not a key: the terminal's word that it is well, asked for at the end of every frame."""

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
    "0n": ANSWER,
}
_SEQUENCE = re.compile(r"\x1b(?:\[|O)([0-?]*)[ -/]*([@-~])")
_OPEN = re.compile(rb"\x1b(?:[\[O][0-?]*[ -/]*)?$")
"""A sequence that has begun and not ended."""

_PLAIN = {"\r": "enter", "\n": "enter", "\t": "tab", "\x7f": "backspace", "\x08": "backspace", "\x1b": "escape"}
_ESCAPE_SECONDS = 0.03
"""After a lone ESC the rest of a sequence follows at once, or it was the key."""


class Keys:
    """Reads keys from a terminal without waiting for Enter; the terminal itself has to be in that mode.

    Args:
        descriptor: Of the terminal.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""
        self.closed = False

    def wait(self, seconds: float) -> list[str]:
        """The keys that were pressed; returns at the first, or after so many seconds with none."""
        if self.closed or not self._ready(seconds):
            return []
        read = os.read(self._descriptor, 4096)
        self.closed = not read
        self._rest += read
        while _OPEN.search(self._rest) and self._ready(_ESCAPE_SECONDS):
            more = os.read(self._descriptor, 4096)
            if not more:
                break
            self._rest += more
        begun = _OPEN.search(self._rest)
        place = begun.start() if begun and len(begun[0]) > 1 else len(self._rest)  # a lone ESC was the key
        text, rest = _whole(self._rest[:place])
        self._rest = rest + self._rest[place:]
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
            if name := _NAMES.get(found[1] + found[2]) or _NAMES.get(found[2]):
                yield name
            continue
        key = text[place]
        place += 1
        if key in _PLAIN:
            yield _PLAIN[key]
        elif key.isprintable():
            yield key


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
