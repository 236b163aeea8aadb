"""The film over training: some saved moments, explained under every checkpoint, as `evolution.mp4`."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from inspector.agent import Agent
from inspector.atari.environment import make_environment
from inspector.draw.evolution import MOST_BESIDE, EvolutionPage, SavedMoment, scale_of
from inspector.draw.layout import PAGE_HEIGHT, PAGE_WIDTH
from inspector.draw.moment import Measure
from inspector.errors import InspectorError
from inspector.explaining import resolve_action
from inspector.files import replacing
from inspector.load import CheckpointSeries
from inspector.lrp import make_explainer
from inspector.probe import ProbeSet
from inspector.sweep import Progress
from inspector.track.found import Series
from inspector.track.moments import choose_moments, moment_text
from inspector.track.plan import text_of
from inspector.track.strip import film_facts, shown_of, training_facts
from inspector.track.tracker import Track
from inspector.track.words import target_text
from inspector.track.work import BATCH, Explaining
from inspector.video import VideoWriter

FILM = "evolution.mp4"
FPS = 30
_FEW_CHECKPOINTS = 8
_BESIDE_SECONDS = 4.0
_LARGE_SECONDS = 36.0
_SHORTEST, _LONGEST = 0.2, 2.5
_GLIDE = 0.25

Report = Callable[[str, Progress], None]
Map = NDArray[np.float32]

_log = logging.getLogger(__name__)


def film_evolution(track: Track, folder: Path, on_progress: Report | None = None) -> Path:
    """Write `evolution.mp4`: the same moments under every checkpoint, and attention over training below.

    Three moments of the probe set (four of a run with few checkpoints), see `choose_moments`, each first under up to
    fourteen checkpoints beside each other, then large under one after another. Maps are divided by their size and share
    one scale. Of several series the first is shown, and the film says so. A checkpoint that cannot be explained any
    more has its place without an overlay, and a warning names it. An interrupted film leaves no file.

    Args:
        track: What was found.
        folder: Where the film lands; what is there is replaced.
        on_progress: Called after each checkpoint that was explained and each second that was filmed.

    Returns:
        The film.

    Raises:
        InspectorError: If no checkpoint can be explained.
        RecordingError: If the film cannot be written.
    """
    one, explaining = track.series[0], track.settings.explanations[0]
    explained = _explained(track, one, explaining, on_progress)
    page = _page(track, one, explaining, explained)
    frames = [member.frames for member in one.members]
    path, total = folder / FILM, int(film_times(len(explained), frames)[-1][2])
    with replacing(path) as part, VideoWriter(part, width=PAGE_WIDTH, height=PAGE_HEIGHT, fps=FPS) as film:
        for frame in _frames(page, track, explained):
            film.add(frame)
            if on_progress and film.frame_count % FPS == 0:
                second = film.frame_count // FPS
                on_progress("film", Progress(min(second, total), total, f"second {second}"))
    return path


@dataclass(frozen=True, slots=True, eq=False)
class _Explained:
    """A moment under every checkpoint.

    Attributes:
        moment: It, with its maps.
        texts: What was explained, a text a checkpoint.
    """

    moment: SavedMoment
    texts: tuple[str, ...]


def _explained(
    track: Track, one: Series[CheckpointSeries], explaining: Explaining, on_progress: Report | None
) -> list[_Explained]:
    """Explain the moments under every checkpoint, one checkpoint in memory at a time."""
    probe, count, checkpoints = track.probe, moment_count(len(one.members), len(track.probe)), len(one.members)
    names = _action_names(one)
    moments: list[int] = []
    found: dict[int, tuple[list[Map | None], list[str]]] = {}
    order = [checkpoints - 1, *range(checkpoints - 1)]  # the last chooses the moments
    for done, number in enumerate(order, 1):
        member = one.members[number]
        try:
            explain = _Explain(member.load(track.settings.device), explaining, names)
            moments = moments or choose_moments(probe, explain.loudness(probe), count)
            found[number] = explain(probe.observations[moments])
        except (InspectorError, RuntimeError) as error:
            name, frames = one.source.name, text_of(member.frames)
            _log.warning("%s at %s has no overlay in the film: %s", name, frames, error)
        if on_progress:
            on_progress("moments", Progress(done, len(order), text_of(member.frames)))
    if not found:
        raise InspectorError(f"no checkpoint of {one.source.name} can be explained for the film: see the warnings")
    each = [found.get(number, ([None] * len(moments), [""] * len(moments))) for number in range(checkpoints)]
    return [
        _Explained(
            _saved(probe, state, place, len(moments), [maps[place] for maps, _ in each]),
            tuple(words[place] for _, words in each),
        )
        for place, state in enumerate(moments)
    ]


class _Explain:
    """Explains observations under one checkpoint."""

    def __init__(self, agent: Agent, explaining: Explaining, names: tuple[str, ...]) -> None:
        self._agent, self._target, self._names = agent, explaining.target, names
        self._explainer = make_explainer(agent.network, explaining.composite, agent.input_bounds, frozen=True)
        self._action = resolve_action(explaining.target, names)

    def __call__(self, observations: NDArray[np.uint8]) -> tuple[list[Map | None], list[str]]:
        """Maps divided by their size, and what is explained."""
        values, finite, scores = self._values(observations)
        maps = [divided_by_size(one.sum(0)) if ok else None for one, ok in zip(values, finite, strict=True)]
        return maps, [self._text(row) for row in scores]

    def loudness(self, probe: ProbeSet) -> NDArray[np.float64]:
        """Positive relevance of every state; NaN where it is not finite."""
        found = []
        for start in range(0, len(probe), BATCH):
            values, finite, _ = self._values(probe.observations[start : start + BATCH])
            found.append(np.where(finite, values.clip(min=0).sum((1, 2, 3), dtype=np.float64), np.nan))
        return np.concatenate(found)

    def _values(
        self, observations: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
        divisor = np.float32(self._agent.preprocessing.divisor)
        tensor = torch.from_numpy(observations.astype(np.float32) / divisor).to(self._agent.device)
        found = self._explainer(tensor, self._target if self._action is None else self._action)
        values, scores = found.values.float().cpu().numpy(), found.outputs.scores.float().cpu().numpy()
        return values, found.finite.cpu().numpy(), scores

    def _text(self, scores: NDArray[np.float32]) -> str:
        if self._target == "value":
            return "the value"
        if self._action is not None:
            return self._names[self._action]
        order = np.argsort(-scores, kind="stable")
        best = self._names[int(order[0])]
        if self._target == "contrast":
            return f"{best} over {self._names[int(order[1])]}"
        return f"{best} over the mean" if self._target == "advantage" else best


def divided_by_size(relevance: Map) -> Map:
    """A map whose absolute values add up to 1, unless all are 0: those of two checkpoints differ as their scores do."""
    size = float(np.abs(relevance).sum(dtype=np.float64))
    return np.asarray(relevance / size if size else relevance, np.float32)


def _saved(probe: ProbeSet, number: int, place: int, count: int, maps: list[Map | None]) -> SavedMoment:
    state = probe.states[number]
    return SavedMoment(state.screen, state.regions, maps, moment_text(state, place, count))


def _page(
    track: Track, one: Series[CheckpointSeries], explaining: Explaining, explained: Sequence[_Explained]
) -> EvolutionPage:
    probe, recipe = track.probe, track.probe.preprocessing
    title = f"{track.terms.title}: same moments, every checkpoint"
    words = film_facts(track, target_text(explaining.target, _action_names(one)))
    size = (recipe.height, recipe.width)
    maps = [map_ for one_moment in explained for map_ in one_moment.moment.maps if map_ is not None]
    full = scale_of(maps, probe.screen_size)
    measure: Measure = "sensitivity" if explaining.composite == "sensitivity" else "relevance"
    return EvolutionPage(title, words, training_facts(track, one), probe.screen_size, size, full, measure)


def _seconds(moments: int, checkpoints: int) -> float:
    """How long one checkpoint is shown large."""
    return float(np.clip(_LARGE_SECONDS / (moments * checkpoints), _SHORTEST, _LONGEST))


def _frames(page: EvolutionPage, track: Track, explained: Sequence[_Explained]) -> Iterator[NDArray[np.uint8]]:
    """Every frame of the film; each is the same picture, drawn anew."""
    checkpoints = len(track.series[0].members)
    beside, seconds = beside_each_other(checkpoints), _seconds(len(explained), checkpoints)
    before = page.place_of(0)
    for this in explained:
        each = [shown_of(track, number, text) for number, text in enumerate(this.texts)]
        left_out = f"; {len(beside)} of {checkpoints} checkpoints" if len(beside) < checkpoints else ""
        starred = [replace(one, mean_return=f"{one.mean_return}*") if one.cut_off else one for one in each]
        moment = replace(this.moment, about=this.moment.about + left_out + "; * games cut off" * (starred != each))
        for marked, number in enumerate(beside):
            page.show_beside(moment, [starred[i] for i in beside], marked)
            yield from _glide(page, number, before, _BESIDE_SECONDS / len(beside))
            before = page.place_of(number)
        for shown in each:
            page.show_large(this.moment, shown)
            yield from _glide(page, shown.checkpoint, before, seconds)
            before = page.place_of(shown.checkpoint)


def film_times(moments: int, frames: Sequence[int]) -> list[tuple[int, float, float]]:
    """When a film shows which checkpoint.

    Args:
        moments: Number of moments in the film; see `moment_count`.
        frames: Frames trained of the checkpoints in it, ascending.

    Returns:
        Frames trained, begin and end in seconds of the film, in the order of time.
    """
    beside, seconds = beside_each_other(len(frames)), _seconds(moments, len(frames))
    times, now = [], 0
    parts = [*((place, _BESIDE_SECONDS / len(beside)) for place in beside), *((i, seconds) for i in range(len(frames)))]
    for place, length in parts * moments:
        end = now + _frame_count(length)
        times.append((int(frames[place]), now / FPS, end / FPS))
        now = end
    return times


def moment_count(checkpoints: int, states: int) -> int:
    """How many moments the film of a run shows."""
    return min(4 if checkpoints <= _FEW_CHECKPOINTS else 3, states)


def beside_each_other(count: int) -> list[int]:
    """Which of some checkpoints stand beside each other: evenly chosen, the first and the last among them."""
    return [int(i) for i in np.unique(np.linspace(0, count - 1, min(count, MOST_BESIDE)).round())]


def _frame_count(seconds: float) -> int:
    return max(1, round(seconds * FPS))


def _glide(page: EvolutionPage, checkpoint: int, before: float, seconds: float) -> Iterator[NDArray[np.uint8]]:
    """Move the cursor on from where it was, then let it stand; back to earlier checkpoints it jumps."""
    frames = _frame_count(seconds)
    goal = page.place_of(checkpoint)
    moving = min(round(_GLIDE * FPS), frames // 2) if goal > before else 0
    for frame in range(moving):
        way = (frame + 1) / (moving + 1)
        yield page.move(checkpoint, before + (goal - before) * way * way * (3 - 2 * way))
    still = page.move(checkpoint)
    for _ in range(frames - moving):
        yield still


def _action_names(one: Series[CheckpointSeries]) -> tuple[str, ...]:
    source = one.source
    with closing(make_environment(source.environment, source.preprocessing, source.action_count)) as game:
        return game.action_names
