"""What was asked of a track: kept in its folder from the beginning on, so that `--resume` never mixes two askings."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inspector.errors import RecordingError, UsageError
from inspector.files import to_json, write_json
from inspector.load import CheckpointSeries
from inspector.probe import ProbeSet
from inspector.provenance import versions
from inspector.track.claim import claimed_folder
from inspector.track.plan import Settings, rules_of
from inspector.track.words import counted

SETTINGS_FILE = "settings.json"

Asked = Mapping[str, Any]
"""What `asked_of` gives, as JSON knows it."""

_PARTS = {"settings", "explanations", "probe", "recipe", "series", "versions"}

_FLAGS = {
    "probe_states": "--probe-steps",
    "probe_games": "--probe-games",
    "probe_clips": "--probe-steps",
    "videos": "--video",
    "stride": "--stride",
    "max_steps": "--max-steps",
    "seed": "--seed",
    "random_networks": "untrained networks",
    "regions": "--regions",
}
_OF_A_NEW_PROBE_SET = ("probe_states", "probe_games", "probe_clips", "videos", "stride")


def asked_of(series: Sequence[CheckpointSeries], settings: Settings, probe: ProbeSet | None) -> Asked:
    """All that decides the numbers of a track.

    Args:
        series: Training runs.
        settings: What was chosen, as `checked_settings` gives it.
        probe: The probe set that was given; None if one is made.
    """
    chosen = {name: value for name, value in asdict(settings).items() if name not in ("explanations", "device")}
    chosen["regions"] = settings.regions.read_text("utf-8") if settings.regions else None
    whole = {
        "settings": chosen,
        "explanations": {f"{one.composite} of {one.target}": rules_of(one.composite) for one in settings.explanations},
        "probe": probe.digest if probe else None,
        "recipe": {"environment": series[0].environment} | asdict(series[0].preprocessing),
        "series": {one.name: {m.frames: m.checkpoint.sha256 for m in one.members} for one in series},
        "versions": versions(),
    }
    found: Asked = json.loads(to_json(whole))
    return found


def asked_before(folder: Path) -> Asked | None:
    """What was asked of a folder; None if it holds no track.

    Raises:
        RecordingError: If that cannot be read.
    """
    found = _read(folder)
    return found and found["asked"]


def is_finished(folder: Path, asked: Asked) -> bool:
    """Whether the very same was asked, and all of it is done."""
    return _read(folder) == {"status": "finished", "asked": asked}


def claimed(folder: Path, asked: Asked, *, resume: bool) -> AbstractContextManager[None]:
    """Write down what is asked before any work; as `claimed_folder`."""
    settings = folder / SETTINGS_FILE
    return claimed_folder(
        settings, asked, resume=resume, kind="track", is_one=lambda one: asked_before(one) is not None
    )


def finish(folder: Path, asked: Asked) -> None:
    """Note that all is done."""
    write_json(folder / SETTINGS_FILE, {"status": "finished", "asked": asked})


def check_same(folder: Path, made: Asked, asked: Asked) -> None:
    """See that nothing is asked otherwise than before; more may be.

    Raises:
        UsageError: If something is, or something is missing.
    """
    found = "; ".join((*_changed(made, asked), *_missing(made, asked)))
    if found:
        raise UsageError(f"{folder}: {found}: choose another folder, or ask the same or more")


def additions(made: Asked, asked: Asked) -> list[str]:
    """What is asked beyond what was, in a few words each."""
    seeds = [seed for seed in asked["settings"]["seeds"] if seed not in made["settings"]["seeds"]]
    found = [f"--seeds {_listed(seeds)}"] if seeds else []
    return [*found, *_lacking(asked, made), *(["ATOMs"] if _atoms(asked) > _atoms(made) else [])]


def _changed(made: Asked, asked: Asked) -> Iterator[str]:
    """Choices that are not the same."""
    given = made["probe"] or asked["probe"]
    if made["probe"] != asked["probe"]:
        yield _otherwise("--probe", made["probe"], asked["probe"])
    for name, flag in _FLAGS.items():
        old, new = made["settings"].get(name), asked["settings"].get(name)
        if old != new and not (given and name in _OF_A_NEW_PROBE_SET):
            yield _otherwise(flag, old, new)
    for name, new in asked["recipe"].items():
        if made["recipe"].get(name) != new:
            yield _otherwise(name.replace("_", " "), made["recipe"].get(name), new)
    old, new = next(iter(made["explanations"])), next(iter(asked["explanations"]))
    if old != new and old in asked["explanations"]:
        yield _otherwise("the first explanation", old, new)  # under it alone own play is explained


def _missing(made: Asked, asked: Asked) -> Iterator[str]:
    """What was asked and is not any more."""
    old, new = made["settings"]["seeds"], asked["settings"]["seeds"]
    if set(old) - set(new):
        yield _otherwise("--seeds", _listed(old), _listed(new))
    lacking = [*_lacking(made, asked), *(["--atoms"] if _atoms(made) > _atoms(asked) else [])]
    if lacking:
        yield f"made with {', '.join(lacking)}, not asked now"
    for name, rules in made["explanations"].items():
        if asked["explanations"].get(name, rules) != rules:
            yield f"the rules of {name} have changed"


def _lacking(one: Asked, other: Asked) -> Iterator[str]:
    """Explanations and checkpoints that another asking has not."""
    yield from (name for name in one["explanations"] if name not in other["explanations"])
    for name, files in one["series"].items():
        count = len(files.items() - other["series"].get(name, {}).items())
        if count:
            yield f"{counted(count, 'checkpoint')} of {name}"


def _atoms(asked: Asked) -> bool:
    return bool(asked["settings"].get("atoms"))


def _otherwise(name: str, old: object, new: object) -> str:
    """How a choice differs: with both values, unless they are whole files."""
    if name not in ("--regions", "--probe"):
        return f"made with {name} {old}; asked {new}"
    if old and new:
        return f"made with another file as {name}"
    return f"made with{'' if old else 'out'} {name}; asked with{'' if new else 'out'}"


def _listed(seeds: Sequence[int]) -> str:
    return ",".join(map(str, seeds))


def _read(folder: Path) -> dict[str, Any] | None:
    path = folder / SETTINGS_FILE
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RecordingError(f"{path} cannot be read: {error}; choose another folder") from error
    asked = found.get("asked") if isinstance(found, dict) else None
    if not isinstance(asked, dict) or not asked.keys() >= _PARTS:  # runs of our trainer have a file of this name
        raise RecordingError(f"{path} is no track's: choose another folder")
    return dict(found)
