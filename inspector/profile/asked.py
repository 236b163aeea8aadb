"""What was asked of a profile: kept in its folder, so that `--resume` goes on with the same and mixes nothing."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inspector.errors import RecordingError, UsageError
from inspector.files import lock, remove, to_json, write_error, write_json
from inspector.profile.folder import Labelled
from inspector.profile.plan import VERSION, Settings
from inspector.profile.profiler import UNITS
from inspector.provenance import versions
from inspector.track.checks import prepare_folder
from inspector.track.plan import rules_of
from inspector.track.work import Explaining

SETTINGS_FILE, LOCK_FILE = "profile.json", ".lock"

Asked = Mapping[str, Any]
"""What `asked_of` gives, as JSON knows it."""


def asked_of(digest: str, videos: Sequence[Labelled], settings: Settings) -> Asked:
    """All that decides the numbers of a profile.

    Args:
        digest: Of the agent.
        videos: That were found.
        settings: What was chosen.
    """
    chosen = {name: value for name, value in asdict(settings).items() if name != "device"}
    rules = rules_of(Explaining(settings.composite, "score"))
    files = {video.name: video.digest for video in videos}
    whole = {"version": VERSION, "agent": digest, "settings": chosen | {"rules": rules}, "videos": files}
    found: Asked = json.loads(to_json({**whole, "versions": versions()}))
    return found


def check_same(folder: Path, asked: Asked) -> None:
    """See that a folder that is to be resumed was asked the same, or less.

    Raises:
        UsageError: If it was asked something else.
        RecordingError: If what was asked cannot be read.
    """
    made = _read(folder)
    if made is None:
        return
    old, new = made["asked"], asked
    kinds = {"target": "target", "rules": "composite", "seed": "seed"}
    different = [kind for name, kind in kinds.items() if old["settings"].get(name) != new["settings"][name]]
    if old["agent"] != new["agent"]:
        different.insert(0, "agent")
    missing = [
        f"{what} {', '.join(map(str, lost))}"
        for what, lost in (
            ("strides", sorted(set(old["settings"]["strides"]) - set(new["settings"]["strides"]))),
            ("videos", sorted(set(old["videos"]) - set(new["videos"]))[:3]),
        )
        if lost
    ]
    if different or missing:
        told = [f"made with another {' and '.join(different)}"] * bool(different)
        told += [f"made with {' and '.join(missing)}, not asked now"] * bool(missing)
        raise UsageError(f"{folder}: {'; '.join(told)}: choose another folder, or ask the same or more")


def is_finished(folder: Path, asked: Asked) -> bool:
    """Whether the very same was asked, and all of it is done."""
    return _read(folder) == {"status": "finished", "asked": asked}


@contextmanager
def claimed(folder: Path, asked: Asked, *, resume: bool) -> Iterator[None]:
    """Write down what is asked before any work; an error before the first result leaves the folder as it was.

    Raises:
        RecordingError: If the folder cannot be made, holds something that is not to be resumed or is no profile, or
            somebody is at work in it.
    """
    there = folder.is_dir()
    prepare_folder(folder, resume=resume)
    untouched = not any(folder.iterdir())
    if not untouched and _read(folder) is None:
        raise RecordingError(
            f"{folder} holds something that is no profile, and nothing to resume: choose another folder"
        )
    with _locked(folder):
        try:
            write_json(folder / SETTINGS_FILE, {"status": "running", "asked": asked})
            yield
        except Exception:  # of whatever kind: an empty folder is of no use to anybody
            if untouched and not any(folder.glob(f"{UNITS}/*.npz")):
                shutil.rmtree(folder, ignore_errors=True)
                if there:
                    folder.mkdir(exist_ok=True)
            raise


def finish(folder: Path, asked: Asked) -> None:
    """Note that all is done."""
    write_json(folder / SETTINGS_FILE, {"status": "finished", "asked": asked})


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep others from working in the folder; the lock goes with the process, however that ends."""
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise write_error(folder / LOCK_FILE, error) from error
    try:
        if not lock(descriptor):
            raise RecordingError(f"another profile is at work in {folder}: wait until it ends, or stop it first")
        try:
            yield
        finally:
            remove(folder / LOCK_FILE)
    finally:
        os.close(descriptor)


def _read(folder: Path) -> dict[str, Any] | None:
    path = folder / SETTINGS_FILE
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
        asked = found["asked"]
        known = {"agent", "settings", "videos"} <= asked.keys() and {"strides", "target"} <= asked["settings"].keys()
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise RecordingError(f"{path} cannot be read ({error}): choose another folder") from error
    if not known:
        raise RecordingError(f"{path} is no profile's: choose another folder")
    return dict(found)
