"""What was asked of a profile: kept in its folder, so that `--resume` goes on with the same and mixes nothing."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inspector.errors import RecordingError, UsageError
from inspector.files import to_json, write_json
from inspector.profile.folder import Labelled
from inspector.profile.plan import VERSION, Settings
from inspector.provenance import versions
from inspector.track.claim import claimed_folder
from inspector.track.plan import rules_of

SETTINGS_FILE = "profile.json"

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
    files = {video.name: video.digest for video in videos}
    whole = {
        "version": VERSION,
        "agent": digest,
        "settings": chosen | {"rules": rules_of(settings.composite)},
        "videos": files,
    }
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


def claimed(folder: Path, asked: Asked, *, resume: bool) -> AbstractContextManager[None]:
    """Write down what is asked before any work; as `claimed_folder`."""
    settings = folder / SETTINGS_FILE
    return claimed_folder(settings, asked, resume=resume, kind="profile", is_one=lambda one: _read(one) is not None)


def finish(folder: Path, asked: Asked) -> None:
    """Note that all is done."""
    write_json(folder / SETTINGS_FILE, {"status": "finished", "asked": asked})


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
