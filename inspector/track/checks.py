"""What has to hold before a track begins, so that nothing is worked on in vain."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Any, TypeVar

from inspector.atari.environment import make_environment
from inspector.atari.objects.choice import find_for
from inspector.errors import RecordingError, UsageError
from inspector.explaining import resolve_action
from inspector.files import write_error
from inspector.load import CheckpointSeries
from inspector.probe import ProbeSet
from inspector.track.atoms import MOST_OBJECTS
from inspector.track.plan import Settings, rules_of
from inspector.track.work import Explaining

S = TypeVar("S")

_ALIKE = ("environment", "preprocessing", "action_count")


def checked_series(series: Sequence[S], alike: Sequence[str] = _ALIKE) -> list[S]:
    """The series, with a number behind a name that another has too.

    Args:
        series: Of one kind: `CheckpointSeries`, or those of an agent that watches videos.
        alike: Attributes in which all have to be alike.

    Raises:
        UsageError: If they do not fit each other, or one has a single checkpoint.
    """
    known: Sequence[Any] = series
    first = known[0]
    for one in known:
        for name in alike:
            if getattr(one, name) != getattr(first, name):
                raise UsageError(
                    f"{one.name} has another {name.replace('_', ' ')} ({getattr(one, name)}) than {first.name} "
                    f"({getattr(first, name)}): series of one setting belong together"
                )
        if len(one.members) < 2:
            raise UsageError(
                f"{one.name} has one checkpoint ({one.members[0].checkpoint.path}), and a track needs at least two: "
                "name the folder of the whole run, or use `inspector record` for one"
            )
    return _told_apart(known)


def _told_apart(series: Sequence[Any]) -> list[Any]:
    each: dict[str, Any] = {}
    for one in series:
        numbered = (f"{one.name} ({number})" for number in count(2))
        name = next(name for name in chain([one.name], numbered) if name not in each)
        each[name] = replace(one, name=name)
    return list(each.values())


def checked_settings(series: Sequence[CheckpointSeries], settings: Settings) -> Settings:
    """The settings with actions by their number, and each explanation once.

    Raises:
        UsageError: If there is no such target or composite, the file of regions does not serve, or ATOMs are asked of
            too many.
    """
    one = series[0]
    regions = len(find_for(one.environment, settings.regions).names)
    if settings.atoms and regions > MOST_OBJECTS:
        raise UsageError(f"ATOMs tell at most {MOST_OBJECTS} regions apart, and there are {regions}: draw fewer")
    with closing(make_environment(one.environment, one.preprocessing, one.action_count)) as game:
        names = game.action_names
    each: dict[Explaining, None] = {}
    for explaining in settings.explanations:
        rules_of(explaining.composite)
        action = resolve_action(explaining.target, names)
        each[explaining if action is None else replace(explaining, target=str(action))] = None
    return replace(settings, explanations=tuple(each))


def check_probe(probe: ProbeSet, one: CheckpointSeries, settings: Settings) -> None:
    """See that a probe set is one of these agents and these regions.

    Raises:
        UsageError: If it is not.
    """
    probe.check(one.environment, one.preprocessing)
    names = find_for(one.environment, settings.regions).names
    drawn = settings.regions.read_text("utf-8") if settings.regions else None
    if probe.names != names or probe.facts.get("regions", drawn) != drawn:
        raise UsageError(
            f"the probe set has other regions ({', '.join(probe.names)}) than own play would have "
            f"({', '.join(names)}): give the --regions that it was made with, or leave --probe out"
        )


def prepare_folder(folder: Path, *, resume: bool) -> None:
    """Make the folder.

    Raises:
        RecordingError: If it cannot be made, or holds something.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = next(folder.iterdir(), None)
    except OSError as error:
        raise write_error(folder, error) from error
    if there and not resume:
        raise RecordingError(f"{folder} holds something ({there.name}): choose another folder, or go on with --resume")
