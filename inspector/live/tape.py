"""A finished recording as a tape: any decision at once, its row and its pictures out of the film."""

import math
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from inspector.draw.layout import Rect
from inspector.errors import RecordingError
from inspector.live.reel import Reel
from inspector.recording import Recording
from inspector.rows import ROW_SCHEMA

Picture = NDArray[np.uint8]


class Tape:
    """Random access to the decisions of a recording.

    It ends with the last decision that the film still shows: of a recovered recording the film can lack the last
    second. Where the film is slower than the game, several decisions fall on one of its frames, which shows the last
    of them; the others have no frame of their own.

    Args:
        recording: A finished one.

    Attributes:
        fps: Frames a second of the film.
        frames: Number of the film's frame in which each decision appears, from 0, ascending, int64 (decisions,).
        own: Whether that frame shows this decision, bool (decisions,).

    Raises:
        RecordingError: If its rows or its film cannot be read, do not fit together, or hold no decision.
    """

    def __init__(self, recording: Recording) -> None:
        self._path, self._rows = recording.path, _rows(recording)
        self.fps, frame_count = _film_facts(recording)
        self.frames = self._frames(frame_count)
        self.own: NDArray[np.bool_] = np.diff(self.frames, append=np.iinfo(np.int64).max) > 0
        self._film = Reel(recording.video, self.fps)
        try:
            self._places = _places(recording, self._film.size)
            self._before = self._frames_before() if self._places.known else self.frames
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of its pictures."""
        return self._places.native

    @property
    def has_overlay(self) -> bool:
        """Whether the film shows relevance."""
        return self._places.overlay is not None

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
        """The screen before a decision, and the screen that was decided on with relevance over it.

        The first is the player's screen in the film's last frame before the decision took effect: that which was
        decided on, as near as the film has it. A game's first decision has none before, and takes the first after.

        Returns:
            Both in the screen's own size, uint8 (height, width, 3), RGB. The second is None where nothing was
            explained, and for a decision without a frame of its own. A recording that does not say where its pictures
            stand shows the whole film as the screen, in the frame in which the decision appears.

        Raises:
            IndexError: If there is no decision of this number.
            RecordingError: If the film is damaged there.
        """
        self._check(place)
        places = self._places
        screen = places.cut(self._film.frame(int(self._before[place])), places.screen)
        if places.overlay is None or not self.own[place]:
            return screen, None
        return screen, places.cut(self._film.frame(int(self.frames[place])), places.overlay)

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

    def _frames_before(self) -> NDArray[np.int64]:
        """The film's last frame before each decision took effect, but none of another game."""
        begins = self.rows["step"].to_numpy() == 0
        begins[0] = True
        first = np.maximum.accumulate(np.where(begins, self.frames, 0))
        return np.maximum(self.frames - 1, first)


def _film_facts(recording: Recording) -> tuple[float, int]:
    """Frames a second of the film, and their number, as the manifest says."""
    film, counts = recording.manifest["film"], recording.manifest["counts"]
    try:
        fps, frame_count = float(film["fps"]), int(counts["frames"])
    except (KeyError, TypeError, ValueError):
        fps, frame_count = 0.0, 0
    if not (math.isfinite(fps) and fps > 0):
        raise RecordingError(f"{recording.path}: the manifest does not say what its film is; record it again")
    return fps, frame_count


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
        known: Whether the recording tells; else the screen is the whole page.
    """

    screen: Rect
    overlay: Rect | None
    native: tuple[int, int]
    known: bool = True

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
        return _Places(Rect(0, 0, size[1], size[0]), None, size, known=False)
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
