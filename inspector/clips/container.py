"""A file as FFmpeg opens it, held to what is allowed. For the process that decodes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from inspector.clips.trouble import Trouble, words

_FORMATS = "mov,matroska,webm,avi"
_COVER = 0x400  # AV_DISPOSITION_ATTACHED_PIC
_CONVERT = "convert it to MP4, with ffmpeg for example"


@contextmanager
def opened(path: Path, **options: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    """A local file of an allowed kind, and the first stream in it that is no cover picture.

    Args:
        path: The file.
        options: More options of the demuxer.

    Raises:
        Trouble: If it is no such file.
    """
    rules = {"format_whitelist": _FORMATS, "protocol_whitelist": "file", **options}
    try:
        film = av.open(f"file:{path}", container_options=rules, metadata_errors="replace")
    except MemoryError:
        raise
    except Exception as error:  # a damaged file raises anything
        raise Trouble(f"is no MP4, MOV, Matroska, WebM or AVI that can be read ({words(error)}): {_CONVERT}") from error
    with film:
        yield film, _pictures(film)


def _pictures(film: InputContainer) -> VideoStream:
    streams = [stream for stream in film.streams.video if not int(stream.disposition) & _COVER]
    if not streams:
        kinds = ", ".join(sorted({stream.type for stream in film.streams}))
        raise Trouble(f"holds no moving pictures{kinds and f', only {kinds}'}: name another file")
    stream = streams[0]
    # A torn file may not say how it is coded; the stubs know only of files that do.
    if stream.codec_context is None or not stream.time_base:  # type: ignore[redundant-expr]
        raise Trouble(f"does not say how it is coded, or in a way not known here: {_CONVERT}")
    return stream


def packets(film: InputContainer, stream: VideoStream) -> Iterator[Packet]:  # type: ignore[type-arg]  # generic in its stubs only
    """The packets of a stream in the order of decoding, without the empty one that stands for the end.

    Raises:
        Exception: Of any kind, at damage.
    """
    for packet in film.demux(stream):
        if packet.size or packet.dts is not None:
            yield packet
