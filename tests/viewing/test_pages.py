"""Pages of recorded videos: relevance on its frame, what counts for nothing, the thumbnail; sizes and rates."""

import hashlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inspector.clips.recipe import ClipRecipe
from inspector.clips.source import open_video
from inspector.draw.clip_moment import ClipMoment
from inspector.draw.clip_page import ClipPage
from inspector.viewing.filming import mean_rate, page_sized
from inspector.viewing.interpreter import batch_size_of
from inspector.viewing.rows import NO_CLASS
from inspector.viewing.session import record_videos
from tests.clips.making import write
from tests.viewing.making import CLASSES, make_agent

COUNT = 29


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("film") / "film.mp4", COUNT)


class _Corner(nn.Module):
    """Scores how bright the corner with the number's lowest bit is, frame by frame."""

    def __init__(self, *, overflows: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, 1, 1, bias=False)
        self.head = nn.Linear(8 * 48 * 80, len(CLASSES), bias=False)
        with torch.no_grad():
            self.conv.weight.fill_(1.0)
            weight = torch.zeros(len(CLASSES), 8, 48, 80)
            weight[1, :, 1:7, 1:7] = 1.0
            weight[1, :, 9:15, 1:7] = 1e38 if overflows else 0.0  # the bit that frames from 16 on have
            self.head.weight.copy_(weight.flatten(1))

    def forward(self, clips: Tensor) -> Tensor:
        scores: Tensor = self.head(torch.relu(self.conv(clips)).flatten(1))
        return scores


@pytest.mark.parametrize("stride", [1, 2])
def test_relevance_lies_on_the_frame_that_it_belongs_to(film: Path, tmp_path: Path, stride: int) -> None:
    agent = make_agent(network=_Corner())
    recording = record_videos(agent, [film], target="bright", output=tmp_path / "r", stride=stride, composite="epsilon")
    x, y, width, height = recording.manifest["pages"][0]["overlay"]
    with av.open(str(recording.video)) as decoded:
        pages = [one.to_ndarray(format="rgb24").astype(int) for one in decoded.decode(video=0)]
    assert len(pages) == COUNT
    for number, page in enumerate(pages):
        corner = page[y : y + height, x : x + width][2 : height // 8, 2 : width // 12]
        warmth = float((corner[..., 0] - corner[..., 2]).mean())
        assert (warmth > 40) == bool(number & 1), (number, warmth)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[ClipMoment, bytes]]:
    """What is drawn from now on: each moment, and the digest of its page."""
    draw, found = ClipPage.draw, list[tuple[ClipMoment, bytes]]()

    def note(page: ClipPage, moment: ClipMoment) -> NDArray[np.uint8]:
        picture = draw(page, moment)
        found.append((moment, hashlib.sha256(picture).digest()))
        return picture

    monkeypatch.setattr(ClipPage, "draw", note)
    return found


def test_the_thumbnail_is_the_page_of_the_frame_with_the_most_relevance(
    film: Path, tmp_path: Path, drawn: list[tuple[ClipMoment, bytes]]
) -> None:
    recording = record_videos(make_agent(), [film], target="dim", output=tmp_path / "r", windows=3)
    loudness = [np.abs(moment.relevance).sum(dtype=np.float64) for moment, _ in drawn if moment.relevance is not None]
    loudest = int(np.argmax(loudness))
    assert len(loudness) == len(drawn) == 16 and loudest < 8  # neither the film's middle nor its end
    picture = cv2.cvtColor(cv2.imread(str(recording.thumbnail)), cv2.COLOR_BGR2RGB)
    assert hashlib.sha256(picture).digest() == drawn[loudest][1]


def test_windows_that_are_not_finite_count_for_nothing_on_the_page(
    film: Path, tmp_path: Path, drawn: list[tuple[ClipMoment, bytes]]
) -> None:
    agent = make_agent(network=_Corner(overflows=True))
    recording = record_videos(agent, [film], target="bright", output=tmp_path / "r", composite="epsilon")
    assert [bool(np.isfinite(row["target_score"])) for row in recording.rows.to_pylist()] == [True] * 3 + [False] * 4
    assert [row["action_name"] == NO_CLASS for row in recording.rows.to_pylist()] == [False] * 3 + [True] * 4
    assert [row["action"] for row in recording.rows.to_pylist()][3:] == [-1] * 4
    moments = [moment for moment, _ in drawn]
    assert [moment.finite for moment in moments] == [True] * 16 + [False] * (COUNT - 16)
    assert [moment.windows for moment in moments] == [1] * 4 + [2] * 8 + [1] * 4 + [0] * (COUNT - 16)
    assert all(moment.in_picture == pytest.approx(1) for moment in moments[:16])
    assert all(moment.in_picture is None and moment.relevance is None for moment in moments[16:])


def test_frames_that_wait_are_no_larger_than_the_page_shows_them() -> None:
    image = np.zeros((2160, 3840, 3), np.uint8)
    image[:1080] = 255
    small = page_sized(image, explain=True)
    assert small.shape[0] < 300 and small.shape[1] / small.shape[0] == pytest.approx(16 / 9, rel=0.01)
    assert small[0].min() == 255 and small[-1].max() == 0
    assert page_sized(image[:90, :160], explain=True).shape == (90, 160, 3)


def test_few_clips_wait_for_each_other_however_small_they_are() -> None:
    tiny = replace(make_agent(), recipe=ClipRecipe(2, (8, 8), (8, 8), (0.5,) * 3, (0.25,) * 3))
    large = replace(make_agent(), recipe=ClipRecipe(64, (224, 224), (224, 224), (0.5,) * 3, (0.25,) * 3))
    assert (batch_size_of(tiny), batch_size_of(large)) == (32, 1)


def test_the_rate_of_a_film_is_the_mean_of_its_videos(film: Path) -> None:
    with open_video(film) as video:
        facts = video.facts
    assert float(mean_rate([facts])) == pytest.approx(COUNT / facts.seconds, rel=1e-3)
    assert float(mean_rate([facts, facts])) == pytest.approx(COUNT / facts.seconds, rel=1e-3)
    assert mean_rate([facts]) <= Fraction(1000)
