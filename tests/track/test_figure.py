"""The curve of a real track, and of tracks of every size made from it."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from inspector.draw.palette import GROUND, region_colours
from inspector.draw.training import TrainingAxis
from inspector.errors import RecordingError
from inspector.track.figure import FIGURE_NAMES, _draw, _draw_mean, _draw_onset, draw_figure, mean_over
from inspector.track.figure_look import grid_of, look
from inspector.track.measures import Onset
from inspector.track.result import Curve
from inspector.track.tracker import Series, Track
from inspector.track.words import states_text


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
    assert "pong" in facts and "score of the best action" in facts and states_text(found) in facts
    assert {"share by area", "what 19 of 20 untrained networks stay below"} <= set(written)
    assert "mean and single games, 1 game each" in written and "2 of 2 games cut off at 60 steps" in written


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


@pytest.mark.parametrize(
    ("checkpoints", "regions", "series", "games"), [(13, 6, 1, 3), (60, 12, 6, 3), (2, 1, 1, 0), (4, 3, 9, 1)]
)
def test_no_words_lie_on_others_or_leave_the_picture(
    found: Track, checkpoints: int, regions: int, series: int, games: int
) -> None:
    """Nor with the first checkpoint at a round number, whose mark is close to that of 0 frames."""
    drawn = renamed(resized(found, checkpoints, regions, series, games), "w" * 200)
    with mpl.rc_context(look()):
        figure = Figure(figsize=(16, 10), dpi=100)
        FigureCanvasAgg(figure).draw()
        _draw(figure, drawn)
        figure.canvas.draw()
        boxes = [(one.get_text(), one.get_window_extent()) for one in figure.findobj(Text) if shown(one)]
    assert len(boxes) > 10
    for number, (text, box) in enumerate(boxes):
        assert box.x0 >= 0 and box.x1 <= 1600 and box.y0 >= 0 and box.y1 <= 1000, text
        for other, there in boxes[number + 1 :]:
            assert not box.overlaps(there), f"{text!r} lies on {other!r}"


def shown(text: Text) -> bool:
    """Ticks beyond the ends of an axis keep their text, and are not drawn."""
    if not text.get_visible() or not text.get_text().strip():
        return False
    if text.axes is None:
        return True
    x, y = text.get_window_extent().get_points().mean(0)
    room = text.axes.get_window_extent()
    return bool(room.x0 - 60 < x < room.x1 + 60 and room.y0 - 30 < y < room.y1 + 40)


def renamed(found: Track, name: str) -> Track:
    return replace(found, series=tuple(replace(one, source=replace(one.source, name=name)) for one in found.series))


def test_a_checkpoint_without_shares_leaves_a_gap(found: Track, tmp_path: Path) -> None:
    """A dead network has no positive relevance in any state."""
    one = resized(found, 5, 3, 1, 1)
    curve = one.series[0].curves[0]
    gap = np.where(np.arange(5)[:, None] == 2, np.nan, curve.share)
    broken = replace(curve, share=gap, low=gap, high=gap)
    draw_figure(replace(one, series=(replace(one.series[0], curves=(broken,)),)), tmp_path)
    assert "region 0" in texts(tmp_path)


def test_an_uncertain_onset_is_called_so_and_not_counted_as_one(found: Track, tmp_path: Path) -> None:
    def told(series: int) -> list[str]:
        one = resized(found, 4, 3, series, 0)
        sure = {name: Onset(50_000, 50_000, 50_000) for name in ("region_0",)}
        curves = [replace(each.curves[0], onsets=each.curves[0].onsets | sure) for each in one.series]
        pairs = zip(one.series, curves, strict=True)
        draw_figure(replace(one, series=tuple(replace(each, curves=(curve,)) for each, curve in pairs)), tmp_path)
        return texts(tmp_path)

    assert {"onset from 50.0 k frames", "uncertain onset, 50.0 k frames or later", "no onset"} <= set(told(1))
    assert {"onset in 2 of 2 series", "onset in 0 of 2 series, uncertain in 2", "onset in 0 of 2 series"} <= set(
        told(2)
    )


def marks(found: Onset) -> list[tuple[str, float]]:
    """Marks of an onset of a run from 1 k to 100 k frames, and where they stand."""
    axis, panel = TrainingAxis([1_000, 10_000, 100_000]), Figure().add_subplot()
    _draw_onset(panel, found, 1_000, axis, "red", 0.9)
    drawn = [line for line in panel.lines if str(line.get_marker()) in "D<>" and len(np.ravel(line.get_xdata()))]
    return [(str(line.get_marker()), round(float(np.ravel(line.get_xdata())[0]), 1)) for line in drawn]


def test_what_may_be_older_than_the_first_checkpoint_has_no_mark_of_an_onset() -> None:
    assert marks(Onset(10_000, 10_000, 100_000)) == [("D", 0.5)]
    assert marks(Onset(1_000, 1_000, 1_000)) == [("<", -0.0)]
    assert marks(Onset(10_000, 1_000, 100_000)) == [("<", -0.0)]
    assert marks(Onset(10_000, 10_000, None)) == [(">", 1.0), ("D", 0.5)]
    assert marks(Onset(None, None, None)) == []


@pytest.mark.parametrize("count", range(1, 17))
def test_few_cells_of_the_grid_are_empty(count: int) -> None:
    rows, columns = grid_of(count)
    assert 0 <= rows * columns - count <= columns // 2
    assert columns <= 5


def test_every_panel_has_numbers_on_its_time_axis_and_its_words_keep_off_them(found: Track, tmp_path: Path) -> None:
    draw_figure(resized(found, 13, 7, 1, 1), tmp_path)
    written = texts(tmp_path)
    assert written.count("1 M") == 9


def test_the_mean_of_series_is_taken_where_all_of_them_are() -> None:
    places, values = mean_over(
        [(np.array([0.0, 0.5, 1.0]), np.array([0.0, 1.0, 1.0])), (np.array([0.25, 1.0]), np.array([0.5, 2.0]))]
    )
    assert places.tolist() == [0.25, 0.5, 1.0]
    assert values.tolist() == [0.5, 1.0, 1.5]


def test_the_mean_begins_where_all_series_are_trained(found: Track) -> None:
    """Between 0 frames and a first checkpoint nothing is known, so nothing is drawn."""
    axis = TrainingAxis([0, 1_000, 10_000, 100_000])
    early = np.array([0, 1_000, 100_000]), np.array([0.0, 1.0, 1.0])
    late = np.array([0, 10_000, 100_000]), np.array([4.0, 2.0, 3.0])
    panel = Figure().add_subplot()
    _draw_mean(panel, [(axis.place(frames), values) for frames, values in (early, late)], axis, "red")
    line, apart = [np.array(one.get_xydata()) for one in panel.lines]
    assert line[:, 0] == pytest.approx(axis.place([10_000, 100_000]))
    assert line[:, 1] == pytest.approx([1.5, 2.0])
    assert apart == pytest.approx(np.array([[0.0, 2.0]]))


def test_no_share_above_all_is_marked(found: Track, tmp_path: Path) -> None:
    one = resized(found, 3, 1, 1, 0)
    curve = one.series[0].curves[0]
    whole = np.tile([0.01, 0.99], (3, 1))
    curve = replace(curve, share=whole, low=whole, high=whole)
    draw_figure(replace(one, series=(replace(one.series[0], curves=(curve,)),)), tmp_path)
    assert "100 %" in texts(tmp_path) and "120 %" not in texts(tmp_path)


def test_a_folder_that_is_not_there_is_named(found: Track, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nowhere.*cannot be written"):
        draw_figure(found, tmp_path / "nowhere")
