"""The command `inspector track` for agents that watch videos: from arguments to a track of clips."""

import hashlib
import json
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from inspector.clip_options import may_watch, recipe_of
from inspector.clip_track.plan import PROBE_CLIPS, ClipSettings, of_explaining
from inspector.clip_track.probe import ClipProbe
from inspector.clip_track.probe_file import read_clip_probe
from inspector.clip_track.series import ClipSeries, open_clip_series
from inspector.clip_track.tracker import RECOGNISED_FILE, ClipTrack, checked_explanations, track_clips
from inspector.clip_track.videos import TrackedVideo, tracked_videos
from inspector.console import complain, print_notes
from inspector.errors import InspectorError, UsageError
from inspector.files import remove, to_json
from inspector.load import check_different
from inspector.load.clip_opening import watches_clips
from inspector.options import PREPROCESSING, device
from inspector.provenance import versions
from inspector.track.asked import Asked
from inspector.track.checks import checked_series
from inspector.track.plan import Settings
from inspector.track.tracker import ATTENTION_FILE
from inspector.track.work import Explaining
from inspector.track_command import LEFT, Report, Task, before, default_folder, engine_of, say_opened

CLIPS_LEFT = LEFT | {"positions": "positions.png"}
"""What a track of clips shows, by what it is."""

_PLAYED = {one.name: one.default for one in fields(Settings) if one.name in ("seeds", "max_steps", "probe_games")}
_PLAY = ("env", "atoms", "regions", "architecture", "output_kind", *PREPROCESSING, *_PLAYED)
"""Arguments that only agents have that play; and what some are if they are not given."""


def watches_videos(arguments: Namespace) -> bool:
    """Whether the agents that are to be tracked watch videos."""
    return bool(arguments.video) or may_watch(arguments) or any(map(watches_clips, arguments.series))


def clip_task(arguments: Namespace) -> Task:
    """What is to be done for agents that watch videos."""
    _refuse_play(arguments)
    folder = arguments.output or default_folder(arguments.series[0])
    engine = engine_of(arguments)
    told = {"factory": arguments.factory, "classes": arguments.classes, "recipe": recipe_of(arguments)}
    opened = [open_clip_series(source, **told) for source in arguments.series]
    say_opened(opened)
    check_different(opened)
    series = checked_series(opened, ("class_names", "recipe", "unit"))
    given = read_clip_probe(arguments.probe) if arguments.probe else None
    if given:
        given.check(series[0].recipe, series[0].class_names, arguments.stride)
    settings = checked_explanations(settings_of(arguments, given), series[0].class_names)
    videos = _videos(arguments, series[0], settings)
    if not arguments.quiet:
        _say_assumed(series, videos)
    asked = asked_of_clips(series, settings, videos, given)
    probe, more = before(arguments, folder, asked)

    def work(on_progress: Report | None) -> ClipTrack:  # `claimed` has written there, hence resume
        return track_clips(series, videos, settings, folder, engine, probe=probe, resume=True, on_progress=on_progress)

    tables = (ATTENTION_FILE, RECOGNISED_FILE)
    return Task(series, folder, asked, more, work, show_clips, lambda found: found.positive, CLIPS_LEFT, tables)


def settings_of(arguments: Namespace, probe: ClipProbe | None) -> ClipSettings:
    """What was chosen: every composite with every target."""
    composites: Sequence[str] = arguments.composite or ["epsilon_plus"]
    targets: Sequence[str] = arguments.target or ["score"]
    return ClipSettings(
        explanations=tuple(Explaining(composite, target) for target in targets for composite in composites),
        probe_clips=arguments.probe_steps or PROBE_CLIPS,
        stride=probe.stride if probe else arguments.stride or 1,
        seed=arguments.seed,
        device=device(arguments.device),
    )


def asked_of_clips(
    series: Sequence[ClipSeries], settings: ClipSettings, videos: Sequence[TrackedVideo], probe: ClipProbe | None
) -> Asked:
    """All that decides the numbers of a track of clips.

    Args:
        series: Training runs.
        settings: What was chosen, as `checked_explanations` gives it.
        videos: Where clips are cut out of.
        probe: The probe set that was given; None if one is made.
    """
    chosen = {name: value for name, value in asdict(settings).items() if name not in ("explanations", "device")}
    content = "".join(f"{video.digest}{'' if video.label is None else video.label} " for video in videos)
    digest = hashlib.sha256(content.encode()).hexdigest()[:12]
    names = series[0].class_names
    whole = {
        "settings": chosen | {"videos": f"{len(videos)} videos ({digest})", "seeds": []},
        "explanations": {
            f"{one.composite} of {one.target}": of_explaining(one, names) for one in settings.explanations
        },
        "probe": probe.digest if probe else None,
        "recipe": asdict(series[0].recipe) | {"classes": names},
        "series": {one.name: {m.frames: m.digest for m in one.members} for one in series},
        "versions": versions(),
    }
    found: Asked = json.loads(to_json(whole))
    return found


def show_clips(found: ClipTrack, on_progress: Report | None) -> bool:
    """Draw the curves, the film and the report; whether the film could be made, without which the others go on."""
    from inspector.clip_track.figure import draw_positions
    from inspector.clip_track.film import film_clips
    from inspector.clip_track.report_words import clip_sections
    from inspector.track.evolution import FILM
    from inspector.track.figure import draw_figure
    from inspector.track.report import write_page

    draw_figure(found, found.folder)
    draw_positions(found, found.folder)
    try:
        film, chapters = film_clips(found, found.folder, on_progress)
    except InspectorError as error:
        complain(f"failed: the film: {error}; the report has none, and --resume tries again")
        remove(found.folder / FILM)  # one of before would show other things than the report
        write_page(found, clip_sections(found), found.folder, film=None)
        return False
    write_page(found, clip_sections(found), found.folder, film=film, times=chapters)
    return True


def _videos(arguments: Namespace, one: ClipSeries, settings: ClipSettings) -> list[TrackedVideo]:
    if not arguments.video:
        if arguments.probe:
            return []
        raise UsageError(f"{one.name} watches videos: name some to track it on, as in --video FOLDER")
    if arguments.probe:
        raise UsageError("--probe brings its clips along: leave out --video, or --probe")
    paths: list[Path] = arguments.video
    videos, notes = tracked_videos(paths, one.class_names, settings.probe_clips)
    for note in notes:
        complain(note)
    return videos


def _refuse_play(arguments: Namespace) -> None:
    """Raise UsageError for what only agents have that play."""
    given = next((name for name in _PLAY if getattr(arguments, name) not in (None, False, _PLAYED.get(name))), None)
    if given is not None:
        raise UsageError(f"--{given.replace('_', '-')} is for agents that play games: leave it out with videos")


def _say_assumed(series: Sequence[ClipSeries], videos: Sequence[TrackedVideo]) -> None:
    """Tell, on stderr, what no file states, once."""
    from rich.console import Console

    assumed = dict.fromkeys(line for one in series for line in one.facts.assumed)
    bare = sum(video.mask is None for video in videos)
    unlabelled = sum(video.label is None for video in videos)
    if bare:
        assumed[f"what moves in {bare} of {len(videos)} videos is guessed: they have no masks beside them"] = None
    if unlabelled:
        assumed[f"{unlabelled} of {len(videos)} videos have no class: what the last checkpoint recognises counts"] = (
            None
        )
    print_notes(Console(stderr=True, highlight=False, soft_wrap=True), "assumed; a flag says otherwise", assumed)
