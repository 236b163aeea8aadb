"""The film over training: some clips, explained under every checkpoint, each frame at its own time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inspector.clip_track.film_clips import ExplainedClip, choose_clips, explained_clips
from inspector.clip_track.tracker import ClipTrack
from inspector.draw.evolution import EvolutionPage, SavedMoment, scale_of
from inspector.draw.layout import PAGE_HEIGHT, PAGE_WIDTH
from inspector.draw.moment import Measure
from inspector.files import replacing
from inspector.sweep import Progress
from inspector.track.evolution import FILM, FPS, beside_each_other
from inspector.track.report import Chapter
from inspector.track.strip import film_facts, shown_of, training_facts
from inspector.video import VideoWriter

CLIPS = 3
"""Clips in a film."""

ROUNDS = 3
"""How often a clip plays under checkpoints beside each other; under one alone it plays once."""

_SECONDS = 1.6
"""A clip lasts about so long, however many frames it has: slow enough to follow."""

_QUALITY = 26
"""Of x264: the noise of a clip, enlarged, would cost much."""

Report = Callable[[str, Progress], None]


class Shot(NamedTuple):
    """What a film shows for a while.

    Attributes:
        clip: Number of the clip among those shown.
        frame: Which of its frames.
        checkpoint: The checkpoint that is marked beside others, or alone.
        alone: Whether it is alone.
    """

    clip: int
    frame: int
    checkpoint: int
    alone: bool


@dataclass(frozen=True, slots=True)
class Script:
    """What a film shows, one shot after another, all of the same length.

    Attributes:
        shots: In the order of time.
        hold: Frames of the film that a shot lasts.
        beside: Checkpoints that stand beside each other.
    """

    shots: tuple[Shot, ...]
    hold: int
    beside: tuple[int, ...]

    def chapters(self, frames: Sequence[int]) -> list[Chapter]:
        """When which checkpoint is marked or alone.

        Args:
            frames: Clips trained of every checkpoint.
        """
        found: list[Chapter] = []
        seconds = self.hold / FPS
        for number, shot in enumerate(self.shots):
            before = self.shots[number - 1] if number else None
            end = (number + 1) * seconds
            if before and before[0] == shot.clip and before[2:] == shot[2:]:
                found[-1] = Chapter(found[-1].frames, found[-1].start, end)
            else:
                found.append(Chapter(frames[shot.checkpoint], number * seconds, end))
        return found


def script_of(clip_count: int, frame_count: int, checkpoint_count: int) -> Script:
    """Each clip first under checkpoints beside each other, some times over, then under each of all alone.

    Args:
        clip_count: Clips to be shown.
        frame_count: Frames of a clip.
        checkpoint_count: Checkpoints there are.
    """
    beside = tuple(beside_each_other(checkpoint_count))
    hold = max(1, round(_SECONDS * FPS / frame_count))
    shots: list[Shot] = []
    for clip in range(clip_count):
        length = ROUNDS * frame_count
        shots += [Shot(clip, at % frame_count, beside[at * len(beside) // length], False) for at in range(length)]
        shots += [Shot(clip, at, one, True) for one in range(checkpoint_count) for at in range(frame_count)]
    return Script(tuple(shots), hold, beside)


def film_clips(
    track: ClipTrack, folder: Path, on_progress: Report | None = None, *, count: int = CLIPS
) -> tuple[Path, list[Chapter]]:
    """Write `evolution.mp4`: the same clips under every checkpoint, and attention over training below.

    Maps of a clip are divided by the size of its relevance, and share one scale. Of several series the first is shown,
    and the film says so. A checkpoint that cannot be explained any more has its place without an overlay, and a warning
    names it. An interrupted film leaves no file.

    Args:
        track: What was found.
        folder: Where the film lands; what is there is replaced.
        on_progress: Called after each checkpoint that was explained and each second that was filmed.
        count: Clips to show.

    Returns:
        The film, and when it shows which checkpoint.

    Raises:
        InspectorError: If no checkpoint can be explained.
        RecordingError: If the film cannot be written.
    """
    clips = explained_clips(track, choose_clips(track, count), on_progress)
    frames = [member.frames for member in track.series[0].members]
    script = script_of(len(clips), track.probe.recipe.frames, len(frames))
    path, total = folder / FILM, -(-len(script.shots) * script.hold // FPS)
    with (
        replacing(path) as part,
        VideoWriter(part, width=PAGE_WIDTH, height=PAGE_HEIGHT, fps=FPS, crf=_QUALITY) as film,
    ):
        for picture in _pictures(_page(track, clips), track, clips, script):
            film.add(picture)
            if on_progress and film.frame_count % FPS == 0:
                second = film.frame_count // FPS
                on_progress("film", Progress(second, total, f"second {second}"))
    return path, script.chapters(frames)


def _page(track: ClipTrack, clips: Sequence[ExplainedClip]) -> EvolutionPage:
    terms, main = track.terms, track.explanations[0]
    maps = [one[frame] for clip in clips for one in clip.maps if one is not None for frame in range(len(one))]
    size = track.probe.recipe.crop
    measure: Measure = "sensitivity" if main.composite == "sensitivity" else "relevance"
    title, facts = f"{terms.title}: same clips, every checkpoint", film_facts(track, terms.targets[main.target])
    strip = training_facts(track, track.series[0])
    return EvolutionPage(title, facts, strip, size, size, scale_of(maps, size), measure)


def _pictures(
    page: EvolutionPage, track: ClipTrack, clips: Sequence[ExplainedClip], script: Script
) -> Iterator[NDArray[np.uint8]]:
    """Every frame of the film; each is the same picture, drawn anew."""
    shown = [
        [shown_of(track, number, clip.explained) for number in range(len(track.series[0].members))] for clip in clips
    ]
    for shot in script.shots:
        clip, each = clips[shot.clip], shown[shot.clip]
        moment = _moment(clip, shot, len(clips))
        if shot.alone:
            page.show_large(moment, each[shot.checkpoint])
        else:
            chosen = [each[number] for number in script.beside]
            page.show_beside(moment, chosen, script.beside.index(shot.checkpoint))
        picture = page.move(shot.checkpoint)
        for _ in range(script.hold):
            yield picture


def _moment(clip: ExplainedClip, shot: Shot, count: int) -> SavedMoment:
    """One frame of a clip, with its part of every map."""
    maps = [None if whole is None else whole[shot.frame] for whole in clip.maps]
    place = f"position {shot.frame} of 0 to {len(clip.frames) - 1}, slowed down"
    about = f"clip {shot.clip + 1} of {count}: {clip.about}; {place}"
    return SavedMoment(clip.frames[shot.frame], [(clip.regions[shot.frame],)], maps, about)
