"""Do the parts of a file fit together? Fragmented MP4 and Matroska tell nowhere else that something is lost."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_NESTS = frozenset(b"moov trak edts mdia minf stbl mvex moof traf".split())
"""MP4 boxes that hold boxes and nothing else (ISO 14496-12)."""

_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
_EVERYWHERE = {0xEC, 0xBF}  # a gap, a checksum
_MATROSKA = {
    _SEGMENT: {0x114D9B74, 0x1549A966, 0x1654AE6B, _CLUSTER, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367},
    _CLUSTER: {0xE7, 0x5854, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF},
}
"""Matroska elements that are looked into, and what they may hold (RFC 9559)."""


Flaw = tuple[int, str]
"""At which byte something does not fit, and what, in words."""


def flaw(path: Path, on_alive: Callable[[], None]) -> Flaw | None:
    """What does not fit, and where; None if everything does, or the file does not tell.

    Args:
        path: An MP4, Matroska or AVI file.
        on_alive: Called now and then.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        if int.from_bytes(head[:4], "big") == _EBML:
            return _matroska_flaw(file, 0, size, {_EBML, _SEGMENT}, on_alive)
        if head[:4] == b"RIFF":
            return _short("the file", 8 + int.from_bytes(head[4:], "little"), size)
        return _mp4_flaw(file, 0, size)


def _short(nest: str, announced: int, end: int) -> Flaw | None:
    return (end, f"{nest} ends {announced - end} bytes too early") if announced > end else None


def _mp4_flaw(file: BinaryIO, place: int, end: int, nest: str = "the file") -> Flaw | None:
    """Boxes have to fill their nest: each begins with its length and its kind."""
    while place < end:
        file.seek(place)
        header = file.read(16)
        length, kind, start = int.from_bytes(header[:4], "big"), header[4:8], 8
        if length == 1:  # a longer length follows
            length, start = int.from_bytes(header[8:], "big"), 16
        elif length == 0 and kind == b"mdat":  # up to the end
            return None
        if length < start:
            return place, f"what begins at byte {place} is no part of {nest}"
        if place + length > end:
            return _short(nest, place + length, end)
        if kind in _NESTS and (found := _mp4_flaw(file, place + start, place + length, f"its {kind.decode()}")):
            return found
        place += length
    return None


def _matroska_flaw(
    file: BinaryIO, place: int, end: int, allowed: set[int], on_alive: Callable[[], None], nest: str = "the file"
) -> Flaw | None:
    """Elements have to fill their nest: each begins with its kind and its length, which a live stream leaves open."""
    on_alive()
    while place < end:
        file.seek(place)
        kind, length = _number(file, keep_mark=True), _number(file)
        if kind not in allowed | _EVERYWHERE:
            return place, f"what begins at byte {place} is no part of {nest}"
        if length is None:
            return None
        place = file.tell() + length
        if place > end:
            return _short(nest, place, end)
        inside = _MATROSKA.get(kind or 0)
        if inside and (found := _matroska_flaw(file, place - length, place, inside, on_alive, "its part")):
            return found
    return None


def _number(file: BinaryIO, *, keep_mark: bool = False) -> int | None:
    """A number whose leading zero bits tell how many bytes it takes; None if all the others are ones: left open."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    whole, mark = int.from_bytes(first + file.read(more), "big"), 1 << 7 * (more + 1)
    if keep_mark:
        return whole
    return None if whole == 2 * mark - 1 else whole - mark
