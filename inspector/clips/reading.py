"""Decode a file frame by frame, each at its time, and account for every one. For the process that decodes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from av import VideoFrame
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from inspector.clips.container import opened, packets
from inspector.clips.index import Index, read_index
from inspector.clips.limits import Limits
from inspector.clips.losses import Losses
from inspector.clips.picture import Painter
from inspector.clips.trouble import words
from inspector.clips.wire import Facts

_STRICT = {"err_detect": "crccheck+bitstream+buffer+explode"}
"""What the decoder would mend by guessing is an error."""

_WITHOUT_ZEROS, _HOLE = frozenset({"h264", "hevc"}), bytes(4)
"""Their packets never hold four zeros but as padding; those of a disk or download that lost a part do."""


def read(
    path: Path,
    limits: Limits,
    *,
    lenient: bool,
    on_alive: Callable[[], None],
    on_facts: Callable[[Facts], None],
    on_frame: Callable[[int, NDArray[np.uint8]], None],
) -> tuple[str, ...]:
    """Read a file to its end.

    Args:
        path: The file.
        limits: What it may cost.
        lenient: Go on after a loss and note it; else the first one ends the reading.
        on_alive: Called now and then before the first frame.
        on_facts: Called before the first frame.
        on_frame: Called with the time stamp and the picture of each frame, in the order in which they are shown.

    Returns:
        Losses that were let pass.

    Raises:
        Trouble: If it is refused, or damaged; what could be read has come before.
    """
    index = read_index(path, limits, on_alive)
    losses = Losses(index, lenient=lenient)
    painter = None
    with opened(path) as (film, stream):
        for pts, frame in _in_place(_decoded(film, stream, losses, lenient=lenient), film, index, losses):
            if painter is None:
                painter = Painter(frame, stream.sample_aspect_ratio, limits)
                on_facts(_facts(painter, index, stream))
            on_frame(pts, painter.paint(frame))
            losses.show(pts)
    if index.flaw and not losses.are_final:
        losses.add(index.flaw)
    return index.notes + losses.settle()


def _facts(painter: Painter, index: Index, stream: VideoStream) -> Facts:
    return Facts(
        width=painter.width,
        height=painter.height,
        frame_count=index.frame_count,
        fps=index.constant_fps,
        seconds=float(index.seconds),
        codec=stream.codec_context.codec.canonical_name,
        time_base=index.time_base,
        first_pts=int(index.times[0]),
    )


def _decoded(film: InputContainer, stream: VideoStream, losses: Losses, *, lenient: bool) -> Iterator[VideoFrame]:
    """What the decoder makes of the packets; after the last one, or damage, what it still holds.

    It has one thread: more could keep errors to themselves, and would need more memory.
    """
    decoder = stream.codec_context
    decoder.thread_type, decoder.thread_count = "NONE", 1
    if not lenient:
        decoder.options = _STRICT
    for packet in _whole(packets(film, stream), losses):
        has_hole = decoder.name in _WITHOUT_ZEROS and _HOLE in bytes(packet).rstrip(b"\0")
        if has_hole and losses.add("a frame has a hole of zeros"):
            break
        yield from _attempt(stream, packet, losses)
        if losses.are_final:
            break
    yield from _attempt(stream, None, losses)


def _whole(found: Iterator[Packet], losses: Losses) -> Iterator[Packet]:  # type: ignore[type-arg]  # generic in its stubs only
    """Packets that hold something, up to where the file cannot be read on."""
    try:
        for packet in found:
            if packet.size:  # an empty one would mean the end to the decoder
                yield packet
    except MemoryError:
        raise
    except Exception as error:  # a damaged file raises anything
        losses.add(f"the file cannot be read on ({words(error)})")


def _attempt(stream: VideoStream, packet: Packet | None, losses: Losses) -> list[VideoFrame]:  # type: ignore[type-arg]  # generic in its stubs only
    try:
        return stream.decode(packet)
    except MemoryError:
        raise
    except Exception as error:  # damaged frames raise anything
        losses.add(f"a frame cannot be decoded ({words(error)})")
        return []


def _in_place(
    frames: Iterator[VideoFrame], film: InputContainer, index: Index, losses: Losses
) -> Iterator[tuple[int, VideoFrame]]:
    """Whole frames, each with the time that the index has for it; where one is lacking, strict reading ends.

    AVI knows no time of showing: its frames take the times of the index in turn.
    """
    is_timeless, place = film.format.name == "avi", 0
    for frame in frames:
        if frame.is_corrupt and losses.add("a frame is damaged"):
            return
        if place >= index.sure_count < len(index.times) and not is_timeless and losses.add("the file is cut off"):
            return
        expected = int(index.times[place]) if place < len(index.times) else None
        pts = expected if is_timeless or frame.pts is None else frame.pts
        if pts is None or pts != expected:
            has_to_end = losses.add("a frame is missing, or not announced for its time")
            if has_to_end or pts is None:  # then nothing says when to show it
                return
        place = 1 + max(place, int(np.searchsorted(index.times, pts)))
        yield pts, frame
