"""Writing a recording, so that it is whole or says that it is not."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import RecordingError
from inspector.files import plain, remove
from inspector.folder import (
    FILM,
    FORMAT,
    MANIFEST,
    MAP_JOURNAL,
    MAPS,
    ROWS,
    THUMBNAIL,
    UNFINISHED,
    Recording,
    begin,
    claim,
    finalise,
)
from inspector.journal import JournalWriter
from inspector.mapfile import encode_map
from inspector.rows import encode_row
from inspector.video import VideoWriter

__all__ = ["FILM", "MANIFEST", "MAPS", "ROWS", "THUMBNAIL", "Recording", "RecordingWriter"]


class RecordingWriter:
    """Writes a recording: film, rows, and relevance maps if asked for, each readable at any time.

    Nothing in the folder is touched before the first frame, row or map is added. From then on the manifest says
    `recording` until `close` has renamed every file into place; a recording that was killed, or that a full disk
    ended, is finished by `inspector.recovery.recover`. Memory does not grow with length.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        manifest: Mapping[str, Any],
        *,
        width: int,
        height: int,
        fps: int | Fraction,
        overwrite: bool = False,
        save_relevance: bool = False,
        threads: int = 2,
        timed: bool = False,
    ) -> None:
        """Check that the recording can be made, and make its folder.

        Args:
            folder: Made if it is not there, with its parents.
            manifest: What to say of the recording; numpy scalars, paths and dataclasses are made plain. It goes into
                the film's comment too, but for its `command`; its `title` is the film's.
            width: Columns of the frames.
            height: Rows of the frames.
            fps: Frames a second.
            overwrite: Replace the files of a recording that is there; nothing else is ever deleted.
            save_relevance: Keep relevance maps.
            threads: Threads of the encoder; part of what the film's bytes depend on.
            timed: Frames come with times of their own, and `fps` is their mean rate.

        Raises:
            RecordingError: If the folder cannot be written, or holds something and `overwrite` is not given.
            TypeError: If the manifest holds what JSON cannot.
        """
        self.folder = Path(folder)
        said: dict[str, Any] = plain(manifest)
        film = {"width": width + width % 2, "height": height + height % 2, "fps": float(fps), "timed": timed}
        self._manifest = {**said, "format": FORMAT, "format_version": 1, "status": UNFINISHED, "film": film}
        title = {"title": str(said["title"])} if "title" in said else {}
        told = {name: value for name, value in said.items() if name != "command"}  # the film's bytes know no folder
        tags = {**title, "comment": json.dumps(told, ensure_ascii=False)}
        self._begin_film = partial(
            VideoWriter,
            self.folder / FILM,
            width=width,
            height=height,
            fps=fps,
            threads=threads,
            metadata=tags,
            timed=timed,
        )
        self._save_relevance = save_relevance
        self._parts: tuple[JournalWriter, VideoWriter] | None = None
        self._maps: JournalWriter | None = None
        self._map_shape: tuple[int, ...] = ()
        self._thumbnail: NDArray[np.uint8] | None = None
        self._failure: RecordingError | None = None
        self._outcome: Recording | RecordingError | None = None
        claim(self.folder, overwrite)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._outcome is not None

    def add_frame(self, frame: NDArray[np.uint8], seconds: float | None = None) -> None:
        """Append a frame to the film: uint8 RGB, (height, width, 3); with its time, if the film is `timed`.

        Raises:
            ValueError: If its shape or type is another.
            RecordingError: If it cannot be written.
        """
        with self._noting_failure():
            _, film = self._started()
            film.add(frame, seconds)

    def add_row(self, row: Mapping[str, Any]) -> None:
        """Append the row of a decision; when this returns, a kill cannot lose it.

        Raises:
            ValueError: If it does not fit `inspector.rows.ROW_SCHEMA`.
            RecordingError: If it cannot be written.
        """
        record = encode_row(row)
        with self._noting_failure():
            journal, _ = self._started()
            journal.append(record)

    def add_relevance(self, values: NDArray[np.float32]) -> None:
        """Append the relevance map of a decision, float32; without `save_relevance` nothing happens.

        Raises:
            ValueError: If its shape is another than the first one's.
            RecordingError: If it cannot be written.
        """
        if not self._save_relevance:
            return
        with self._noting_failure():
            self._started()
            if self._maps is None:
                self._maps, self._map_shape = JournalWriter(self.folder / MAP_JOURNAL), values.shape
            if values.shape != self._map_shape:
                raise ValueError(f"a relevance map has shape {self._map_shape}, not {values.shape}")
            self._maps.append(encode_map(values))

    def set_thumbnail(self, frame: NDArray[np.uint8]) -> None:
        """Choose the picture of the recording, uint8 RGB (height, width, 3); else it is the film's middle."""
        self._thumbnail = frame.copy()

    def _started(self) -> tuple[JournalWriter, VideoWriter]:
        """Journal and film; the first call begins on disk, and holds the journal's lock from then on."""
        if self.closed:
            raise RecordingError(f"the recording in {self.folder} is closed; start another")
        if self._parts is None:
            journal = begin(self.folder, self._manifest)
            try:
                self._parts = journal, self._begin_film()
            except RecordingError:
                remove(self.folder / FILM)
                remove(self.folder / MANIFEST)
                journal.close(delete=True)
                raise
        return self._parts

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        """Keep the first error: what follows from it, up to closing, shall not hide it."""
        try:
            yield
        except RecordingError as error:
            self._failure = self._failure or error
            raise

    def close(self, status: str = "complete") -> Recording:
        """Finish every file, then say so in the manifest. A second call gives the same again.

        Ctrl-C while it closes breaks it off once the film is whole; the manifest then says `recording`, as after a
        kill, unless all was done.

        Args:
            status: `complete`, `interrupted` or `failed`. A recording whose film or maps could not be written whole
                is `failed` whatever is said here.

        Returns:
            The recording. One that failed before anything was added is nowhere on disk.

        Raises:
            RecordingError: The first error met in writing, or if nothing was added.
        """
        if self._outcome is None:
            self._outcome = RecordingError(f"closing {self.folder} was interrupted; {self._kept}")
            try:
                self._outcome = self._finish(status)
            except RecordingError as error:
                self._outcome = error
        if isinstance(self._outcome, RecordingError):
            raise self._outcome
        return self._outcome

    def _finish(self, status: str) -> Recording:
        if self._parts is None:
            if status == "failed":
                return Recording(self.folder, {**self._manifest, "status": status})
            raise self._failure or RecordingError(f"nothing was recorded in {self.folder}: play for longer")
        journal, film = self._parts
        frame_count = None
        with journal, self._maps or nullcontext():
            with suppress(RecordingError), self._noting_failure():
                frame_count = film.close()
            manifest = self._finalise("failed" if self._failure else status, journal, frame_count)
        if self._failure is not None:
            raise self._failure
        return Recording(self.folder, manifest)

    def _finalise(self, status: str, journal: JournalWriter, frame_count: int | None) -> dict[str, Any]:
        try:
            return finalise(
                self.folder,
                self._manifest,
                status,
                journal,
                self._maps,
                frame_count=frame_count,
                thumbnail=self._thumbnail,
            )
        except (RecordingError, OSError) as error:
            raise RecordingError(f"{self._failure or error}; {self._kept}") from error

    @property
    def _kept(self) -> str:
        return f"what was recorded is kept, finish it with: inspector recover {self.folder}"

    def __enter__(self) -> "RecordingWriter":
        """The writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Finish the recording: as `interrupted` by Ctrl-C, as `failed` by any other exception."""
        if error is None:
            self.close()
            return
        try:
            self.close("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
        except RecordingError as second:
            if not isinstance(error, RecordingError):
                error.add_note(str(second))
            elif second is not error:
                raise second from error
