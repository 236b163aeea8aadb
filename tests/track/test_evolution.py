"""The film of a real track: written, read back and measured."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.draw.evolution import EvolutionPage, SavedMoment, Shown
from inspector.draw.palette import BRIGHT
from inspector.errors import InspectorError
from inspector.film import read_facts
from inspector.sweep import Progress
from inspector.track.evolution import FPS, film_evolution, film_times, moment_count
from inspector.track.measures import Onset
from inspector.track.moments import choose_moments
from inspector.track.strip import training_facts
from inspector.track.tracker import Track


@pytest.fixture(scope="module")
def film(found: Track, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, Progress]]]:
    calls: list[tuple[str, Progress]] = []
    path = film_evolution(found, tmp_path_factory.mktemp("film"), lambda part, now: calls.append((part, now)))
    return path, calls


def every_second(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        frames = enumerate(container.decode(video=0))
        return [frame.to_ndarray(format="rgb24") for number, frame in frames if number % FPS == FPS - 1]


def cursor_of(picture: NDArray[np.uint8]) -> float:
    """Column where all of the strip's plot is bright."""
    plot = picture[530:675, 80:910].astype(int)
    bright = (np.abs(plot - BRIGHT).max(2) < 60).mean(0)
    assert bright.max() > 0.8
    return float(np.flatnonzero(bright > 0.8).mean())


def test_the_film_has_its_size_rate_and_length(film: tuple[Path, list[tuple[str, Progress]]]) -> None:
    facts = read_facts(film[0])
    assert film[0].name == "evolution.mp4"
    assert (facts.width, facts.height, facts.fps, facts.codec) == (1280, 720, FPS, "h264")
    assert 30 <= facts.seconds <= 60
    assert facts.whole


def test_no_frame_is_black_and_the_cursor_visits_every_checkpoint(
    film: tuple[Path, list[tuple[str, Progress]]],
) -> None:
    pictures = every_second(film[0])
    assert min(picture[60:470].std() for picture in pictures) > 10
    places = np.array([cursor_of(picture) for picture in pictures])
    assert len(np.unique(places.round(-1))) == 2
    assert (np.diff(places) != 0).sum() >= 2 * 4 - 1, "it comes back for each of four moments"


def test_the_checkpoints_are_shown_with_overlays_of_their_own(film: tuple[Path, list[tuple[str, Progress]]]) -> None:
    pictures = every_second(film[0])
    first, last = pictures[5][60:470, 530:990].astype(int), pictures[8][60:470, 530:990].astype(int)
    assert np.abs(first - last).mean() > 1


def test_the_times_of_the_film_are_those_of_its_cursor(
    found: Track, film: tuple[Path, list[tuple[str, Progress]]]
) -> None:
    frames = [member.frames for member in found.series[0].members]
    times = film_times(moment_count(2, len(found.probe)), frames)
    assert times[-1][2] == pytest.approx(read_facts(film[0]).seconds)
    places: dict[int, set[float]] = {}
    for second, picture in enumerate(every_second(film[0])):
        now = second + (FPS - 1) / FPS
        (shown,) = [count for count, begin, end in times if begin <= now + 1e-6 < end]
        places.setdefault(shown, set()).add(round(cursor_of(picture)))
    assert [len(found) for found in places.values()] == [1, 1]


def test_the_cursor_never_glides_back(film: tuple[Path, list[tuple[str, Progress]]]) -> None:
    """From the end of one moment to the beginning of the next it jumps: all between would belie the text."""
    with av.open(str(film[0])) as container:
        pictures = (frame.to_ndarray(format="rgb24") for frame in container.decode(video=0))
        places = np.array([round(cursor_of(picture)) for picture in pictures])
    back = places[1:] < places[:-1]
    assert back.sum() == 2 * 4 - 1 and set(places[1:][back]) == {places[0]}


def test_an_interrupted_film_leaves_none(found: Track, tmp_path: Path) -> None:
    def interrupt(part: str, _: Progress) -> None:
        if part == "film":
            assert [path.name for path in tmp_path.iterdir()] == ["evolution.mp4.part"]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        film_evolution(found, tmp_path, interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_film_says_which_onsets_may_be_older_than_its_checkpoints(found: Track) -> None:
    one = found.series[0]
    first, last = (member.frames for member in one.members)
    onsets = {"ball": Onset(first, first, first), "player": Onset(first, first, last), "enemy": Onset(last, last, last)}
    curve = replace(one.curves[0], onsets=one.curves[0].onsets | onsets)
    facts = training_facts(found, replace(one, curves=(curve,)))
    assert dict(zip(facts.names, zip(facts.onsets, facts.early, strict=True), strict=True)) == {
        **dict.fromkeys(facts.names, (None, False)),
        "ball": (first, True),
        "player": (last, True),
        "enemy": (last, False),
    }
    assert facts.return_name == "mean return (1 game each; 2 of 2 cut off)"


def test_progress_is_told_by_checkpoint_and_second(film: tuple[Path, list[tuple[str, Progress]]]) -> None:
    parts = [part for part, _ in film[1]]
    assert parts.count("moments") == 2
    assert parts.count("film") == int(read_facts(film[0]).seconds)
    assert all(now.done <= now.total for _, now in film[1])


def test_moments_differ_and_are_the_same_each_time(found: Track) -> None:
    loudness = np.linspace(0, 1, len(found.probe))
    chosen = choose_moments(found.probe, loudness, 4)
    assert chosen == choose_moments(found.probe, loudness, 4)
    assert len(set(chosen)) == 4
    phases = {found.probe.states[number].phase for number in chosen}
    assert len(phases) == min(4, len({state.phase for state in found.probe.states}))
    assert len(choose_moments(found.probe, loudness, 99)) == len(found.probe)


def test_a_state_without_finite_relevance_is_not_chosen_first(found: Track) -> None:
    one = replace(found.probe, states=tuple(replace(found.probe.states[0], step=step) for step in range(3)))
    assert choose_moments(one, np.array([np.nan, 1.0, 0.5]), 1) == [1]


def test_a_checkpoint_that_is_gone_keeps_its_time_and_is_named(
    found: Track, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its numbers were measured and stay; the times that the report seeks by stay true too."""
    one = found.series[0]
    gone = replace(one.members[-1], source=str(tmp_path / "gone"))
    short = replace(found, series=(replace(one, members=(one.members[0], gone)),))
    with caplog.at_level(logging.WARNING):
        path = film_evolution(short, tmp_path)
    assert "pong at 12.0 M frames has no overlay in the film" in caplog.text
    times = film_times(4, [member.frames for member in one.members])
    assert times[-1][2] == pytest.approx(read_facts(path).seconds)
    pictures = every_second(path)
    assert [colourful(pictures[second]) for second in (5, 8)] == [True, False], "large, under the first and the last"


def colourful(picture: NDArray[np.uint8]) -> bool:
    overlay = picture[64:476, 530:990].astype(int)
    return bool((overlay.max(2) - overlay.min(2) > 60).sum() > 20)


def test_of_several_series_the_film_says_which_it_shows(found: Track, tmp_path: Path) -> None:
    one = found.series[0]
    heads = []
    for series in ((one,), (one, one), (one, one, one)):
        folder = tmp_path / str(len(series))
        folder.mkdir()
        film_evolution(replace(found, series=series), folder)
        heads.append(every_second(folder / "evolution.mp4")[0][8:34, 640:1256].astype(int))
    differ = [np.abs(first - second).max(2) > 60 for first, second in pairwise(heads)]
    assert differ[0].sum() > 200, "one series needs no name"
    assert 5 < differ[1].sum() < differ[0].sum(), "the number alone differs"


def test_a_film_of_nothing_is_refused(found: Track, tmp_path: Path) -> None:
    one = found.series[0]
    members = tuple(replace(member, source=str(tmp_path / "gone")) for member in one.members)
    with pytest.raises(InspectorError, match="no checkpoint of pong can be explained for the film"):
        film_evolution(replace(found, series=(replace(one, members=members),)), tmp_path)
    assert not (tmp_path / "evolution.mp4").exists()


def test_captions_beside_each_other_mark_returns_of_games_that_were_cut_off(
    found: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, list[str]]] = []
    show = EvolutionPage.show_beside

    def watch(page: EvolutionPage, moment: SavedMoment, chosen: Sequence[Shown], marked: int) -> None:
        seen.append((moment.about, [one.mean_return for one in chosen]))
        show(page, moment, chosen, marked)

    monkeypatch.setattr(EvolutionPage, "show_beside", watch)
    film_evolution(found, tmp_path)
    assert seen and all(about.endswith("; * games cut off") for about, _ in seen)
    assert all(text.endswith("*") for _, returns in seen for text in returns)
