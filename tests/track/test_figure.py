"""The curve of a real track, and of tracks of every size made from it."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.draw.palette import GROUND, region_colours
from inspector.errors import RecordingError
from inspector.load import open_series
from inspector.sweep.run import Processes
from inspector.track.figure import FIGURE_NAMES, draw_figure, mean_over
from inspector.track.measures import Onset
from inspector.track.plan import Settings
from inspector.track.result import Curve
from inspector.track.tracker import Series, Track, track
from inspector.track.work import Explaining


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Track:
    """Two checkpoints of Pong, a dozen states."""
    whole = open_series("pong")
    series = replace(whole, members=(whole.members[0], whole.members[-1]))
    settings = Settings((Explaining("epsilon_plus", "score"),), 12, (0,), 60, 1)
    return track([series], settings, tmp_path_factory.mktemp("track"), Processes(1))


def resized(found: Track, checkpoints: int, regions: int, series: int, games: int) -> Track:
    """The same with other counts: numbers drawn at random, as long as they are shares."""
    generator = np.random.default_rng(0)
    frames = np.array([0, *np.geomspace(50_000, 20_000_000, checkpoints - 1).astype(int)])
    names = (*(f"region_{number}" for number in range(regions)), "background")

    def one(number: int) -> Series:
        share = generator.dirichlet(np.ones(regions + 1), checkpoints)
        ends = (int(frames[1]), None, None), (int(frames[-1]), int(frames[1]), None), (None, None, None)
        onsets = {name: Onset(*ends[i % 3]) for i, name in enumerate(names[:-1])}
        nulls = np.full(regions + 1, 0.1), np.full(regions + 1, 0.2)
        explaining = found.settings.explanations[0]
        curve = Curve(explaining, frames, names, share, share * 0.8, share * 1.1, *nulls, onsets)
        member = found.series[0].members[0]
        members = tuple(replace(member, checkpoint=replace(member.checkpoint, frames=int(f))) for f in frames)
        returns = tuple(generator.normal(10, 3, games) for _ in frames)
        return Series(replace(found.series[0].source, name=f"seed{number}"), members, (curve,), returns)

    return replace(found, series=tuple(one(number) for number in range(series)))


def texts(folder: Path) -> list[str]:
    root = ElementTree.parse(folder / "attention.svg").getroot()
    return ["".join(element.itertext()) for element in root.iter() if element.tag.endswith("}text")]


def test_the_picture_has_its_size_and_the_colour_of_every_region(found: Track, tmp_path: Path) -> None:
    draw_figure(found, tmp_path)
    picture = cv2.imread(str(tmp_path / "attention.png"))
    assert picture is not None and picture.shape == (1000, 1600, 3)
    picture = picture[..., ::-1]
    assert (picture[0, 0] == GROUND).all()
    names = found.series[0].curves[0].names
    for colour in region_colours(names)[:-1]:
        assert (np.abs(picture.astype(int) - colour).max(2) <= 2).sum() > 100


def test_the_svg_holds_its_words_as_text(found: Track, tmp_path: Path) -> None:
    draw_figure(found, tmp_path)
    written = texts(tmp_path)
    for name in found.series[0].curves[0].names:
        assert name.replace("_", " ") in written
    assert "return" in written
    assert "share of positive relevance" in written
    assert "emulator frames trained (logarithmic; 0 stands apart)" in written
    (facts,) = [text for text in written if "epsilon_plus" in text]
    assert "pong" in facts and "score of the best action" in facts and "12 states" in facts
    assert {"share by area", "random weights, at most"} <= set(written)


def test_the_same_track_gives_the_same_files(found: Track, tmp_path: Path) -> None:
    contents = []
    for _ in range(2):
        draw_figure(found, tmp_path)
        contents.append([(tmp_path / name).read_bytes() for name in FIGURE_NAMES])
    assert contents[0] == contents[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FIGURE_NAMES)


def test_other_shares_give_another_picture(found: Track, tmp_path: Path) -> None:
    draw_figure(found, tmp_path)
    first = (tmp_path / "attention.svg").read_bytes()
    one = found.series[0]
    curve = replace(one.curves[0], share=one.curves[0].share[::-1])
    draw_figure(replace(found, series=(replace(one, curves=(curve,)),)), tmp_path)
    assert (tmp_path / "attention.svg").read_bytes() != first


@pytest.mark.parametrize(
    ("checkpoints", "regions", "series", "games"), [(2, 1, 1, 0), (60, 12, 6, 3), (4, 3, 2, 1), (11, 6, 1, 0)]
)
def test_any_track_has_its_figure_and_nothing_is_cut_off(
    found: Track, tmp_path: Path, checkpoints: int, regions: int, series: int, games: int
) -> None:
    draw_figure(resized(found, checkpoints, regions, series, games), tmp_path)
    written = texts(tmp_path)
    assert {f"region {number}" for number in range(regions)} <= set(written)
    assert ("return" in written) == (games > 0)
    assert ("mean of the series" in written) == (series > 1)
    assert any("onset" in text for text in written)
    picture = cv2.imread(str(tmp_path / "attention.png"))
    assert picture is not None
    frame = np.concatenate([picture[[0, -1]].reshape(-1, 3), picture[:, [0, -1]].reshape(-1, 3)])
    assert (frame == GROUND[::-1]).all(), "nothing is cut off at the edge"


def test_the_mean_of_series_is_taken_where_all_of_them_are() -> None:
    places, values = mean_over(
        [(np.array([0.0, 0.5, 1.0]), np.array([0.0, 1.0, 1.0])), (np.array([0.25, 1.0]), np.array([0.5, 2.0]))]
    )
    assert places.tolist() == [0.25, 0.5, 1.0]
    assert values.tolist() == [0.5, 1.0, 1.5]


def test_a_folder_that_is_not_there_is_named(found: Track, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nowhere.*cannot be written"):
        draw_figure(found, tmp_path / "nowhere")
