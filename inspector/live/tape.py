"""A finished recording as a tape: any decision at once, its row and its pictures out of the film."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import av
import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from inspector.draw.layout import Rect
from inspector.errors import RecordingError
from inspector.film import opened
from inspector.recording import Recording
from inspector.rows import ROW_SCHEMA

Picture = NDArray[np.uint8]

_DECODED_ON = 0.5
"""Seconds of film: what lies no further ahead is decoded up to, for a keyframe is hardly nearer."""


class Tape:
    """Random access to the decisions of a recording.

    It ends with the last decision that the film still shows: of a recovered recording the film can lack the last
    second. Where the film is slower than the game, a decision may have no frame of its own; it then shows that of the
    next one.

    Args:
        recording: A finished one.

    Attributes:
        fps: Frames a second of the film.
        frames: Number of the film's frame in which each decision appears, from 0, ascending, int64 (decisions,).

    Raises:
        RecordingError: If its rows or its film cannot be read, do not fit together, or hold no decision.
    """

    def __init__(self, recording: Recording) -> None:
        self._path, self._rows = recording.path, _rows(recording)
        self.fps: float = recording.manifest["film"]["fps"]
        self.frames = self._frames(recording.manifest["counts"]["frames"])
        self._film = _Film(recording.video, self.fps)
        try:
            self._places = _places(recording, self._film.size)
        except BaseException:
            self.close()
            raise

    @property
    def rows(self) -> pa.Table:
        """The rows of its decisions, of `inspector.rows.ROW_SCHEMA`; an older recording has fewer columns."""
        return self._rows.slice(0, len(self))

    def row(self, place: int) -> Mapping[str, Any]:
        """The row of a decision, by column.

        Raises:
            IndexError: If there is none of this number.
        """
        self._check(place)
        (row,) = self._rows.slice(place, 1).to_pylist()
        return dict(row)

    def pictures(self, place: int) -> tuple[Picture, Picture | None]:
        """The player's screen when a decision appears in the film, and the screen with relevance.

        Returns:
            Both in the screen's own size, uint8 (height, width, 3), RGB. The second is None where nothing was
            explained. A recording that does not say where its pictures stand shows the whole film as the screen.

        Raises:
            IndexError: If there is no decision of this number.
            RecordingError: If the film is damaged there.
        """
        self._check(place)
        page = self._film.frame(int(self.frames[place]))
        places = self._places
        return places.cut(page, places.screen), places.cut(page, places.overlay) if places.overlay else None

    def close(self) -> None:
        """Close the film."""
        self._film.close()

    def __len__(self) -> int:
        """Number of decisions."""
        return len(self.frames)

    def __enter__(self) -> "Tape":
        """The tape itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the film."""
        self.close()

    def _check(self, place: int) -> None:
        if not 0 <= place < len(self):
            raise IndexError(f"decision {place} of {len(self)}")

    def _frames(self, frame_count: int) -> NDArray[np.int64]:
        times = self._rows["video_seconds"].to_numpy() * self.fps
        if not np.isfinite(times).all() or (np.diff(times, prepend=0.0) < 0).any():
            raise RecordingError(f"{self._path} holds rows that are not in the order of time; record it again")
        frames: NDArray[np.int64] = np.round(times).astype(np.int64)
        frames = frames[: np.searchsorted(frames, frame_count)]
        if not len(frames):
            raise RecordingError(f"{self._path} holds no decision that its film shows; record for longer")
        return frames


def _rows(recording: Recording) -> pa.Table:
    try:
        rows = recording.rows
    except (OSError, pa.ArrowException) as error:
        raise RecordingError(f"the rows of {recording.path} cannot be read: {error}") from error
    missing = [field.name for field in ROW_SCHEMA if not field.nullable and field.name not in rows.column_names]
    if missing:
        raise RecordingError(f"the rows of {recording.path} lack {', '.join(missing)}; record it again")
    return rows


class _Places(NamedTuple):
    """Where the pictures stand on the page that a film shows.

    Attributes:
        screen: The player's screen.
        overlay: The screen with relevance; None where there is none.
        native: Rows and columns of both before enlarging.
    """

    screen: Rect
    overlay: Rect | None
    native: tuple[int, int]

    def fit(self, size: tuple[int, int]) -> bool:
        """Whether they lie within a film of so many rows and columns."""
        (height, width), rects = self.native, [rect for rect in (self.screen, self.overlay) if rect]
        return min(height, width) > 0 and all(
            min(rect.x, rect.y) >= 0
            and height <= rect.height <= size[0] - rect.y
            and width <= rect.width <= size[1] - rect.x
            for rect in rects
        )

    def cut(self, page: Picture, rect: Rect) -> Picture:
        """A picture of the page in its own size."""
        height, width = self.native
        return np.asarray(cv2.resize(rect.of(page), (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _places(recording: Recording, size: tuple[int, int]) -> _Places:
    """What the manifest says of the places on a film of so many rows and columns; without a word, all is the screen."""
    said = recording.manifest.get("page")
    if said is None:
        return _Places(Rect(0, 0, size[1], size[0]), None, size)
    try:
        screen, overlay = Rect(*map(int, said["screen"])), said["overlay"]
        height, width = map(int, said["native"])
        places = _Places(screen, overlay and Rect(*map(int, overlay)), (height, width))
    except (KeyError, TypeError, ValueError) as error:
        raise _misplaced(recording, said) from error
    if not places.fit(size):
        raise _misplaced(recording, said)
    return places


def _misplaced(recording: Recording, said: object) -> RecordingError:
    return RecordingError(f"{recording.path}: the manifest's `page` is no account of places on its film: {said!r}")


class _Film:
    """Any frame of a film; the next ones are decoded on, for others it goes back to the keyframe before.

    H.264 keeps no checksums: a hole in a film is an error, a few flipped bits are a smear.

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
        self._start = self._stream.start_time or 0
        self._frames: Iterator[av.VideoFrame] = iter(())
        self._number, self._picture = -1, np.zeros((*self.size, 3), np.uint8)

    def frame(self, number: int) -> Picture:
        """The frame of this number, from 0: uint8 (height, width, 3), RGB.

        Raises:
            RecordingError: If it is damaged or missing.
        """
        if number == self._number:
            return self._picture
        try:
            frame = self._find(number)
        except Exception as error:  # a damaged film raises anything
            self._number = -1
            raise self._damaged(number) from error
        self._number, self._picture = number, np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
        return self._picture

    def close(self) -> None:
        """Close the file."""
        self._undo.close()

    def _find(self, number: int) -> av.VideoFrame:
        if not 0 <= self._number < number <= self._number + _DECODED_ON * self._fps:
            self._seek(number)
        for frame in self._frames:
            at = self._number_of(frame)
            if at == number and not frame.is_corrupt:
                return frame
            if at >= number:
                break
        raise EOFError

    def _seek(self, number: int) -> None:
        assert self._stream.time_base is not None
        time = self._start + round(number / (self._fps * self._stream.time_base))
        self._container.seek(time, stream=self._stream)
        self._frames = self._container.decode(self._stream)

    def _number_of(self, frame: av.VideoFrame) -> int:
        assert self._stream.time_base is not None
        return -1 if frame.pts is None else round((frame.pts - self._start) * self._stream.time_base * self._fps)

    def _damaged(self, number: int) -> RecordingError:
        return RecordingError(f"{self._path} is damaged: frame {number} cannot be read; record it again")
