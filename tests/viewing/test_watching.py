"""Windows of a video, and what a classifier makes of all of them."""

import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspector.clips.environment import ClipEnvironment
from inspector.clips.windows import Windows
from inspector.draw.bars import probabilities
from inspector.errors import UsageError
from inspector.viewing.classes import resolve_class
from inspector.viewing.watching import Window, in_batches, recognise, watch
from tests.clips.making import number_of, write
from tests.viewing.making import CLASSES, make_agent


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """43 frames, the second half twice as far apart as the first."""
    times = [24 * number + 24 * max(number - 20, 0) for number in range(43)]
    return write(tmp_path_factory.mktemp("film") / "film.mp4", 43, times=times)


@pytest.mark.parametrize("cuts", [Windows(8), Windows(8, 2, 3)])
def test_windows_bring_every_frame_once_with_its_own_number_and_time(film: Path, cuts: Windows) -> None:
    agent = make_agent()
    environment = ClipEnvironment([film], agent.recipe, len(CLASSES), cuts)
    windows = list(watch(environment, 0))
    environment.close()
    frames = [frame for window in windows for frame in window.news]
    assert [frame.number for frame in frames] == [number_of(frame.image) for frame in frames] == list(range(43))
    times = [(24 * number + 24 * max(number - 20, 0)) / 600 for number in range(43)]
    np.testing.assert_allclose([frame.seconds for frame in frames], times, atol=1e-6)
    assert [window.places[0] for window in windows] == list(cuts.starts(43))
    np.testing.assert_allclose([window.seconds for window in windows], [times[start] for start in cuts.starts(43)])
    assert [window.is_last for window in windows] == [False] * (len(windows) - 1) + [True]
    assert [window.index for window in windows] == list(range(len(windows)))


def test_a_video_is_recognised_by_the_mean_of_its_windows_in_batches_of_any_size(film: Path) -> None:
    agent = make_agent()
    environment = ClipEnvironment([film], agent.recipe, len(CLASSES))
    windows, told = list(watch(environment, 0)), []
    environment.close()
    means = [recognise(agent, windows, size, told.append) for size in (1, 3, 50)]
    each = [probabilities(agent.scores(window.clip[None])[0]) for window in windows]
    for mean in means:
        np.testing.assert_allclose(mean, np.mean(each, axis=0), atol=1e-6)
        assert mean.sum() == pytest.approx(1)
    assert told[-1] == len(windows) and told[: len(windows)] == list(range(1, len(windows) + 1))
    batches = in_batches((window.clip for window in windows), 4)
    assert [len(batch) for batch in batches][:-1] == [4] * (-(-len(windows) // 4) - 1)


@pytest.mark.parametrize(
    ("word", "number"), [("score", None), ("each", None), ("Bright", 1), ("2", 2), ("red thing", 2)]
)
def test_a_target_is_a_word_a_class_or_its_number(word: str, number: int | None) -> None:
    assert resolve_class(word, CLASSES) == number


def test_of_names_that_differ_in_their_case_alone_the_one_as_written_is_meant() -> None:
    names = ("Turn", "turn", "TURN left")
    assert [resolve_class(word, names) for word in ("Turn", "turn", "turn LEFT")] == [0, 1, 2]
    with pytest.raises(UsageError, match=r"'TURN' may be Turn \(0\) and turn \(1\): give its name as it is written"):
        resolve_class("TURN", names)


def test_batches_for_recognising_hold_no_frames_of_the_video(film: Path) -> None:
    agent, frames, alive = make_agent(), list[weakref.ref[Any]](), []

    def shown() -> Iterator[Window]:
        environment = ClipEnvironment([film], agent.recipe, len(CLASSES))
        for window in watch(environment, 0):
            frames.extend(weakref.ref(frame.image) for frame in window.news)
            alive.append(sum(reference() is not None for reference in frames))
            yield window

    recognise(agent, shown(), batch_size=100)
    assert len(frames) == 43 and max(alive) < 20, alive


def test_what_is_kept_of_a_frame_can_be_a_smaller_picture(film: Path) -> None:
    agent = make_agent()
    whole = list(watch(ClipEnvironment([film], agent.recipe, 3), 0))
    small = list(watch(ClipEnvironment([film], agent.recipe, 3, keep=lambda image: image[::4, ::4]), 0))
    for one, other in zip(whole, small, strict=True):
        np.testing.assert_array_equal(one.clip, other.clip)
        for frame, less in zip(one.news, other.news, strict=True):
            np.testing.assert_array_equal(frame.image[::4, ::4], less.image)


def test_a_target_that_is_none_is_refused_with_what_may_have_been_meant() -> None:
    with pytest.raises(UsageError, match=r"no target 'bight': did you mean bright\?"):
        resolve_class("bight", CLASSES)
    with pytest.raises(UsageError, match="3 classes by name or number, 0 to 2"):
        resolve_class("3", CLASSES)
