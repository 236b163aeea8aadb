"""Open a video file and go through its frames. The file is decoded in a process of its own, whatever it holds."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from inspector.clips.guard import BrokenChildError, Child, command_for
from inspector.clips.limits import Limits
from inspector.clips.wire import Facts, Kind, WireError, read_end, read_facts
from inspector.errors import VideoError


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame of a video.

    Attributes:
        number: Counted from 0, in the order of showing.
        seconds: When it is shown, the first frame at 0. Exact: `(pts - first pts) × time_base`. Never decreases in a
            video that is whole; two frames may have the same time.
        pts: The file's own time stamp, in units of `Facts.time_base`.
        image: uint8 RGB, (height, width, 3).
    """

    number: int
    seconds: float
    pts: int
    image: NDArray[np.uint8]


def open_video(path: str | os.PathLike[str], *, limits: Limits | None = None, lenient: bool = False) -> "Video":
    """Open a local MP4, MOV, Matroska, WebM or AVI file.

    Args:
        path: The file.
        limits: How large and long it may be, and what decoding may cost; None for the defaults.
        lenient: Let losses pass and note them in `Video.notes`; else the first one is an error.

    Returns:
        The video, before its first frame.

    Raises:
        VideoError: If it is no such file, cannot be read, holds no frame or more than the limits allow.
    """
    limits = limits or Limits()
    file = _checked(os.fspath(path))
    return Video(str(path), Child(command_for(file, limits, lenient=lenient), limits), limits, lenient=lenient)


class Video:
    """Frames of a file, once, in the order of showing: an iterator, and a context manager that closes it.

    One frame is held at a time, and the file is decoded no further than its pipe holds.

    Args:
        name: What the file is called in errors.
        child: The process that decodes it.
        limits: What it may say.
        lenient: Whether it may let frames be lost.

    Attributes:
        facts: What is known before decoding.
        pid: Of the process that decodes.
        notes: After the last frame: what was lost and let pass, a line each.

    Raises:
        VideoError: If it cannot be read.
    """

    def __init__(self, name: str, child: Child, limits: Limits, *, lenient: bool = False) -> None:
        self.notes: tuple[str, ...] = ()
        self._name, self._child, self._limits, self._lenient = name, child, limits, lenient
        self._count, self._last = 0, 0.0
        self.pid = child.pid
        self._is_over = False
        self.facts = self._read_facts()

    def __iter__(self) -> "Video":
        return self

    def __next__(self) -> Frame:
        """The next frame.

        Raises:
            StopIteration: After the last one.
            VideoError: If it cannot be read.
        """
        if self._is_over:
            raise StopIteration
        try:
            frame = self._next()
        except BaseException:  # also Ctrl-C in the middle of a message: the next one could not be found
            self.close()
            raise
        if frame is None:
            self.close()
            raise StopIteration
        return frame

    def close(self) -> None:
        """End decoding; there are no more frames."""
        self._is_over = True
        self._child.close()

    def __enter__(self) -> "Video":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_facts(self) -> Facts:
        try:
            kind, _, length = self._child.next_header()
            if kind is Kind.FACTS:
                facts = read_facts(self._read(length))
                if self._are_allowed(facts):
                    return facts
            if kind is Kind.END and (trouble := read_end(self._read(length)).trouble):
                raise VideoError(f"{self._name} {trouble}")
            raise WireError
        except (BrokenChildError, WireError) as error:
            raise self._broken(error) from error
        except BaseException:
            self.close()
            raise

    def _are_allowed(self, facts: Facts) -> bool:
        is_timed = 0 < facts.time_base <= self._limits.seconds and 0 <= facts.seconds <= self._limits.seconds
        is_counted = 0 < facts.frame_count <= self._limits.frame_count
        return is_timed and is_counted and self._limits.allows_size(facts.width, facts.height)

    def _next(self) -> Frame | None:
        try:
            kind, pts, length = self._child.next_header()
            if kind is Kind.END:
                self._end(self._read(length))
                return None
            if kind is not Kind.FRAME or self._count >= self._limits.frame_count:
                raise WireError
            return self._frame(pts, length)
        except (BrokenChildError, WireError) as error:
            raise self._broken(error) from error

    def _frame(self, pts: int, length: int) -> Frame:
        image = np.empty((self.facts.height, self.facts.width, 3), np.uint8)
        if length != image.nbytes:
            raise WireError
        self._child.read_into(image)
        self._last = float((pts - self.facts.first_pts) * self.facts.time_base)
        self._count += 1
        return Frame(self._count - 1, self._last, pts, image)

    def _end(self, content: bytes) -> None:
        end = read_end(content)
        if end.trouble:
            raise VideoError(f"{self._name} {end.trouble}")
        if self._count != self.facts.frame_count and not self._lenient:
            raise WireError(f"it ended without a word of loss, with {self._count} of {self.facts.frame_count} frames")
        self.notes = end.notes

    def _read(self, length: int) -> bytes:
        content = np.empty(length, np.uint8)
        self._child.read_into(content)
        return content.tobytes()

    def _broken(self, error: Exception) -> VideoError:
        """The error that says where the process broke, and on what."""
        self.close()
        place = f"after frame {self._count - 1} ({self._last:.3f} s)" if self._count else "at its beginning"
        cause = str(error) or "what it sent is no frame"
        advice = "the file may be damaged or hostile: convert it to MP4, with ffmpeg for example"
        return VideoError(f"{self._name} broke its decoder {place}: {cause}; {advice}")


def _checked(path: str) -> Path:
    """The absolute path of a regular file that holds something and may be read.

    Raises:
        VideoError: If it is none.
    """
    try:
        facts = os.stat(path)
        if stat.S_ISREG(facts.st_mode) and facts.st_size:
            open(path, "rb").close()
    except (FileNotFoundError, NotADirectoryError) as error:
        advice = "only local files are read: download it first" if "://" in path else "check the name"
        raise VideoError(f"{path} does not exist: {advice}") from error
    except PermissionError as error:
        raise VideoError(f"{path} may not be read: check its permissions") from error
    except (OSError, ValueError) as error:  # a name too long, or with a zero in it
        raise VideoError(f"{path!r} cannot be opened ({error}): check the name and the disk") from error
    if stat.S_ISDIR(facts.st_mode):
        raise VideoError(f"{path} is a folder: name a video file in it")
    if not stat.S_ISREG(facts.st_mode):
        raise VideoError(f"{path} is no regular file: copy the video into one first")
    if not facts.st_size:
        raise VideoError(f"{path} is empty: get the file again")
    return Path(path).absolute()
