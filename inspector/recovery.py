"""Finish a recording whose recorder was killed, with all that is there."""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from inspector.errors import RecordingError
from inspector.folder import JOURNAL, MAP_JOURNAL, ROWS, UNFINISHED, finalise, read_manifest
from inspector.journal import JournalWriter
from inspector.recording import Recording


@dataclass(frozen=True, slots=True)
class Recovered:
    """What `recover` found and did.

    Attributes:
        recording: The recording, now finished.
        was_finished: It was finished before; at most left-over journals were removed.
        frame_count: Frames of the film.
        row_count: Rows of the table.
        map_count: Relevance maps, 0 if none were saved.
        torn_bytes: Bytes of a half-written row, cut off the journal.
    """

    recording: Recording
    was_finished: bool
    frame_count: int
    row_count: int
    map_count: int
    torn_bytes: int


def recover(folder: str | os.PathLike[str]) -> Recovered:
    """Finish a recording that was cut off: the film up to its last whole second, every row that was complete.

    Can be called again at any time, also after it was cut off itself.

    Args:
        folder: Of the recording.

    Returns:
        What is there now; a finished recording stays as it is.

    Raises:
        RecordingError: If there is no recording, it is still being recorded, or a file cannot be written.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if manifest["status"] != UNFINISHED:
        recording = Recording.load(folder)
        _remove_journals(folder)
        return _report(recording, was_finished=True, torn_bytes=0)
    if (folder / ROWS).is_file() and not (folder / JOURNAL).is_file():
        raise RecordingError(f"{folder} lacks {JOURNAL}, which held its rows; record it again")
    with JournalWriter(folder / JOURNAL) as journal, _maps(folder) as maps:
        manifest = finalise(folder, manifest, "recovered", journal, maps, frame_count=None)
    return _report(Recording(folder, manifest), was_finished=False, torn_bytes=journal.torn_bytes)


def _maps(folder: Path) -> AbstractContextManager[JournalWriter | None]:
    return JournalWriter(folder / MAP_JOURNAL) if (folder / MAP_JOURNAL).is_file() else nullcontext()


def _remove_journals(folder: Path) -> None:
    """Delete what a kill between the claim and the last clearing up left over."""
    for path in (folder / JOURNAL, folder / MAP_JOURNAL):
        if path.is_file():
            JournalWriter(path).close(delete=True)


def _report(recording: Recording, *, was_finished: bool, torn_bytes: int) -> Recovered:
    counts = recording.manifest["counts"]
    return Recovered(
        recording=recording,
        was_finished=was_finished,
        frame_count=counts["frames"],
        row_count=counts["steps"],
        map_count=counts["relevance_maps"],
        torn_bytes=torn_bytes,
    )
