"""Windows of a video, and what a classifier makes of all of them."""

from pathlib import Path

import numpy as np
import pytest

from inspector.clips.environment import ClipEnvironment
from inspector.clips.windows import Windows
from inspector.draw.bars import probabilities
from inspector.errors import UsageError
from inspector.viewing.classes import resolve_class
from inspector.viewing.watching import in_batches, recognise, watch
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
    assert [len(batch) for batch in in_batches(windows, 4)][:-1] == [4] * (-(-len(windows) // 4) - 1)


@pytest.mark.parametrize(
    ("word", "number"), [("score", None), ("each", None), ("Bright", 1), ("2", 2), ("red thing", 2)]
)
def test_a_target_is_a_word_a_class_or_its_number(word: str, number: int | None) -> None:
    assert resolve_class(word, CLASSES) == number


def test_a_target_that_is_none_is_refused_with_what_may_have_been_meant() -> None:
    with pytest.raises(UsageError, match=r"no target 'bight': did you mean bright\?"):
        resolve_class("bight", CLASSES)
    with pytest.raises(UsageError, match="3 classes by name or number, 0 to 2"):
        resolve_class("3", CLASSES)
