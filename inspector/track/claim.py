"""A folder that a track or a profile works in: one at a time, and as it was if nothing comes of it."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from inspector.errors import RecordingError
from inspector.files import lock, remove, write_error, write_json
from inspector.track.checks import prepare_folder

LOCK_FILE, UNITS = ".lock", "units"


@contextmanager
def claimed_folder(
    settings: Path, asked: Mapping[str, Any], *, resume: bool, kind: str, is_one: Callable[[Path], bool]
) -> Iterator[None]:
    """Write down what is asked before any work; an error before the first result leaves the folder as it was.

    Args:
        settings: File that keeps what is asked, in the folder where the work lands.
        asked: What decides its numbers.
        resume: Go on in a folder that holds such work.
        kind: What it is called: `track`, `profile`.
        is_one: Whether a folder that holds something holds such work.

    Raises:
        RecordingError: If the folder cannot be made, holds something that is not to be resumed or is no such work, or
            somebody is at work in it.
    """
    folder = settings.parent
    there = folder.is_dir()
    prepare_folder(folder, resume=resume)
    untouched = not any(folder.iterdir())
    if not untouched and not is_one(folder):  # a recording has a manifest as well
        raise RecordingError(
            f"{folder} holds something that is no {kind}, and nothing to resume: choose another folder"
        )
    with _locked(folder, kind):
        try:
            write_json(settings, {"status": "running", "asked": asked})
            yield
        except Exception:  # of whatever kind: an empty folder is of no use to anybody
            if untouched and not any(folder.glob(f"{UNITS}/*.npz")):
                shutil.rmtree(folder, ignore_errors=True)
                if there:
                    folder.mkdir(exist_ok=True)
            raise


@contextmanager
def _locked(folder: Path, kind: str) -> Iterator[None]:
    """Keep others from working in the folder; the lock goes with the process, however that ends."""
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise write_error(folder / LOCK_FILE, error) from error
    try:
        if not lock(descriptor):
            raise RecordingError(f"another {kind} is at work in {folder}: wait until it ends, or stop it first")
        try:
            yield
        finally:
            remove(folder / LOCK_FILE)
    finally:
        os.close(descriptor)
