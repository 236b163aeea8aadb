"""What a file announces: a walk through its packets, before any frame is decoded. For the process that decodes."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from inspector.clips.avi import places
from inspector.clips.container import opened, packets
from inspector.clips.limits import Limits
from inspector.clips.structure import flaw
from inspector.clips.trouble import Trouble

_VP8_SHOWN = 0x10  # the bit of a frame's first byte that tells that it is shown (RFC 6386, section 9.1)
_ALIVE_PACKETS = 1000


@dataclass(frozen=True, slots=True)
class Index:
    """The frames of a file.

    Attributes:
        times: When each frame found is shown, in units of `time_base`, ascending.
        frame_count: Frames announced: by the header where it counts them, else those found.
        sure_count: How many of `times` come before any that may be missing: all, if the file is not cut off.
        last_duration: How long the last one is shown, in units of `time_base`; 0 if not told.
        header_rate: Frames a second by the header; None if it does not tell.
        time_base: Seconds of a unit.
        flaw: What does not fit together in the file; None if nothing is known of that.
        notes: What is left out, or shown anew, because the file itself says so.
    """

    times: NDArray[np.int64]
    frame_count: int
    sure_count: int
    last_duration: int
    header_rate: Fraction | None
    time_base: Fraction
    flaw: str | None
    notes: tuple[str, ...]

    @property
    def seconds(self) -> Fraction:
        """From the first frame's begin to the last one's end; 0 if there is but one of no length."""
        between = int(self.times[-1] - self.times[0])
        last = self.last_duration or round(between / max(1, len(self.times) - 1))
        return (between + last) * self.time_base

    @property
    def mean_fps(self) -> Fraction:
        """Frames a second, on average; 0 where there is no length."""
        return len(self.times) / self.seconds if self.seconds else Fraction(0)

    @property
    def constant_fps(self) -> Fraction | None:
        """Frames a second if they stand on an even grid, to a unit of `time_base`; else None."""
        for fps in (self.header_rate, self.mean_fps.limit_denominator(1001)):
            if fps and self._stands_on(fps):
                return fps
        return None

    def _stands_on(self, fps: Fraction) -> bool:
        grid = np.arange(len(self.times)) * float(1 / (fps * self.time_base))
        return bool(np.abs(self.times - self.times[0] - grid).max() <= 1)


def read_index(path: Path, limits: Limits, on_alive: Callable[[], None]) -> Index:
    """Walk through a file, up to its end or its first damage.

    Args:
        path: The file.
        limits: How many frames, how fast and how long it may be.
        on_alive: Called now and then.

    Raises:
        Trouble: If it holds no frame, or more than allowed.
    """
    with opened(path) as (film, stream):
        assert stream.time_base
        _check(stream.frames, limits.frame_count, "frames")
        found = flaw(path, on_alive)
        walk = _Walk(limits, on_alive, found[0] if found and not stream.frames else None)
        walk.through(packets(film, stream), stream.codec_context.name)
        announced, rate, base = _announced(stream, walk), stream.average_rate, stream.time_base
        number = stream.index
    if not walk.times:
        raise Trouble("holds no frame that can be read: it is cut off or was never finished; get the file again")
    notes: tuple[str, ...] = ()
    if announced != len(walk.times) and announced == _unedited_count(path, limits, on_alive):
        notes = (_edited(announced, len(walk.times)),)
        announced = len(walk.times)
    if announced > len(walk.times) and (announced, announced - len(walk.times)) == places(path, number):
        announced = len(walk.times)  # the others are empty: the frame before stays
    times = np.sort(np.array(walk.times, np.int64))
    is_whole = walk.is_whole and len(times) >= announced and not found
    sure_count = len(times) if is_whole else int(np.searchsorted(times, walk.last_dts, side="right"))
    index = Index(times, announced, sure_count, walk.last_duration, rate, base, found and found[1], notes)
    _check(float(index.seconds), limits.seconds, "seconds")
    _check(float(index.mean_fps), limits.fps, "frames a second")
    return index


class _Walk:
    """What is found on the way through packets.

    Attributes:
        times: Of the frames that are to be shown, in the order of decoding.
        packet_count: All packets, also those that are decoded only because others need them.
        last_duration: Of the frame shown last.
        last_dts: When the last packet that lies before `sure_bytes` is decoded: none shown before it can be missing.
        is_whole: Their end was reached.
    """

    def __init__(self, limits: Limits, on_alive: Callable[[], None], sure_bytes: int | None = None) -> None:
        self.times: list[int] = []
        self.packet_count, self.last_duration, self.last_dts = 0, 0, -(1 << 62)
        self.is_whole = False
        self._limits, self._on_alive, self._sure_bytes = limits, on_alive, sure_bytes
        self._latest: int | None = None

    def through(self, found: Iterator[Packet], codec: str) -> None:  # type: ignore[type-arg]  # generic in its stubs only
        """Take packets up to their end or the first damage, which decoding will meet again."""
        with suppress(Exception):
            for packet in found:
                self.packet_count += 1
                if self.packet_count % _ALIVE_PACKETS == 0:
                    self._on_alive()
                if self.packet_count > self._limits.frame_count:
                    break
                if packet.dts is not None and (self._sure_bytes is None or (packet.pos or 0) < self._sure_bytes):
                    self.last_dts = packet.dts
                if not packet.is_discard and not _is_hidden(packet, codec):
                    self._add(packet)
            self.is_whole = True
        _check(self.packet_count, self._limits.frame_count, "frames")

    def _add(self, packet: Packet) -> None:  # type: ignore[type-arg]  # generic in its stubs only
        time = packet.pts if packet.pts is not None else packet.dts
        if time is None:
            raise ValueError("a frame without a time")
        self.times.append(time)
        if self._latest is None or time >= self._latest:
            self._latest, self.last_duration = time, packet.duration or 0


def _is_hidden(packet: Packet, codec: str) -> bool:  # type: ignore[type-arg]  # generic in its stubs only
    """Whether it holds a VP8 frame that others refer to and nobody sees."""
    return codec == "vp8" and packet.size > 0 and not memoryview(packet)[0] & _VP8_SHOWN


def _announced(stream: VideoStream, walk: _Walk) -> int:
    """Frames by the header; or by the lists of the fragments, which older PyAVs cannot tell; or those found."""
    listed = len(getattr(stream, "index_entries", ()))
    return stream.frames or (listed if listed > walk.packet_count else len(walk.times))


def _unedited_count(path: Path, limits: Limits, on_alive: Callable[[], None]) -> int:
    """How many packets an MP4 holds, those that its edit list leaves out included."""
    walk = _Walk(limits, on_alive)
    with opened(path, ignore_editlist="1") as (film, stream):
        walk.through(packets(film, stream), stream.codec_context.name)
    return walk.packet_count


def _edited(held: int, shown: int) -> str:
    """What the edit list of a file does, which holds so many frames and shows so many."""
    if shown < held:
        return f"{held - shown} of {held} frames are not shown: so says the file's edit list"
    return f"{shown} frames are shown where it holds {held}: so says the file's edit list"


def _check(found: float, allowed: float, unit: str) -> None:
    if found > allowed:
        raise Trouble(f"holds {found:,.10g} {unit}, more than the {allowed:,.10g} allowed: cut it into parts")
