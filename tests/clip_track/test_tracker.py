"""A track of clips: the same clips under every checkpoint, measured by region and by position."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from inspector.clip_track.border import border_of, border_ratio, border_text
from inspector.clip_track.plan import ClipSettings, clip_plan
from inspector.clip_track.probe import UNKNOWN
from inspector.clip_track.recognised import RECOGNISED, accuracy, recognised_rows
from inspector.clip_track.report_words import clip_sections
from inspector.clip_track.tracker import ClipTrack, checked_explanations, track_clips
from inspector.clip_track.videos import TrackedVideo
from inspector.clip_track.work import class_of, classes_of, explain_clips
from inspector.errors import InspectorError, UsageError
from inspector.regions import RegionSums
from inspector.track.result import EVERYWHERE, Explained
from inspector.track.summary import summary
from inspector.track.work import Explaining
from inspector.viewing.interpreter import ClipInterpreter
from tests.clip_track.conftest import SETTINGS
from tests.clip_track.tiny import CLASSES, here, make_series, write_video

SCORE = Explaining("epsilon_plus", "score")


def test_every_checkpoint_is_explained_on_the_same_clips(found: ClipTrack) -> None:
    assert [member.frames for member in found.series[0].members] == [0, 1000, 4000]
    assert len(found.probe) == found.state_count == 12 and found.group_count == 6
    assert np.bincount(found.probe.videos).tolist() == [2] * 6
    assert found.probe.sure.all() and found.failures == ()
    assert (found.folder / "probe.npz").is_file()


def test_shares_are_those_of_maps_compared_with_the_mask_of_each_frame(found: ClipTrack) -> None:
    probe = found.probe
    agent = make_series().members[2].load()
    maps = [one.relevance for one in ClipInterpreter(agent).explain(probe.clips, probe.targets.tolist())]
    raised = np.array([one.values for one in maps if one]).clip(min=0).astype(np.float64)
    counts = raised.any((1, 2, 3))  # a clip without positive relevance has no shares
    raised, parts = raised[counts], probe.parts[counts] / 255
    whole = raised.sum((1, 2, 3))
    inside = (raised * parts).sum((1, 2, 3)) / whole
    curve = found.series[0].curves[0]
    assert curve.names == ("moving", "background") and curve.unit == "clips"
    assert curve.share[2] == pytest.approx([inside.mean(), 1 - inside.mean()], rel=1e-4)
    positions = found.series[0].stacked[0]
    assert positions.share[2] == pytest.approx((raised.sum((2, 3)) / whole[:, None]).mean(0), rel=1e-4)
    assert positions.area == pytest.approx(np.full(8, 1 / 8))


def test_the_table_has_every_region_position_and_null_line(found: ClipTrack) -> None:
    rows = pq.read_table(found.folder / "attention.parquet").to_pylist()
    assert set(rows[0]) >= {"clips_trained", "position", "clips", "videos", "region", "mean", "low", "high"}
    shares = [row for row in rows if row["measure"] == "positive_share" and row["composite"] == "epsilon_plus"]

    def total(**about: object) -> float:
        return sum(row["mean"] for row in shares if about.items() <= row.items())

    for trained in (0, 1000, 4000):
        about = {"clips_trained": trained, "source": "probe"}
        both = sum(total(region=name, position=None, **about) for name in ("moving", "background"))
        assert both == pytest.approx(1) and total(region=EVERYWHERE, **about) == pytest.approx(1)
    nulls = {row["position"]: row["mean"] for row in shares if row["source"] == "null" and row["region"] == EVERYWHERE}
    assert sorted(nulls) == list(range(8)) and min(nulls.values()) >= 1 / 8
    assert {row["videos"] for row in shares if row["source"] == "probe"} == {4, 6}  # not all have positive relevance


def test_accuracy_is_that_of_the_scores(found: ClipTrack) -> None:
    probe, one = found.probe, found.series[0]
    rows = pq.read_table(found.folder / "recognised.parquet").to_pylist()
    assert len(rows) == 36 and {row["class"] for row in rows} == set(CLASSES)
    for member, returns, (low, high) in zip(one.members, one.returns, one.ends, strict=True):
        best = make_series().members[one.members.index(member)].load().scores(probe.clips).argmax(1)
        (told,) = returns
        assert told == pytest.approx(100 * (best == probe.labels).mean()) and low <= told <= high
        mine = [row["recognised"] for row in rows if row["clips_trained"] == member.frames]
        assert mine == [CLASSES[number] for number in best]


def test_accuracy_counts_labelled_clips_and_its_interval_draws_videos(found: ClipTrack) -> None:
    probe = replace(found.probe, labels=np.array([0, 0, 1, 1, *[UNKNOWN] * 8]))
    scores = np.zeros((12, 3), np.float32)
    scores[:, 0] = 1
    mean, low, high = accuracy(scores, probe)
    assert (mean, low, high) == (0.5, 0.0, 1.0)  # one video is right and one is wrong: two clips of each count as one
    unknown = replace(probe, labels=np.full(12, UNKNOWN))
    assert np.isnan(accuracy(scores, unknown)).all()


def test_a_clip_whose_scores_are_no_numbers_is_not_recognised(found: ClipTrack) -> None:
    probe = replace(found.probe, labels=np.zeros(12, np.int64))
    scores = np.full((12, 3), np.nan, np.float32)
    scores[:3] = (1, 0, 0)
    assert accuracy(scores, probe)[0] == 0.25
    rows = list(recognised_rows("tiny", 0, {"scores": scores, "score": scores[:, 0]}, probe))
    assert [row["recognised"] for row in rows] == ["right"] * 3 + [None] * 9
    assert pa.Table.from_pylist(rows, schema=RECOGNISED).column("recognised").null_count == 9


def test_the_class_explained_is_the_videos_own_or_the_one_asked_for(found: ClipTrack) -> None:
    probe = found.probe
    assert np.array_equal(classes_of(probe, SCORE), probe.labels)
    assert classes_of(probe, Explaining("epsilon", "2")).tolist() == [2] * 12
    assert class_of("LEFT", CLASSES) == 1 and class_of("2", CLASSES) == 2 and class_of("score", CLASSES) is None
    with pytest.raises(UsageError, match="--target contrast is for agents that play: take score, a class"):
        class_of("contrast", CLASSES)
    with pytest.raises(UsageError, match="--target up is no class"):
        class_of("up", CLASSES)


def test_explanations_named_twice_are_done_once() -> None:
    settings = ClipSettings((Explaining("epsilon", "left"), Explaining("epsilon", "1"), SCORE))
    assert checked_explanations(settings, CLASSES).explanations == (Explaining("epsilon", "1"), SCORE)


def test_where_no_label_is_what_the_last_checkpoint_recognises_is_explained(
    videos: list[TrackedVideo], tmp_path: Path
) -> None:
    bare = [replace(video, label=None) for video in videos[:2]]
    one, settings = make_series(), replace(SETTINGS, explanations=(SCORE,), random_networks=1)
    result = track_clips([one], bare, settings, tmp_path / "out", here)
    best = one.members[-1].load().scores(result.probe.clips).argmax(1)
    assert np.array_equal(result.probe.targets, best) and not result.probe.labelled.any()
    assert all(len(returns) == 0 for returns in result.series[0].returns) and result.series[0].ends is None
    assert result.terms.targets["score"] == "score of the class that the last checkpoint recognises"
    assert not any("accuracy" in line for line in summary(result))


def test_untrained_networks_differ_from_each_other_and_from_the_agent(found: ClipTrack) -> None:
    member, file = make_series().members[0], found.folder / "probe.npz"
    own, *others = (explain_clips(member, file, SCORE, random_seed=seed)["positive"] for seed in (None, 0, 1, 2))
    assert np.array_equal(explain_clips(member, file, SCORE, random_seed=1)["positive"], others[1])
    assert not any(np.allclose(own, other) for other in others)
    assert not np.allclose(others[0], others[2])


def test_what_was_done_is_not_done_again(found: ClipTrack, videos: list[TrackedVideo]) -> None:
    def idle(units: object) -> None:
        raise AssertionError("nothing was to be done")

    again = track_clips([make_series()], videos, SETTINGS, found.folder, idle, resume=True)  # type: ignore[arg-type]
    assert again.attention.equals(found.attention) and again.recognised.equals(found.recognised)


def test_the_probe_set_of_another_track_is_explained_as_it_is(found: ClipTrack, tmp_path: Path) -> None:
    settings = replace(SETTINGS, explanations=(SCORE,))
    other = make_series((500, 900), "other")
    result = track_clips([other], [], settings, tmp_path / "out", here, probe=found.folder / "probe.npz")
    assert result.probe.digest == found.probe.digest
    assert [curve.frames.tolist() for curve in result.series[0].curves] == [[500, 900]]


def test_a_video_that_cannot_be_read_is_named_and_the_others_go_on(videos: list[TrackedVideo], tmp_path: Path) -> None:
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(videos[0].path.read_bytes()[:700])
    short = write_video(tmp_path / "short.mp4", 5)
    broken = [replace(videos[0], name=path.name, path=path, digest=path.name) for path in (torn, short)]
    settings = replace(SETTINGS, explanations=(SCORE,), random_networks=1)
    result = track_clips([make_series()], [*broken, videos[2]], settings, tmp_path / "out", here)
    reasons = {failure.name: failure.reason for failure in result.failures}
    assert set(reasons) == {"video torn.mp4", "video short.mp4"}
    assert "has 5 frames, 8 are needed" in reasons["video short.mp4"]
    assert set(result.probe.videos.tolist()) == {2} and result.group_count == 1
    assert "1 of 1 video" in clip_sections(result) and "1 of 3 videos" not in clip_sections(result)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert {one["name"] for one in manifest["left_out"]} == set(reasons)
    with pytest.raises(InspectorError, match="no video could be read: "):
        track_clips([make_series()], broken, settings, tmp_path / "none", here)


def test_a_checkpoint_that_cannot_be_explained_is_among_the_failures(found: ClipTrack, tmp_path: Path) -> None:
    one = make_series()
    gone = replace(one.members[1], digest="gone")
    assert clip_plan(one, found.probe, tmp_path, SETTINGS).probing[1][0].key != (
        clip_plan(replace(one, members=(one.members[0], gone)), found.probe, tmp_path, SETTINGS).probing[1][0].key
    )
    settings = replace(SETTINGS, explanations=(SCORE,), device="nowhere")
    with pytest.raises(InspectorError, match="no checkpoint of tiny could be explained"):
        track_clips([one], [], settings, tmp_path / "out", here, probe=found.folder / "probe.npz")


def test_the_summary_says_it_in_words(found: ClipTrack) -> None:
    head, *lines = summary(found)
    assert head == "tiny: 3 checkpoints, 12 clips, epsilon_plus"
    text = "\n".join(lines)
    assert "by position in the clip, first frame 0: most at " in text
    assert (
        "  border to centre: " in text and " at 0 clips, " in text and " at 4.0 k clips; of untrained networks " in text
    )
    assert "  at 4.0 k clips: " in text and "  accuracy " in text and "(12 clips of 6 videos)" in text
    assert "frames" not in text.replace("first frame 0", "") and "game" not in text


def explained_of(share: np.ndarray) -> Explained:
    """Clips, each of a video of its own, with these amounts of relevance at their positions."""
    amounts = np.repeat(share[None, None], 4, axis=0)
    sums = RegionSums(amounts, amounts, np.ones_like(amounts), np.ones_like(amounts))
    return Explained(sums, np.ones(4, np.bool_), np.arange(4))


def test_the_border_is_compared_with_the_centre(found: ClipTrack) -> None:
    flat, bowl = np.ones(8), np.array([3.0, 1, 1, 1, 1, 1, 1, 3])
    border = border_of([explained_of(flat), explained_of(bowl)], [explained_of(flat)])
    assert border is not None
    assert border.ratio == pytest.approx([1, 3]) and border.low == pytest.approx([1, 3])
    assert border.by_chance == (1.0, 1.0)
    curve = replace(found.series[0].curves[0], frames=np.array([0, 4000]))
    assert border_text(border, curve) == (
        "border to centre: 1.00 (1.00 to 1.00) at 0 clips, 3.00 (3.00 to 3.00) at 4.0 k clips; "
        "of untrained networks 1.00 to 1.00"
    )
    nothing = border_of([explained_of(np.zeros(8)), explained_of(bowl)], [explained_of(np.zeros(8))])
    assert nothing is not None
    assert border_text(nothing, curve) == (
        "border to centre: no relevance at 0 clips, 3.00 (3.00 to 3.00) at 4.0 k clips; "
        "of untrained networks none has any relevance"
    )
    assert border_of([explained_of(np.ones(3))], [explained_of(np.ones(3))]) is None
    assert np.isnan(border_ratio(np.zeros(8)))
