"""Clips for a probe set: which are cut, where their object is, and how they are kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inspector.clip_track.cutting import cut_clips, even_starts
from inspector.clip_track.moving import compared_with, moving_part
from inspector.clip_track.probe import MOVING, UNKNOWN, ClipProbe, cover_of_part, region_of_part
from inspector.clip_track.probe_file import read_clip_probe, save_clip_probe
from inspector.clip_track.videos import tracked_videos
from inspector.clips.windows import Windows
from inspector.errors import InspectorError, UsageError, VideoError
from inspector.regions import RegionSummer
from tests.clip_track.tiny import CLASSES, RECIPE, frames_of, make_folder, square_at, write_mask, write_video


@pytest.fixture
def probe() -> ClipProbe:
    """Three clips of two videos, of noise."""
    generator = np.random.default_rng(1)
    shape = (3, RECIPE.frames, *RECIPE.crop)
    return ClipProbe(
        recipe=RECIPE,
        class_names=CLASSES,
        stride=2,
        names=("a.mp4", "b.mp4"),
        clips=generator.integers(0, 256, (*shape, 3), np.uint8),
        parts=generator.integers(0, 256, shape, np.uint8),
        videos=np.array([0, 1, 1]),
        starts=np.array([3, 0, 4]),
        labels=np.array([2, UNKNOWN, UNKNOWN]),
        targets=np.array([2, 0, 1]),
        sure=np.array([True, False]),
        facts={"digests": ["x", "y"]},
    )


@pytest.mark.parametrize(("frame_count", "count", "starts"), [(64, 4, [6, 18, 30, 42]), (17, 4, [0, 1]), (16, 3, [0])])
def test_clips_lie_evenly_in_a_video_and_none_comes_twice(frame_count: int, count: int, starts: list[int]) -> None:
    assert even_starts(Windows(16), frame_count, count).tolist() == starts


def test_a_video_shorter_than_a_clip_is_refused(tmp_path: Path) -> None:
    video = write_video(tmp_path / "short.mp4", 7)
    with pytest.raises(UsageError, match=r"has 7 frames, 8 are needed .*: take a smaller --stride"):
        cut_clips(video, None, RECIPE, 1, 2)


def test_a_clip_has_the_frames_of_its_places_and_the_mask_of_each(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4")
    write_mask(video)
    found = cut_clips(video, tmp_path / "a.mask.npz", RECIPE, 2, 2)
    assert found["clips"].shape == (2, 8, 12, 12, 3) and found["parts"].shape == (2, 8, 12, 12)
    assert found["starts"].tolist() == [1, 3]
    for start, clip, parts in zip(found["starts"], found["clips"], found["parts"], strict=True):
        for place in range(8):
            rows, columns = square_at(int(start) + 2 * place, 2)
            whole = np.zeros((24, 32))
            whole[rows, columns] = 1
            wanted = whole.reshape(12, 2, 16, 2).mean((1, 3))[:, 2:14]  # half the size, and cut to the middle
            assert np.abs(parts[place] / 255 - wanted).max() < 0.01
            inside = clip[place].mean(2) > 180
            assert np.array_equal(inside, wanted > 0.9)


def test_what_moves_is_guessed_where_there_is_no_mask(tmp_path: Path) -> None:
    whole = replace(RECIPE, resize=(24, 32), crop=(24, 32))
    found = cut_clips(write_video(tmp_path / "a.mp4", 24, step=1), None, whole, 1, 1)
    masked = write_video(tmp_path / "b.mp4", 24, step=1)
    write_mask(masked, 24, step=1)
    sure = cut_clips(masked, tmp_path / "b.mask.npz", whole, 1, 1)["parts"] > 127
    guessed = found["parts"] > 127
    assert (guessed & sure).sum() > 0.8 * sure.sum()
    assert guessed.mean() < 0.25
    still = cut_clips(write_video(tmp_path / "c.mp4", 24, step=0), None, whole, 1, 1)
    assert not still["parts"].any()


def test_what_moves_is_where_the_thing_is_now_not_where_it_was() -> None:
    frames = np.full((3, 24, 32, 3), 40, np.uint8)
    for number, frame in enumerate(frames):
        frame[6:16, 10 * number + 1 : 10 * number + 9] = 230
    part = moving_part({0: frames[0], 16: frames[1], 32: frames[2]}, 16, 40) > 0
    assert part[6:16, 11:19].all() and not part[:, :6].any() and not part[:, 24:].any()


def test_a_frame_is_compared_with_frames_far_enough_apart() -> None:
    assert compared_with(20, 60) == [4, 36]
    assert compared_with(10, 60) == [0, 26] and compared_with(3, 60) == [19]
    assert compared_with(1, 4) == [3] and compared_with(0, 1) == [0]


def test_noise_is_no_movement() -> None:
    generator = np.random.default_rng(0)
    noisy = (frames_of(1, 2)[0] + generator.normal(0, 10, (3, 24, 32, 3))).clip(0, 255).astype(np.uint8)
    assert not moving_part({0: noisy[0], 16: noisy[1], 32: noisy[2]}, 16, 40).any()


def test_a_region_of_rows_covers_the_pixels_that_are_more_than_half_its_own() -> None:
    part = np.zeros((5, 6), np.uint8)
    part[1, 2:5], part[2, 0], part[2, 4:6], part[3, 3] = 255, 200, 128, 127
    region = region_of_part(part, sure=False)
    assert region.name == MOVING and not region.sure
    assert region.boxes == ((2.0, 1.0, 3.0, 1.0), (0.0, 2.0, 1.0, 1.0), (4.0, 2.0, 2.0, 1.0))
    assert region_of_part(np.zeros((3, 3), np.uint8), sure=True).boxes == ()


def test_relevance_is_shared_by_the_part_of_each_pixel_that_the_object_covers() -> None:
    part = np.zeros((2, 3), np.uint8)
    part[0] = (255, 51, 0)
    values = np.array([[[[2, 10, 1], [3, -4, 0]]]], np.float32)
    sums = RegionSummer([[cover_of_part(part)]], (2, 3))(values)
    assert sums.positive[0, :, 0] == pytest.approx([2 + 10 * 0.2, 16 - 4])
    assert sums.absolute[0, :, 0] == pytest.approx([4, 20 - 4])


def test_a_probe_set_is_read_as_it_was_saved(probe: ClipProbe, tmp_path: Path) -> None:
    save_clip_probe(probe, tmp_path / "probe.npz")
    again = read_clip_probe(tmp_path / "probe.npz")
    assert again.digest == probe.digest
    assert again.header == probe.header and again.recipe == RECIPE
    assert all(np.array_equal(array, again.arrays[name]) for name, array in probe.arrays.items())
    assert replace(probe, targets=probe.targets[::-1]).digest != probe.digest


def test_a_guess_is_told_with_its_size(probe: ClipProbe) -> None:
    half = np.zeros_like(probe.parts)
    half[1:, :, :6] = 255
    assert replace(probe, parts=half).remarks == ("what moves is guessed in 1 of 2 videos, 50.0 % of their pixels",)
    assert replace(probe, sure=np.array([True, True])).remarks == ()


def test_clips_of_one_video_are_of_one_group(probe: ClipProbe) -> None:
    assert probe.groups.tolist() == [0, 1, 1]
    assert replace(probe, videos=np.array([1, 1, 1])).groups.tolist() == [0, 0, 0]
    assert probe.labelled.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": np.array([0, 1, 3])}, "its targets are 0 to 3, of 3"),
        ({"labels": np.array([0, 1, -2])}, "its labels are -2 to 1, of 3"),
        ({"videos": np.array([0, 1])}, r"its videos are int64 \(2,\), \(3,\) is expected"),
        ({"clips": np.zeros((3, 2, 2, 2, 3), np.uint8)}, "its clips are uint8"),
    ],
)
def test_a_damaged_probe_set_is_refused(
    change: dict[str, np.ndarray], message: str, probe: ClipProbe, tmp_path: Path
) -> None:
    save_clip_probe(replace(probe, **change), tmp_path / "probe.npz")
    with pytest.raises(UsageError, match=f"is no probe set of clips, or damaged: {message}"):
        read_clip_probe(tmp_path / "probe.npz")


def test_a_file_that_is_no_probe_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "probe.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(UsageError, match="leave --probe out to make a new one"):
        read_clip_probe(tmp_path / "probe.npz")
    with pytest.raises(UsageError, match="there is no probe set"):
        read_clip_probe(tmp_path / "gone.npz")


def test_a_probe_set_serves_agents_that_see_its_clips_alone(probe: ClipProbe) -> None:
    probe.check(RECIPE, CLASSES, None)
    with pytest.raises(UsageError, match="the agents want ClipRecipe"):
        probe.check(replace(RECIPE, frames=9), CLASSES, None)
    with pytest.raises(UsageError, match="of the classes right, left, still, and the agents know up, left, still"):
        probe.check(RECIPE, ("up", "left", "still"), None)
    with pytest.raises(UsageError, match="made with --stride 2; asked 3"):
        probe.check(RECIPE, CLASSES, 3)


def test_videos_of_a_folder_have_the_class_of_theirs_and_a_few_are_taken_evenly(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "videos")
    (folder / "swim").mkdir()
    (folder / "swim" / "a.mp4").write_bytes(b"never read")
    found, notes = tracked_videos([folder], CLASSES, 100)
    assert [(video.name, video.label) for video in found] == [
        (f"{name}/{number}.mp4", label) for label, name in enumerate(CLASSES) for number in range(2)
    ]
    assert all(video.mask for video in found)
    assert len(notes) == 1 and notes[0].startswith("swim was left out: ")
    few, notes = tracked_videos([folder], CLASSES, 3)
    assert len(few) == 3 and {video.label for video in few} == {0, 1, 2}
    assert "3 of 6 videos were taken, evenly from all; more with --probe-steps" in notes


def test_videos_of_two_folders_have_names_of_their_own(tmp_path: Path) -> None:
    for folder, count in (("a", 9), ("b", 10)):
        write_video(tmp_path / folder / "left" / "0.mp4", count)
    write_video(tmp_path / "b" / "left" / "1.mp4", 9)
    found, _ = tracked_videos([tmp_path / "a", tmp_path / "b"], CLASSES, 100)
    assert [video.name for video in found] == [
        str(tmp_path / "a" / "left" / "0.mp4"), str(tmp_path / "b" / "left" / "0.mp4"), "left/1.mp4"
    ]  # fmt: skip


def test_hidden_files_of_a_flat_folder_are_no_videos_and_a_link_to_nothing_is_told(tmp_path: Path) -> None:
    write_video(tmp_path / "0.mp4", 9)
    (tmp_path / "._0.mp4").write_bytes(b"what a Mac leaves on other disks")
    (tmp_path / "1.mp4").symlink_to(tmp_path / "nowhere.mp4")
    found, notes = tracked_videos([tmp_path], CLASSES, 100)
    assert [video.path.name for video in found] == ["0.mp4"]
    assert len(notes) == 1 and notes[0].startswith(f"{tmp_path / '1.mp4'} cannot be read: No such file")


def test_a_file_has_the_class_of_its_folder_if_that_is_one(tmp_path: Path) -> None:
    labelled, other = write_video(tmp_path / "LEFT" / "a.mp4", 9), write_video(tmp_path / "holiday" / "b.mp4", 9)
    found, notes = tracked_videos([labelled, other.parent, labelled], CLASSES, 100)
    assert [video.label for video in found] == [1, None] and notes == []
    assert len({video.digest for video in found}) == 1
    with pytest.raises(VideoError, match="cannot be read: No such file"):
        tracked_videos([tmp_path / "gone.mp4"], CLASSES, 100)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InspectorError, match=r"there is no video in .*empty: name files"):
        tracked_videos([tmp_path / "empty"], CLASSES, 100)
