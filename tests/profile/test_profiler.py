"""A profile of a small classifier on small videos: numbers are those of the network, and nothing is lost silently."""

import importlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from inspector.clips.identity import digest_of
from inspector.clips.masks import cover_of, read_masks
from inspector.clips.source import open_video
from inspector.errors import InspectorError, UsageError
from inspector.profile.figure import FIGURE_NAMES, draw_figure
from inspector.profile.folder import LeftOut, find_videos
from inspector.profile.measures import Estimate
from inspector.profile.paired import Comparison, compare
from inspector.profile.places import Places
from inspector.profile.plan import Plan, Read, Settings
from inspector.profile.profiler import drop_frames, profile
from inspector.profile.report import report_html
from inspector.profile.result import Result
from inspector.profile.summary import summary
from inspector.profile.tables import manifest_of, number_rows, write_tables
from inspector.profile.work import Opener
from inspector.sweep import Failure
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
            masks = read_masks(video.mask, (int(result.frame_counts[row]), 48, 64))
            covers = np.stack([cover_of(masks.of(frame), agent.recipe) for frame in range(masks.shape[0])[cut]])
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


def test_videos_worked_on_in_many_parts_have_the_same_numbers(
    result: Result, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspector.profile.plan.TOGETHER", 2)
    monkeypatch.setattr("inspector.profile.plan.RANDOM_PARTS", 1)
    compared = []

    def watched(first, others):  # type: ignore[no-untyped-def]
        compared.append(first)
        return compare(first, others)

    monkeypatch.setattr("inspector.profile.gathering.compare", watched)
    parted = profile(open_tiny, videos, replace(SETTINGS, random_networks=1), tmp_path, here)
    assert compared[0] is parted.at[1].right and compared[1] is parted.at[1].stretch_right
    assert parted.videos == result.videos and parted.random_videos == 2
    assert parted.frame_counts.tolist() == [24, 25] * 3 and parted.masked.tolist() == [True, False] * 3
    for stride, one in parted.at.items():
        np.testing.assert_allclose(one.found["scores"], result.at[stride].found["scores"], atol=1e-5)
        np.testing.assert_allclose(one.stretch, result.at[stride].stretch, atol=1e-5)


def test_reading_that_fails_ends_the_profile_before_anything_is_explained(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def dying(units):  # type: ignore[no-untyped-def]
        for unit in units:
            asked.append(unit.name)
            yield unit, Failure(unit.name, "its process died")

    monkeypatch.setattr("inspector.profile.plan.TOGETHER", 2)
    with pytest.raises(InspectorError, match="videos 1 of 4: read: its process died"):
        profile(open_tiny, videos, SETTINGS, tmp_path, dying)
    assert len(asked) == 4 and all(name.endswith(": read") for name in asked)


def test_untrained_networks_are_known_by_the_clips_they_are_calibrated_on(videos: Path, tmp_path: Path) -> None:
    found, _ = find_videos(videos, open_tiny().class_names)
    numbers, plans = np.array([24]), []
    for first in found[:2]:
        read = [Read((one,), numbers, np.array([False]), tmp_path) for one in (first, found[4])]
        plans.append(Plan(Opener("tiny", open_tiny), Places(FRAMES, (1, 2)), SETTINGS, read))
    random, own = ([plan.explaining(2, seed)[1].key for plan in plans] for seed in (0, None))
    assert random[0] != random[1] and own[0] == own[1]


@pytest.mark.parametrize(
    ("gained", "lost", "corrected", "line"),
    [
        (9, 1, 0.06, "faster or not: no stride differs from stride 1 for certain (the least p is 0.06, at stride 2: "),
        (9, 1, 0.04, "faster: stride 2 is better than stride 1 by 80.0 points (9 videos gained, 1 lost, p 0.04)"),
        (1, 9, 0.04, "faster: stride 2 is worse than stride 1 by 80.0 points (1 video gained, 9 lost, p 0.04)"),
    ],
)
def test_only_what_is_sure_after_the_correction_is_said_to_be_faster_or_slower(
    gained: int, lost: int, corrected: float, line: str, result: Result
) -> None:
    told = summary(replace(result, compared=(Comparison(2, 0, gained, lost, 0, 0.02, corrected),)))
    assert sum(one.startswith(line) for one in told) == 1


def test_clips_over_the_stretch_are_kept_apart_from_the_one_in_the_middle(result: Result, tmp_path: Path) -> None:
    flipped = {stride: replace(one, stretch_right=~one.right) for stride, one in result.at.items()}
    write_tables(replace(result, at=flipped), tmp_path)
    rows = pq.read_table(tmp_path / "videos.parquet").to_pylist()
    assert all(row["stretch_right"] != row["right"] for row in rows)


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
    assert told["positions"]["border"].tolist() == [1, *[0] * 6, 1]


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


def test_masks_that_mark_nothing_and_scores_that_are_no_numbers_are_shown_as_such(
    result: Result, tmp_path: Path
) -> None:
    blank = Estimate(0.0, 0.0, 0.0)
    at = {}
    for stride, one in result.at.items():
        region, unknown = one.regions["absolute"], np.full_like(one.probabilities, np.nan)
        assert region is not None
        empty = replace(region, share=blank, area=blank, density=Estimate(np.nan, np.nan, np.nan), networks=np.zeros(3))
        at[stride] = replace(one, regions={"absolute": empty}, probabilities=unknown, stretch=unknown)
    agent = replace(result.agent, facts=replace(result.agent.facts, name="run $x_{$ 2"))  # nor is a name a formula
    odd = replace(result, at=at, agent=agent)
    draw_figure(odd, tmp_path)
    assert "run $x_{$ 2" in (tmp_path / FIGURE_NAMES[1]).read_text("utf-8")
    write_tables(odd, tmp_path)
    assert "nan" not in report_html(odd, "<svg></svg>") and not any("nan" in line for line in summary(odd))
    table = pq.read_table(tmp_path / "videos.parquet")
    for name in ("recognised", "probability", "true_probability", "stretch_recognised", "stretch_probability"):
        assert table.column(name).null_count == len(table)


def test_the_columns_of_a_table_have_the_same_types_whatever_was_found(result: Result, tmp_path: Path) -> None:
    write_tables(result, tmp_path)
    types = pq.read_schema(tmp_path / "videos.parquet")
    write_tables(replace(result, masked=np.zeros(6, bool)), tmp_path)
    bare = pq.read_table(tmp_path / "videos.parquet")
    assert bare.schema.equals(types) and bare.column("region_area").null_count == len(bare)


def test_a_damaged_file_does_not_keep_the_frames_from_being_dropped(tmp_path: Path) -> None:
    units = tmp_path / "units"
    units.mkdir()
    (units / "0.npz").write_bytes(b"PK\x03\x04 torn")
    np.savez(units / "1.npz", clips=np.zeros(1), covers=np.zeros(1))
    np.savez(units / "2.npz", absolute=np.zeros(1))
    drop_frames(tmp_path)
    assert sorted(path.name for path in units.iterdir()) == ["0.npz", "2.npz"]


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
