"""A video as an environment: Gymnasium's checker passes, and every frame comes once, whole, in a window of its own."""

from pathlib import Path

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from inspector.clips.environment import ClipEnvironment
from inspector.clips.recipe import ClipRecipe
from inspector.clips.windows import Windows
from inspector.errors import UsageError, VideoError
from tests.clips.making import number_of, write

WHOLE = ClipRecipe(8, (96, 160), (96, 160), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("film") / "film.mp4", 43)


def test_it_is_an_environment_as_gymnasium_has_them(film: Path) -> None:
    recipe = ClipRecipe(8, (40, 60), (32, 32), (0.4, 0.4, 0.4), (0.2, 0.2, 0.2))
    environment = ClipEnvironment([film], recipe, 10)
    check_env(environment, skip_render_check=True)
    environment.close()


@pytest.mark.parametrize(("stride", "step"), [(1, None), (1, 3), (1, 8), (2, None), (3, 5)])
def test_every_frame_comes_once_and_each_window_is_of_the_frames_it_says(
    film: Path, stride: int, step: int | None
) -> None:
    windows = Windows(8, stride, step)
    environment = ClipEnvironment([film], WHOLE, 3, windows)
    clip, info = environment.reset(seed=0)
    starts, numbers, over = [info["start"]], info["numbers"].tolist(), False
    while not over:
        assert [number_of(picture) for picture in clip] == list(windows.places(starts[-1]))
        clip, reward, over, truncated, info = environment.step(np.int64(1))
        assert reward == 0.0 and not truncated
        assert [number_of(screen) for screen in info["screens"]] == info["numbers"].tolist()
        np.testing.assert_allclose(info["seconds"], info["numbers"] / 25)
        starts += [] if over else [info["start"]]
        numbers += info["numbers"].tolist()
    assert starts == list(windows.starts(43)) and numbers == list(range(43))
    environment.close()


def test_videos_follow_each_other_and_one_can_be_chosen(film: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.mp4", 20)
    environment = ClipEnvironment([film, other], WHOLE, 3)
    order = [environment.reset()[1]["video"] for _ in range(3)]
    assert order == [0, 1, 0]
    assert environment.reset(options={"video": 1})[1]["video"] == 1
    assert environment.video.facts.frame_count == 20
    with pytest.raises(UsageError, match="no video 2"):
        environment.reset(options={"video": 2})
    assert environment.reset()[1]["video"] == 0  # what was refused does not count
    environment.close()


def test_a_video_that_has_more_frames_than_it_announces_is_told_at_its_end(tmp_path: Path) -> None:
    path = write(tmp_path / "film.avi", 12, codec="mjpeg", pixels="yuvj420p")
    content = bytearray(path.read_bytes())
    content[content.index(b"vids") + 32] = 10  # AVISTREAMHEADER.dwLength
    path.write_bytes(content)
    environment = ClipEnvironment([path], WHOLE, 3, Windows(8, 1, 2))
    environment.reset()
    assert not environment.step(np.int64(0))[2]
    with pytest.raises(VideoError, match=r"12 of 10 frames could be read: there are more frames"):
        environment.step(np.int64(0))


def test_what_does_not_fit_is_said(film: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs 64 frames, the video has 43"):
        ClipEnvironment([film], WHOLE, 3, Windows(64)).reset()
    with pytest.raises(UsageError, match="no video to go through"):
        ClipEnvironment([], WHOLE, 3)
    (tmp_path / "no.mp4").write_text("no video")
    with pytest.raises(VideoError):
        ClipEnvironment([tmp_path / "no.mp4"], WHOLE, 3).reset()
