"""A profile of a small classifier on small videos: numbers are those of the network, and nothing is lost silently."""

import importlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from inspector.clips.masks import cover_of, read_mask
from inspector.clips.source import open_video
from inspector.errors import InspectorError, UsageError
from inspector.profile.figure import FIGURE_NAMES, draw_figure
from inspector.profile.folder import LeftOut
from inspector.profile.plan import Settings
from inspector.profile.profiler import Result, drop_frames, profile
from inspector.profile.report import report_html
from inspector.profile.summary import summary
from inspector.profile.tables import manifest_of, number_rows, write_tables
from inspector.profile.work import digest_of
from inspector.viewing.interpreter import ClipInterpreter
from tests.profile.tiny import FRAMES, here, make_folder, open_gloomy, open_restless, open_tiny

SETTINGS = Settings(strides=(1, 2), random_networks=3)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def result(videos: Path, work: Path) -> Result:
    return profile(open_tiny, videos, SETTINGS, work, here)


def clip_of(path: Path, stride: int) -> tuple[np.ndarray, slice]:
    """The clip in the middle, by reading the whole video."""
    agent = open_tiny()
    with open_video(path) as video:
        frames = [agent.recipe.prepare(frame.image) for frame in video]
    first = (len(frames) - (FRAMES - 1) * stride - 1) // 2
    cut = slice(first, first + (FRAMES - 1) * stride + 1, stride)
    return np.stack(frames[cut]), cut


def test_what_does_not_count_is_named_with_its_reason(result: Result) -> None:
    told = {one.name: one.reason for one in result.left_out}
    assert set(told) == {"swim", "one/short.mp4", "one/torn.mp4"}
    assert told["one/short.mp4"] == "has 10 frames, 15 are needed for stride 2"
    assert "knows no class 'swim'" in told["swim"]
    assert [video.label for video in result.videos] == [0, 0, 1, 1, 2, 2]
    assert summary(result)[-1].startswith("3 videos left out (swim: the agent knows no class 'swim', and 2 more)")


@pytest.mark.parametrize("stride", [1, 2])
def test_scores_and_sums_are_those_of_the_network_on_the_clip_itself(result: Result, stride: int) -> None:
    agent, found = open_tiny(), result.at[stride].found
    for row, video in enumerate(result.videos):
        clip, cut = clip_of(video.path, stride)
        (one,) = ClipInterpreter(agent).explain(clip[None])
        assert one.relevance is not None
        np.testing.assert_allclose(found["scores"][row], one.scores, atol=1e-5)
        np.testing.assert_allclose(found["absolute"][row], np.abs(one.relevance.values).sum((1, 2)), rtol=1e-3)
        np.testing.assert_allclose(found["positive"][row], one.relevance.values.clip(min=0).sum((1, 2)), rtol=1e-3)
        assert result.at[stride].right[row] == (one.scores.argmax() == video.label)
        if video.mask:
            masks = read_mask(video.mask, (int(result.frame_counts[row]), 48, 64))[cut]
            covers = np.stack([cover_of(mask, agent.recipe) for mask in masks])
            inside = (np.abs(one.relevance.values) * covers).sum((1, 2))
            np.testing.assert_allclose(found["region_absolute"][row], inside, rtol=1e-3)
            np.testing.assert_allclose(found["area"][row], covers.mean((1, 2)), rtol=1e-3)


def test_at_the_largest_stride_the_stretch_is_the_clip_itself(result: Result) -> None:
    last = result.at[2]
    assert last.stretch_clips == 1 and result.at[1].stretch_clips > 1
    np.testing.assert_allclose(last.stretch, last.probabilities, atol=1e-6)


def test_the_true_class_is_explained_where_it_is_asked_for(videos: Path, tmp_path: Path) -> None:
    settings = Settings(strides=(1,), random_networks=1, target="true")
    result = profile(open_tiny, videos, settings, tmp_path, here)
    scores = result.at[1].found["scores"]
    labels = [video.label for video in result.videos]
    np.testing.assert_allclose(result.at[1].found["score"], scores[np.arange(len(labels)), labels], atol=1e-5)
    assert result.choice is None and result.compared == ()


def test_masks_are_known_of_the_videos_that_have_them(result: Result) -> None:
    assert [video.name for video, masked in zip(result.videos, result.masked, strict=True) if masked] == [
        "one/0.mp4", "Go Left/0.mp4", "turn-round/0.mp4"
    ]  # fmt: skip
    region = result.at[1].regions["absolute"]
    assert region is not None and region.videos == 3 and len(region.networks) == 3
    assert 0.2 < region.area.mean < 0.4  # a quarter of the frame, more of what is left when its sides are cropped


def test_what_was_done_is_not_done_again(result: Result, videos: Path, work: Path) -> None:
    asked = []

    def watched(units):  # type: ignore[no-untyped-def]
        asked.extend(units)
        return here(units)

    again = profile(open_tiny, videos, SETTINGS, work, watched)
    assert asked == []
    np.testing.assert_array_equal(again.at[2].profiles["absolute"].networks, result.at[2].profiles["absolute"].networks)
    drop_frames(work)
    more = profile(open_tiny, videos, Settings(strides=(1, 2, 3), random_networks=3), work, watched)
    names = [unit.name for unit in asked]
    assert sum("read" in name for name in names) == 1
    explained = [name for name in names if "explained" in name]
    assert len(explained) == 1 and "stride 3" in explained[0]
    np.testing.assert_array_equal(more.at[1].found["absolute"], result.at[1].found["absolute"])


def test_tables_hold_a_row_a_video_and_stride_and_every_number(result: Result, tmp_path: Path) -> None:
    write_tables(result, tmp_path)
    videos = pq.read_table(tmp_path / "videos.parquet").to_pylist()
    assert len(videos) == 12 and {row["stride"] for row in videos} == {1, 2}
    first = videos[0]
    assert (first["video"], first["class"], first["frames"], first["masked"]) == ("one/0.mp4", "One", 24, True)
    parts = sum(first[f"ledger_{part}"] for part in ("input", "bias", "stabiliser", "dropped"))
    assert parts == pytest.approx(first["explained_score"], abs=1e-4)
    border, centre = (
        np.mean([row[f"{part}_position_absolute"] for row in videos[:6]]) for part in ("border", "centre")
    )
    assert border / centre == pytest.approx(result.at[1].profiles["absolute"].ratio.mean)
    rows = pq.read_table(tmp_path / "profile.parquet").to_pylist()
    own = [row for row in rows if row["measure"] == "share" and row["network"] is None and row["kind"] == "absolute"]
    for stride in (1, 2):
        assert sum(row["mean"] for row in own if row["stride"] == stride) == pytest.approx(1)
    nets = {row["network"] for row in rows if row["network"] is not None}
    assert nets == {0, 1, 2} and len(rows) == len(list(number_rows(result)))


def test_the_manifest_tells_all_that_was_chosen_and_found(result: Result) -> None:
    told = manifest_of(result)
    assert told["videos"]["counted"] == 6 and told["videos"]["masked"] == 3
    assert [one["name"] for one in told["left_out"]] == [one.name for one in result.left_out]
    assert [one["stride"] for one in told["strides"]] == [1, 2]
    assert told["choice_by_relevance"]["stride"] in (1, 2)
    assert told["settings"]["random_networks"] == 3
    assert told["positions"]["border"].tolist() == [0, 7] and told["positions"]["centre"].tolist() == [2, 3, 4, 5]


def test_a_folder_of_which_no_video_serves_says_why(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none of the 9 videos serves: swim the agent knows .*smaller --strides"):
        profile(open_tiny, videos, Settings(strides=(1, 9)), tmp_path, here)


def test_a_composite_that_is_not_there_is_said_before_any_work(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.toml: there is no such file"):
        profile(open_tiny, videos, Settings(composite="./nothing.toml"), tmp_path, here)
    assert list(tmp_path.iterdir()) == []


def test_an_agent_that_is_another_one_each_time_ends_the_profile(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(InspectorError, match=r"stride 1: .*tiny is another network each time it is opened"):
        profile(open_restless, videos, Settings(strides=(1,)), tmp_path, here)


def test_the_curves_are_the_same_bytes_each_time_and_leave_out_what_is_not_known(
    result: Result, tmp_path: Path
) -> None:
    draw_figure(result, tmp_path)
    first = [(tmp_path / name).read_bytes() for name in FIGURE_NAMES]
    picture = cv2.imread(str(tmp_path / FIGURE_NAMES[0]))
    assert picture is not None and picture.shape[1] == 1600
    draw_figure(result, tmp_path)
    assert [(tmp_path / name).read_bytes() for name in FIGURE_NAMES] == first
    assert b"what masks mark" in first[1] and b"stride 2" in first[1]
    bare = {stride: replace(one, regions={"absolute": None, "positive": None}) for stride, one in result.at.items()}
    draw_figure(replace(result, at=bare), tmp_path)
    assert b"what masks mark" not in (tmp_path / FIGURE_NAMES[1]).read_bytes()


def test_names_cannot_put_code_into_the_report(result: Result) -> None:
    hostile = LeftOut("<script>alert(1)</script>", "has <b>no</b> frames")
    facts = replace(result.agent.facts, name='"><img src=x>')
    page = report_html(replace(result, left_out=(hostile,), agent=replace(result.agent, facts=facts)), "<svg></svg>")
    assert "<script" not in page and "<img" not in page and "<b>no" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_another_forward_of_the_same_weights_is_another_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from torch import nn\nclass Half(nn.Module):\n    def forward(self, values):\n        return values / 2\n"
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    digests = []
    for text in (code, code, code.replace("/ 2", "/ 2 + 1")):
        (tmp_path / "halved_network.py").write_text(text)
        module = importlib.import_module("halved_network")
        importlib.reload(module)
        agent = open_tiny()
        agent.network.append(module.Half())  # type: ignore[operator]
        digests.append(digest_of(agent))
    assert digests[0] == digests[1] != digests[2]


def test_random_networks_without_positive_relevance_are_left_out_of_it_and_named(videos: Path, tmp_path: Path) -> None:
    settings = Settings(strides=(1, 2), random_networks=6)
    result = profile(open_gloomy, videos, settings, tmp_path, here)
    left = result.networks["positive"]
    assert result.networks["absolute"] == (0, 1, 2, 3, 4, 5) and left and set(left) <= {1, 3, 5}
    rows = [row for row in number_rows(result) if row["measure"] == "border_centre_ratio" and row["stride"] == 2]
    for kind, seeds in result.networks.items():
        found = {row["network"]: row["mean"] for row in rows if row["kind"] == kind and row.get("network") is not None}
        assert tuple(found) == seeds and all(mean is not None and mean > 0 for mean in found.values())
    told = f"without positive relevance at every stride: {6 - len(left)} of 6 networks with random weights"
    assert any(line.startswith(told) for line in summary(result))
    assert "nan" not in report_html(result, "<svg></svg>")
    draw_figure(result, tmp_path)
