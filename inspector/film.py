"""Films on disk: mended, measured and looked at. Whatever is wrong with them, the error is ours."""

import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from inspector.errors import RecordingError
from inspector.files import replacing, write_error

_BOX = struct.Struct(">I4s")  # every part of an MP4 begins with its length and kind


class _UnreadableError(RecordingError):
    """No film, or one that was cut off before its first frame was whole."""


def remux(path: str | os.PathLike[str]) -> int:
    """Make an ordinary MP4, index in front, of a film that may be fragmented or cut off, without encoding it again.

    Every frame that can be read is copied, bit by bit, and counted again in the copy before it takes the film's place.
    A half-written index at the end, which would keep the film from opening, is cut off first.

    Args:
        path: The film, replaced by a rename.

    Returns:
        Number of frames in it; 0 if none can be read, and the file is then as it was.

    Raises:
        RecordingError: If the film or its copy cannot be written.
    """
    path = Path(path)
    _cut_torn_index(path)
    try:
        with replacing(path) as part:
            with opened(path) as film:
                copied = _copy(film, path, part)
            if _packet_count(part) != copied:
                raise RecordingError(f"{path} could not be copied whole: check the disk")
    except _UnreadableError:
        return 0
    return copied


def _packet_count(path: Path) -> int:
    try:
        with opened(path) as film:
            return sum(1 for _ in _packets(film))
    except _UnreadableError:
        return 0


def _cut_torn_index(path: Path) -> None:
    """Cut off a last box that is torn, unless it holds pictures: those before the tear can be read."""
    try:
        with open(path, "r+b") as file:
            size, place, indexed = file.seek(0, os.SEEK_END), 0, False
            while place + _BOX.size <= size:
                file.seek(place)
                length, kind = _BOX.unpack(file.read(_BOX.size))
                if indexed and kind != b"mdat" and place + length > size:
                    file.truncate(place)
                if length < _BOX.size:  # 0 and 1 stand for sizes of another form, which a growing film does not have
                    return
                place, indexed = place + length, indexed or kind == b"moov"
    except OSError as error:
        raise write_error(path, error) from error


def _copy(film: InputContainer, path: Path, part: Path) -> int:
    count = 0
    try:
        with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as copy:
            copy.metadata.update(film.metadata)
            stream = copy.add_stream_from_template(film.streams.video[0])
            for packet in _packets(film):
                packet.stream = stream
                copy.mux(packet)
                count += 1
    except OSError as error:
        raise write_error(path, error) from error
    if count == 0:
        raise _UnreadableError(f"{path} holds no frame that can be read: it was cut off in its first second")
    return count


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a film is, as read from it.

    Attributes:
        codec: Name of the codec, as `h264`.
        pixel_format: As `yuv420p`.
        width: Columns.
        height: Rows.
        fps: Frames a second, on average.
        frame_count: Frames that could be read.
        seconds: Length of these frames.
        whole: The film could be read to its end, and lacks no frame that its index lists.
    """

    codec: str
    pixel_format: str
    width: int
    height: int
    fps: float
    frame_count: int
    seconds: float
    whole: bool


def read_facts(path: str | os.PathLike[str], *, decode: bool = True) -> VideoFacts:
    """Read a film and tell what it is.

    Args:
        path: The film.
        decode: Decode and count every frame; False only counts what the index lists, in no time for any length.

    Returns:
        The facts; of a film that is cut off, those of the part that can be read, with `whole` False.

    Raises:
        RecordingError: If it is missing or no film.
    """
    with opened(Path(path)) as film:
        stream = film.streams.video[0]
        encoder = stream.codec_context
        stream.thread_type = "AUTO"
        frames = film.decode(stream) if decode else _packets(film)
        count, ended = _count(frames)
        rate = stream.average_rate or stream.guessed_rate or Fraction(0)
        return VideoFacts(
            codec=encoder.codec.canonical_name,
            pixel_format=str(encoder.pix_fmt),
            width=encoder.width,
            height=encoder.height,
            fps=float(rate),
            frame_count=count,
            seconds=float(count / rate) if rate else 0.0,
            whole=ended and count >= stream.frames,
        )


def read_frame(path: str | os.PathLike[str], seconds: float) -> NDArray[np.uint8]:
    """The frame that a film shows at a time: uint8 RGB, (height, width, 3).

    Args:
        path: The film.
        seconds: Time from its start; beyond its end the last frame is meant.

    Raises:
        RecordingError: If it is missing, no film, or no frame can be read there.
    """
    found = None
    with opened(Path(path)) as film, suppress(Exception):  # a damaged film raises anything
        film.seek(int(seconds * av.time_base))
        for frame in film.decode(film.streams.video[0]):
            if found is not None and frame.time > seconds:
                break
            found = frame
    if found is None:
        raise RecordingError(f"{os.fspath(path)} shows no frame at {seconds} s")
    return np.asarray(found.to_ndarray(format="rgb24"), dtype=np.uint8)


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """A film to read from, with at least one stream of pictures.

    Raises:
        RecordingError: If it is missing, no film, or was cut off before its first frame was whole.
    """
    try:
        film = av.open(str(path))
    except Exception as error:
        raise _UnreadableError(f"{path} is no film that can be read: {error}") from error
    with film:
        # A torn index may list a stream without saying how it is coded.
        if not film.streams.video or film.streams.video[0].codec_context is None:
            raise _UnreadableError(f"{path} holds no frame that can be read: it was cut off in its first second")
        yield film


def _packets(film: InputContainer) -> Iterator[Packet]:  # type: ignore[type-arg]  # generic in its stubs only
    """Whole packets, up to the end or to the first damage: a torn film gives its frames and then any exception."""
    packets = film.demux(film.streams.video[0])
    while True:
        try:
            packet = next(packets)
        except Exception:
            return
        if packet.dts is None or packet.is_corrupt:
            return
        yield packet


def _count(frames: Iterable[object]) -> tuple[int, bool]:
    count = 0
    try:
        for _ in frames:
            count += 1
    except Exception:
        return count, False
    return count, True
