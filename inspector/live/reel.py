"""A film as a reel: any of its frames, wherever one comes from."""

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from inspector.errors import RecordingError
from inspector.film import opened

Picture = NDArray[np.uint8]

_HOLE = bytes(4)
"""H.264 never holds four zeros in a row; a disk that has lost a part of a file does."""

_DECODED_ON = 0.5
"""Seconds of film: what lies no further ahead is decoded up to, for a keyframe is hardly nearer."""


class Reel:
    """Any frame of a film; the next ones are decoded on, for others it goes back to the keyframe before.

    The last two are kept: a decision shows a frame and the one before.

    H.264 keeps no checksums: what the decoder sees of a hole spoils all up to the next keyframe, half a second at most;
    a few flipped bits can pass as a smear.

    Args:
        path: The film.
        fps: Its frames a second.

    Attributes:
        size: Its rows and columns.

    Raises:
        RecordingError: If it is no film.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self._path, self._fps = path, fps
        with ExitStack() as undo:
            self._container = undo.enter_context(opened(path))
            self._stream = self._container.streams.video[0]
            self._undo = undo.pop_all()
        self.size = self._stream.codec_context.height, self._stream.codec_context.width
        self._stream.codec_context.thread_count = 1  # with more, the decoder keeps errors to itself
        self._start, self._sound = self._stream.start_time or 0, False
        self._frames: Iterator[av.VideoFrame] = iter(())
        self._number, self._kept = -1, deque[tuple[int, Picture]](maxlen=2)

    def frame(self, number: int) -> Picture:
        """The frame of this number, from 0: uint8 (height, width, 3), RGB.

        Raises:
            RecordingError: If it is damaged or missing.
        """
        for kept, picture in self._kept:
            if kept == number:
                return picture
        try:
            picture = np.asarray(self._find(number).to_ndarray(format="rgb24"), np.uint8)
        except Exception as error:  # a damaged film raises anything
            self._number = -1
            raise self._damaged(number) from error
        self._number = number
        self._kept.append((number, picture))
        return picture

    def close(self) -> None:
        """Close the file."""
        self._undo.close()

    def _find(self, number: int) -> av.VideoFrame:
        if not 0 <= self._number < number <= self._number + _DECODED_ON * self._fps:
            self._seek(number)
        for frame in self._frames:
            self._sound = (self._sound or frame.key_frame) and not frame.is_corrupt
            at = self._number_of(frame)
            if at == number and self._sound:
                return frame
            if at >= number:
                break
        raise EOFError

    def _seek(self, number: int) -> None:
        assert self._stream.time_base is not None
        time = self._start + round(number / (self._fps * self._stream.time_base))
        self._container.seek(time, stream=self._stream)
        self._frames, self._sound = self._decoded(), False

    def _decoded(self) -> Iterator[av.VideoFrame]:
        for packet in self._container.demux(self._stream):
            if _HOLE in bytes(packet):
                raise EOFError
            yield from packet.decode()

    def _number_of(self, frame: av.VideoFrame) -> int:
        assert self._stream.time_base is not None
        return -1 if frame.pts is None else round((frame.pts - self._start) * self._stream.time_base * self._fps)

    def _damaged(self, number: int) -> RecordingError:
        return RecordingError(f"{self._path} is damaged: frame {number} cannot be read; record it again")
