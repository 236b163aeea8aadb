"""The folder that a recording is: its files, reading them, and the order of writing that keeps its claim true."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from inspector.errors import RecordingError
from inspector.files import PART, replacing, to_json, undisturbed, write_error, write_json
from inspector.film import VideoFacts, read_facts, read_frame, remux
from inspector.journal import JournalWriter, read_journal
from inspector.mapfile import write_maps
from inspector.rows import write_table

MANIFEST, FILM, ROWS, JOURNAL = "manifest.json", "video.mp4", "steps.parquet", "steps.journal"
MAPS, MAP_JOURNAL, THUMBNAIL = "relevance.h5", "relevance.journal", "thumbnail.png"
RESULTS = (FILM, ROWS, MAPS, THUMBNAIL)
"""Files of a finished recording beside its manifest; maps only if they were asked for."""

UNFINISHED = "recording"
"""Status of a recording that is still written, or was killed."""

FORMAT = "inspector-recording"

_OWN = frozenset(name + ending for name in (MANIFEST, JOURNAL, MAP_JOURNAL, *RESULTS) for ending in ("", PART))
"""Names that recording into a folder replaces or deletes."""


@dataclass(frozen=True)
class Recording:
    """A finished recording.

    Attributes:
        path: Its folder.
        manifest: What its `manifest.json` says: all that was handed in, and `status` (`complete`, `interrupted`,
            `failed` or `recovered`), `counts` (`frames`, `steps`, `episodes`, `seconds`, `relevance_maps`), `film`
            (`width`, `height`, `fps`, and `timed`: whether frames have times of their own) and `files` (`bytes` and
            `sha256` by name).
    """

    path: Path
    manifest: dict[str, Any]

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> "Recording":
        """Open the recording in a folder.

        Raises:
            RecordingError: If there is none, a file of it is missing, or it is not finished.
        """
        folder = Path(folder)
        manifest = read_manifest(folder)
        if manifest["status"] == UNFINISHED:
            raise RecordingError(
                f"{folder} was cut off or is still being recorded; if it was cut off: inspector recover {folder}"
            )
        for name in manifest["files"]:
            if not (folder / name).is_file():
                raise RecordingError(f"{folder} lacks {name}, which its manifest lists; record it again")
        return cls(folder, manifest)

    @property
    def status(self) -> str:
        """`complete`, `interrupted`, `failed` or `recovered`."""
        return str(self.manifest["status"])

    @property
    def video(self) -> Path:
        """The film."""
        return self.path / FILM

    @property
    def thumbnail(self) -> Path:
        """A picture of the recording, PNG."""
        return self.path / THUMBNAIL

    @property
    def relevance(self) -> Path | None:
        """HDF5 file with the relevance map of every row, in dataset `relevance`; None if they were not saved."""
        return self.path / MAPS if MAPS in self.manifest["files"] else None

    @cached_property
    def rows(self) -> pa.Table:
        """One row a decision, of `inspector.rows.ROW_SCHEMA`; read when first asked for."""
        return pq.read_table(self.path / ROWS)

    @cached_property
    def facts(self) -> VideoFacts:
        """What the film is, by its index."""
        return read_facts(self.video, decode=False)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a recording, finished or not.

    Raises:
        RecordingError: If the folder holds no recording.
    """
    if not folder.is_dir():
        raise RecordingError(f"{folder} is no folder; give the folder of a recording")
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError as error:
        raise RecordingError(f"{folder} is no recording: it has no {MANIFEST}") from error
    except (OSError, ValueError) as error:
        raise RecordingError(f"{folder / MANIFEST} cannot be read: {error}") from error
    if not (isinstance(manifest, dict) and manifest.get("format") == FORMAT and manifest.keys() >= _said(manifest)):
        raise RecordingError(f"{folder} is no recording: {MANIFEST} is not one of a recording")
    return manifest


def _said(manifest: Mapping[str, Any]) -> set[str]:
    """What a manifest must say, unfinished or finished."""
    return {"status", "film"} if manifest.get("status") == UNFINISHED else {"status", "film", "counts", "files"}


def claim(folder: Path, overwrite: bool) -> None:
    """Refuse a folder that cannot be written, or holds what must not be lost; touch nothing in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            names = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise write_error(folder, error) from error
    if names and not overwrite:
        raise RecordingError(f"{folder} is not empty; choose another folder, or replace its recording: --overwrite")
    if foreign := sorted(names & _OWN):
        try:
            read_manifest(folder)
        except RecordingError as error:
            raise RecordingError(f"{folder} holds {foreign[0]} of no recording; choose another folder") from error


def begin(folder: Path, manifest: Mapping[str, Any]) -> JournalWriter:
    """Begin a recording on disk. One that is there goes only when the disk has taken the new manifest."""
    journal = JournalWriter(folder / JOURNAL)
    try:
        with replacing(folder / MANIFEST) as part:
            part.write_bytes(to_json(manifest))
            for name in sorted(_OWN - {MANIFEST, MANIFEST + PART, JOURNAL}):
                (folder / name).unlink(missing_ok=True)
            journal.clear()
    except BaseException:
        journal.close(delete=journal.record_count == 0)
        raise
    return journal


def finalise(
    folder: Path,
    manifest: Mapping[str, Any],
    status: str,
    journal: JournalWriter,
    map_journal: JournalWriter | None,
    *,
    frame_count: int | None,
    thumbnail: NDArray[np.uint8] | None = None,
) -> dict[str, Any]:
    """Make table and maps of their journals, then claim in the manifest what is there; all by renames, the claim last.

    Args:
        folder: Of the recording.
        manifest: What it said so far.
        status: What it shall say.
        journal: Its rows; deleted at the end.
        map_journal: Its relevance maps, if they were saved; deleted at the end.
        frame_count: Frames of the film; None if it must be mended first.
        thumbnail: uint8 RGB; None takes a frame from the middle of the film.

    Returns:
        The manifest as it is now.

    Raises:
        RecordingError: If a file cannot be written; everything recorded is still there, and this can be called again.
    """
    if frame_count is None:
        frame_count = remux(folder / FILM) if (folder / FILM).is_file() else 0
    maps = map_journal.record_count if map_journal else 0
    with replacing(folder / ROWS) as part:
        steps, episodes = write_table(read_journal(journal.path), part)
    if maps and map_journal:
        with undisturbed(), replacing(folder / MAPS) as part:
            write_maps(read_journal(map_journal.path), part)
    seconds = _length(folder, manifest, frame_count)
    if frame_count:
        _write_picture(folder, read_frame(folder / FILM, seconds / 2) if thumbnail is None else thumbnail)
    there = {FILM: frame_count, ROWS: True, MAPS: maps, THUMBNAIL: frame_count}
    counts = {
        "frames": frame_count,
        "steps": steps,
        "episodes": episodes,
        "seconds": seconds,
        "relevance_maps": maps,
    }
    files = {name: _digest(folder / name) for name in RESULTS if there[name]}
    finished = {**manifest, "status": status, "counts": counts, "files": files}
    write_json(folder / MANIFEST, finished)
    journal.close(delete=True)
    if map_journal:
        map_journal.close(delete=True)
    return finished


def _length(folder: Path, manifest: Mapping[str, Any], frame_count: int) -> float:
    """Seconds of the film."""
    if frame_count and manifest["film"].get("timed"):
        return read_facts(folder / FILM, decode=False).seconds
    return float(frame_count / manifest["film"]["fps"])


def _write_picture(folder: Path, picture: NDArray[np.uint8]) -> None:
    _, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    with replacing(folder / THUMBNAIL) as part:
        part.write_bytes(png.tobytes())


def _digest(path: Path) -> dict[str, Any]:
    with open(path, "rb") as file:
        return {"bytes": os.fstat(file.fileno()).st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
