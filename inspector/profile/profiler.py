"""Profile a video classifier over a folder of labelled videos: what `inspector profile` does."""

import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from inspector.clips.agent import ClipAgent
from inspector.clips.identity import digest_of
from inspector.errors import InspectorError, UsageError
from inspector.profile.folder import Labelled, LeftOut, find_videos
from inspector.profile.gathering import gathered
from inspector.profile.places import Places
from inspector.profile.plan import Plan, Read, Settings, parts_of, read_of
from inspector.profile.result import Result
from inspector.profile.work import Opener, Trouble
from inspector.sweep import Arrays, Progress, Store
from inspector.sweep.run import Engine
from inspector.track.claim import UNITS
from inspector.track.doing import Work
from inspector.track.plan import rules_of


def profile(
    open_agent: Callable[[], ClipAgent],
    source: Path,
    settings: Settings,
    folder: Path,
    engine: Engine,
    *,
    on_progress: Callable[[str, Progress], None] | None = None,
) -> Result:
    """Explain clips of labelled videos at several strides, and compare them with networks of random weights.

    Args:
        open_agent: Opens the agent, here and in other processes.
        source: A folder with a subfolder of videos for each class.
        settings: What is asked.
        folder: Where pieces of work are kept; what was done there before is not done again.
        engine: Who does the work.
        on_progress: Called with the name of a part of the work after each piece of it.

    Raises:
        UsageError: If there are no videos of a class, none is long enough, or there is no such composite.
        InspectorError: If a piece of work cannot be done, or no clip has any relevance.
    """
    rules_of(settings.composite)  # one that is not there is said before any work
    agent = open_agent()
    places = Places(agent.recipe.frames, settings.strides)
    videos, left_out = find_videos(source, agent.class_names)
    work = Work(Store(folder / UNITS), engine, on_progress)
    read, lost = _read(videos, agent, places, folder, work)
    left_out += lost
    if not read:
        raise UsageError(_nothing(left_out))
    plan = Plan(Opener(digest_of(agent), open_agent), places, settings, read)
    _do(plan, settings, work)
    return gathered(agent, source, settings, places, plan, work, left_out)


def drop_frames(folder: Path) -> None:
    """Delete the frames that were read, which take room and are quickly read again."""
    for path in (folder / UNITS).glob("*.npz"):
        with suppress(OSError, ValueError, EOFError, zipfile.BadZipFile):  # a damaged file is told of where it is used
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                is_read = "clips" in stored.files and "covers" in stored.files
            if is_read:
                path.unlink(missing_ok=True)


def _read(
    videos: Sequence[Labelled], agent: ClipAgent, places: Places, folder: Path, work: Work
) -> tuple[list[Read], list[LeftOut]]:
    """The frames of the videos, and the videos that have none to give."""
    parts = parts_of(videos, agent, places)
    work.do("videos", [part.reading for part in parts])
    _check_done(work)
    read: list[Read] = []
    left_out: list[LeftOut] = []
    for part in parts:
        for found in work.results([part.reading]):
            left_out += _left_out(part.videos, found)
            if one := read_of(part, found, folder / UNITS):
                read.append(one)
    return read, left_out


def _left_out(videos: Sequence[Labelled], found: Arrays) -> list[LeftOut]:
    rows = zip(videos, found["trouble"].tolist(), found["reason"].tolist(), strict=True)
    return [LeftOut(video.name, reason) for video, trouble, reason in rows if trouble != Trouble.NONE]


def _nothing(left_out: Sequence[LeftOut]) -> str:
    first = left_out[0]
    return (
        f"none of the {sum(one.videos for one in left_out)} videos serves: {first.name} {first.reason}; "
        "give smaller --strides, longer videos, or another folder"
    )


def _do(plan: Plan, settings: Settings, work: Work) -> None:
    """All that explains and decides; InspectorError if some of it cannot be done."""
    own = [plan.explaining, plan.deciding]
    work.do("clips", [unit for units in own for stride in settings.strides for unit in units(stride)])
    _check_done(work)
    random = [unit for seed in plan.random_seeds for stride in settings.strides
              for unit in plan.explaining(stride, seed)]  # fmt: skip
    work.do("random weights", random)
    _check_done(work)


def _check_done(work: Work) -> None:
    if work.failures:
        one = work.failures[0]
        raise InspectorError(f"{one.name}: {one.reason} ({len(work.failures)} pieces of work failed)")
