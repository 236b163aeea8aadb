"""Films, written frame by frame so that a kill loses less than a second."""

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.errors import RecordingError
from inspector.files import remove, undisturbed, write_error
from inspector.film import VideoFacts, read_facts, read_frame, remux

__all__ = ["VideoFacts", "VideoWriter", "read_facts", "read_frame", "remux"]

# One keyframe begins one fragment, one write: what was written before is readable whatever happens next. On closing,
# the same file becomes an ordinary MP4 in place.
_GROWING = {"movflags": "+hybrid_fragmented+frag_keyframe", "flush_packets": "1"}
_BUFFER_BYTES = 1 << 20  # larger than a fragment, so that it leaves in one write

# A page moves by whole pixels and stands still otherwise: search below a pixel, B-frames and weighted prediction cost
# 40 % of the CPU time here and bring nothing.
_X264 = "subme=0:me=dia:weightp=0"
_LOOKAHEAD = 10
TICK = Fraction(1, 90_000)
"""Unit of the times of frames that have times of their own, in seconds; as broadcasting has it."""

_SMPTE170M, _BT709, _LIMITED = 6, 1, 1  # numbers of ITU-T H.273: cv2 converts to YUV by BT.601, limited range


class _StickyFile:
    """A file that after its first error takes nothing more.

    PyAV reports a full disk from `mux` and then closes without a word, and closing writes the head of the file
    anew: over fragments whose index is missing that would ruin a film that could be read.
    """

    def __init__(self, path: Path) -> None:
        self.name = os.fspath(path)
        self.error: OSError | None = None
        self._file = open(path, "w+b", buffering=0)  # noqa: SIM115  closed by close()

    def write(self, data: bytes) -> int:
        if self.error is not None:
            raise self.error
        place, written = self._file.tell(), 0
        try:
            while written < len(data):
                written += self._file.write(data[written:])
        except OSError as error:
            self.error = error
            if place + written == os.fstat(self._file.fileno()).st_size:
                self._file.truncate(place)  # half a fragment at the end can keep the film from opening
            raise
        return written

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()


class VideoWriter:
    """Writes a film as a stream: H.264, yuv420p, even size; memory does not grow with its length.

    The growing file at `path` plays at any time; at most the last second is missing. `close` makes it an ordinary
    MP4 with its index in front. The same frames and `threads` give the same bytes if the width is a multiple of 256, as
    that of our pages is; of narrow films some were a few bytes different, by the macroblock tree of x264. Encoding runs
    in threads of x264, without the interpreter's lock, beside the code that makes the next frame. Ctrl-C loses no
    frame: it is raised when the one that is being added, or the whole film, is written.

    Attributes:
        path: The file.
        frame_count: Frames added.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        width: int,
        height: int,
        fps: int | float | Fraction,
        crf: int = 20,
        preset: str = "veryfast",
        threads: int = 2,
        metadata: Mapping[str, str] | None = None,
        timed: bool = False,
    ) -> None:
        """Start a film; a file at `path` is replaced.

        Args:
            path: The file to write.
            width: Columns of the frames; an odd number is padded by one in the film.
            height: Rows of the frames; likewise.
            fps: Frames a second.
            crf: Quality of x264, 0 (best) to 51.
            preset: Preset of x264.
            threads: Threads of x264, at least 1; part of what the bytes depend on.
            metadata: Tags of the film, as `title` and `comment`.
            timed: Frames come with times of their own, and `fps` is their mean rate; else they come at that rate.

        Raises:
            ValueError: If a size, the rate or `threads` is not positive.
            RecordingError: If the file cannot be written.
        """
        if min(width, height, threads) < 1 or not 0 < fps <= 1000:
            raise ValueError(f"no film of {width}x{height} at {fps} frames a second with {threads} threads")
        self.path, self.frame_count = Path(path), 0
        self._shape = (height, width, 3)
        self._rate = Fraction(fps).limit_denominator(1001)
        self._tick = TICK if timed else 1 / self._rate
        self._pts = -1
        self._error: RecordingError | None = None
        self._open = True
        with self._guarded():
            self._file = _StickyFile(self.path)
        with self._guarded(), ExitStack() as undo:
            undo.callback(self._file.close)
            self._container = av.open(self._file, "w", format="mp4", buffer_size=_BUFFER_BYTES, options=dict(_GROWING))
            self._container.metadata.update(metadata or {})
            self._stream = self._container.add_stream("libx264", rate=self._rate)
            self._prepare(crf, preset, threads)
            undo.pop_all()

    def _prepare(self, crf: int, preset: str, threads: int) -> None:
        encoder = self._stream.codec_context
        encoder.time_base = self._tick
        encoder.height, encoder.width = (size + size % 2 for size in self._shape[:2])
        encoder.pix_fmt, encoder.thread_count, encoder.max_b_frames = "yuv420p", threads, 0
        encoder.color_range, encoder.colorspace = _LIMITED, _SMPTE170M
        encoder.color_primaries = encoder.color_trc = _BT709
        # A kill loses the open group of pictures and what the encoder holds back: together at most a second.
        encoder.gop_size = max(1, round(self._rate / 2))
        lookahead = max(0, min(_LOOKAHEAD, math.floor(self._rate) - encoder.gop_size - threads))
        encoder.options = {"preset": preset, "crf": str(crf), "x264-params": f"{_X264}:rc-lookahead={lookahead}"}

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turn what the file or the codec reports into one error, and keep the first: later ones only follow."""
        try:
            yield
        except RecordingError as error:
            self._error = self._error or error
            raise self._error from error.__cause__
        except Exception as error:
            self._error = self._error or _film_error(self.path, getattr(self, "_file", None), error)
            raise self._error from error

    def add(self, frame: NDArray[np.uint8], seconds: float | None = None) -> None:
        """Append a frame.

        Args:
            frame: uint8 RGB, (height, width, 3). It may be reused as soon as this returns.
            seconds: When a `timed` film shows it, to the nearest `TICK`, and a tick after the frame before at the
                earliest; None in other films.

        Raises:
            ValueError: If the shape or type is another, or there is a time where none belongs.
            RecordingError: If the film cannot be written any further.
        """
        if frame.shape != self._shape or frame.dtype != np.uint8:
            raise ValueError(f"a frame is uint8 {self._shape}, not {frame.dtype} {frame.shape}")
        if (self._tick == TICK) != (seconds is not None):
            raise ValueError("frames of a timed film have times, and no others")
        if self._error is not None:
            raise self._error
        if not self._open:
            raise RecordingError(f"{self.path} is closed; start another film")
        pts = self._pts + 1 if seconds is None else max(self._pts + 1, round(seconds / self._tick))
        with undisturbed(), self._guarded():
            picture = av.VideoFrame.from_numpy_buffer(_to_yuv(frame), format="yuv420p")
            picture.pts, picture.time_base = pts, self._tick
            self._container.mux(self._stream.encode(picture))
            self.frame_count, self._pts = self.frame_count + 1, pts

    def close(self) -> int:
        """Finish the film: an ordinary MP4 with its index in front. A second call does nothing.

        A film to which no frame was added is no file.

        Returns:
            Number of frames in the film.

        Raises:
            RecordingError: The first error met, now or before; what was written stays and can be played.
        """
        if self._open:
            with undisturbed(), self._guarded():
                self._close()
        if self._error is not None:
            raise self._error
        return self.frame_count

    def _close(self) -> None:
        self._open = False
        with closing(self._file):
            self._finish()
        if self.frame_count:
            self._remux()
        else:
            remove(self.path)

    def _finish(self) -> None:
        with closing(self._container):
            if self._file.error is None:
                self._container.mux(self._stream.encode(None))
        if self._file.error is not None:
            raise self._file.error

    def _remux(self) -> None:
        frames = remux(self.path)
        if frames != self.frame_count:
            raise RecordingError(f"{self.path} holds {frames} of {self.frame_count} frames: check the disk")

    def __enter__(self) -> "VideoWriter":
        """The writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Finish the film; after an exception too, whose message then is the one that counts."""
        try:
            self.close()
        except RecordingError:
            if error is None:
                raise


def _film_error(path: Path, file: _StickyFile | None, error: Exception) -> RecordingError:
    cause = file.error if file is not None and file.error is not None else error
    if isinstance(cause, OSError) and not isinstance(cause, av.FFmpegError):
        return write_error(path, cause)
    return RecordingError(f"{path} cannot be encoded: {cause}; `inspector doctor` tells whether H.264 works here")


def _to_yuv(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Planes Y, U, V below each other, (3/2 height, width); odd sizes are padded by repeating the edge."""
    bottom, right = frame.shape[0] % 2, frame.shape[1] % 2
    if bottom or right:
        frame = np.pad(frame, ((0, bottom), (0, right), (0, 0)), mode="edge")
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420), dtype=np.uint8)
